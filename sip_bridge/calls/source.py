"""Where a call's audio comes from."""

from __future__ import annotations

from typing import Protocol


class Source(Protocol):
    """One fork of any kind: a SIP dialog, or anything else that brings audio streams.

    Belongs to the thread that holds the bridge's calls, as does `feeds.Feeds`. A stream is known by its index in the
    fork's offer.
    """

    number: int
    """Unique among all sources of the bridge, past ones included."""
    peer: str
    """The address that forks the call."""

    @property
    def is_ending(self) -> bool:
        """Whether it is ending or was refused, so that no more audio will come."""

    def quiet_seconds(self, now: float) -> float:
        """Seconds since any stream brought a packet; 0 if none is due. `now`: seconds of a monotonic clock."""

    def attend(self) -> None:
        """Route each active stream to its leg in the feed (`Feed.lines`), if the feed is heard."""

    def release(self, index: int, now: float) -> None:
        """Stop routing this stream to its leg. `now`: unix seconds."""

    def release_all(self, now: float) -> None:
        """Stop routing all streams. `now`: unix seconds."""
