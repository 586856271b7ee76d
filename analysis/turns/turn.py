"""Joins utterances into turns: what one party says until the other takes the floor. Pure.

A party is a role: two agents on the line are one party. Each leg of unknown role is a party of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from callbus import Channel, Role

SOLO_PAUSE_SECONDS = 1.0
"""In a call with one leg the other party is not heard: a pause this long counts as their turn."""
LONGEST_UTTERANCES = 24
"""A turn ends here too, so that a monologue does not hide a change within it."""
MAX_CHARACTERS = 2_000
"""Words of a turn beyond this are not kept."""
CUT = " \u2026 "
"""Stands for what is not kept in the middle."""
CHAT_PAUSE_SECONDS = 300.0
"""Messages of one party that are further apart are turns of their own, though nobody has answered."""

_ACKNOWLEDGEMENT = re.compile(
    r"\W*+(?:(?:m++|h++m++|mhm|mm-?hm++|uh-?huh|aha|okay|ok|right|sure|yeah|i see|go on)\b\W*+){1,3}", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Said:
    """The words of one utterance, filtered and redacted."""

    leg_id: str
    role: Role
    text: str
    start_seconds: float
    """Call time."""
    end_seconds: float
    confidence: float
    """0 to 1."""
    arousal: float = 0.0
    """How far the voice is above the speaker's own, in deviations; 0 if not measured."""
    channel: Channel = Channel.PHONE


@dataclass(frozen=True, slots=True)
class Turn:
    """One party's words until the other takes the floor."""

    number: int
    """Counted from 0 over all parties."""
    party: str
    role: Role
    text: str
    start_seconds: float
    """Call time."""
    end_seconds: float
    confidence: float
    """Mean over the words, 0 to 1."""
    utterances: int
    arousal: float = 0.0
    """The highest of its utterances, in deviations above the speaker's own voice."""

    @property
    def words(self) -> int:
        """Number of words."""
        return len(self.text.split())


@dataclass(frozen=True, slots=True)
class Placed:
    """The turn an utterance belongs to."""

    turn: Turn
    is_new: bool
    """Whether it took the floor; else it extends a known turn."""


def party_of(leg_id: str, role: Role) -> str:
    """The party a leg speaks for."""
    return f"leg {leg_id}" if role is Role.UNKNOWN else role.value


def place(said: Said, recent: Sequence[Turn], next_number: int, *, solo: bool) -> Placed | None:
    """The turn an utterance starts or extends; None for an acknowledgement that leaves the floor to the other party.

    `recent` are the latest turns, oldest first; the last one holds the floor. `solo`: the call has one leg.
    """
    party = party_of(said.leg_id, said.role)
    if recent:
        floor = recent[-1]
        if floor.party == party:
            if _goes_on(floor, said, solo=solo):
                return Placed(_extended(floor, said), is_new=False)
        else:
            if _ACKNOWLEDGEMENT.fullmatch(said.text):
                return None
            own = next((turn for turn in reversed(recent) if turn.party == party), None)
            # It started before the other took the floor: speech that continued through an interjection.
            if own and said.start_seconds < floor.start_seconds and _goes_on(own, said, solo=solo):
                return Placed(_extended(own, said), is_new=False)
    turn = Turn(
        number=next_number,
        party=party,
        role=said.role,
        text=_cut(said.text, said.channel),
        start_seconds=said.start_seconds,
        end_seconds=said.end_seconds,
        confidence=said.confidence,
        utterances=1,
        arousal=said.arousal,
    )
    return Placed(turn, is_new=True)


def _goes_on(turn: Turn, said: Said, *, solo: bool) -> bool:
    pause = said.start_seconds - turn.end_seconds
    match said.channel:
        case Channel.PHONE:
            paused = solo and pause >= SOLO_PAUSE_SECONDS
        case Channel.CHAT:
            paused = pause >= CHAT_PAUSE_SECONDS or len(turn.text) + len(said.text) >= MAX_CHARACTERS
        case Channel.EMAIL:
            paused = True  # a mail is whole
    return not paused and turn.utterances < LONGEST_UTTERANCES


def _cut(text: str, channel: Channel) -> str:
    """What is kept of long words. Who writes at length comes to the point at the beginning or at the end."""
    if len(text) <= MAX_CHARACTERS or not channel.is_written:
        return text[:MAX_CHARACTERS]
    half = (MAX_CHARACTERS - len(CUT)) // 2
    return text[:half] + CUT + text[-half:]


def _extended(turn: Turn, said: Said) -> Turn:
    more = len(said.text.split())
    total = turn.words + more
    confidence = (turn.confidence * turn.words + said.confidence * more) / total if total else said.confidence
    return replace(
        turn,
        text=f"{turn.text} {said.text}".strip()[:MAX_CHARACTERS],
        start_seconds=min(turn.start_seconds, said.start_seconds),
        end_seconds=max(turn.end_seconds, said.end_seconds),
        confidence=min(1.0, confidence),
        utterances=turn.utterances + 1,
        arousal=max(turn.arousal, said.arousal),
    )
