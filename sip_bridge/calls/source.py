"""Where a call's audio comes from."""

from __future__ import annotations

from typing import Protocol


class Source(Protocol):
    """One fork, of whatever kind: a SIP dialog, or anything else that brings streams of audio.

    Belongs to the thread that its bridge holds calls on, as do all `feed.Feeds`. A stream is known by its index, its
    place in what the fork has offered.
    """

    number: int
    """Its own; no other source of the bridge ever has it."""
    peer: str
    """The address that forks it."""

    @property
    def is_ending(self) -> bool:
        """Whether it is being ended, or was refused: it will bring nothing more."""

    def quiet_seconds(self, now: float) -> float:
        """For how long no stream has brought a packet; 0 where none is due. `now`: seconds of a monotonic clock."""

    def attend(self) -> None:
        """Let each stream that is up go into the leg that the source's feed says (`Feed.lines`), if it is heard."""

    def release(self, index: int, now: float) -> None:
        """Let nothing of this stream into its leg any more. `now`: unix seconds."""

    def release_all(self, now: float) -> None:
        """The same of all streams."""
