"""What one party wrote, placed in its call, and the words of it that count. Pure.

A message takes no time to say: it begins and ends at the moment it was written. So nothing that is told by timing or
voice ever applies to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from analysis.call.recording_state import CLOCKS_SECONDS, Recordings, in_call
from analysis.words.recognition import Recognition
from callbus import Channel, Role, WrittenTurn
from callbus.messages.mail import own_words

EMPTY = "empty"
"""Why a message has no words: it is blank, or only quotes others."""

_GONE = dict.fromkeys((0x200B, 0x2060, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))
"""Signs without width, which hide what belongs together, and overridden directions, which show what is not written."""
_BLANK = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), " ") | {ord("\n"): "\n", ord("\r"): "\n"}
_MARKS = re.compile(
    r"([\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{3})[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]++"
)
"""More marks on one letter than any language writes."""


@dataclass(frozen=True, slots=True)
class Wrote:
    """A written turn in its call's own numbering and time. Its fields are named as those of an utterance."""

    call_id: str
    leg_id: str
    role: Role
    sequence: int
    text: str
    channel: Channel
    """`chat` or `email`."""
    start_seconds: float
    """Call time, as `end_seconds`."""
    end_seconds: float
    ended_at: float
    """Unix seconds at which it was written."""
    recording_id: str = ""


def wrote(before: Recordings | None, event: WrittenTurn, at: float) -> Wrote:
    """A written turn in the time of its recording; `at`: when Redis received it, Unix seconds.

    Never before what is known of its call, since turns are judged in the order in which they come, and never after it
    came.
    """
    written_at = event.at if event.at <= at + CLOCKS_SECONDS else at
    own = before.find(event.recording_id) if before else None
    seconds = 0.0
    if before and own:
        seconds = in_call(max(0.0, written_at - own.opened_at, before.latest_seconds - own.offset_seconds))
    return Wrote(
        event.call_id,
        event.leg_id,
        event.role,
        event.sequence,
        event.text,
        event.channel if event.channel.is_written else Channel.CHAT,
        seconds,
        seconds,
        written_at,
        event.recording_id,
    )


def read(event: Wrote) -> Recognition:
    """Its words, of which every one is certain; without those of mail that it quotes."""
    text = event.text.translate(_BLANK).translate(_GONE)
    text = _MARKS.sub(r"\1", own_words(text) if event.channel is Channel.EMAIL else text).strip()
    return Recognition(text, 1.0) if text else Recognition(dropped=EMPTY)
