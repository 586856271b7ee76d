"""How something is written, where nothing is heard: capitals, repeated marks, curtness. Pure.

Each is measured against what the same customer wrote before, as everything here is: who always writes in capitals does
not shout. None could be measured on labelled conversations, so all are small.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from statistics import median

from analysis.turns.turn import Turn
from callbus import Channel, Term

CAPITALS = -0.5
"""As much as a raised voice."""
REPEATED_MARKS = -0.3
CURT = -0.3
LETTERS = 12
"""Fewer do not show whether somebody writes in capitals: "OK", "USB", "ID 4 AB"."""
SHOUTED, SPOKEN = 0.7, 0.35
"""Share of capitals from which a turn is in capitals, and below which the earlier turns are not."""
CURT_WORDS, USUAL_WORDS = 2, 4
"""A curt message has at most so many words, where the earlier ones had this many or more (the median)."""
EARLIER = 2
"""Earlier messages, at least, that show how long somebody usually writes."""

_RUN = re.compile(r"[!?]{3,}")


def written_terms(turn: Turn, history: Sequence[Turn], channel: Channel) -> Iterator[Term]:
    """The terms of a turn; none for the first one, which there is nothing to compare with.

    `history`: the earlier turns of both parties, oldest first.
    """
    own = [other.text for other in history if other.party == turn.party]
    if not own:
        return
    if _capitals(turn.text, SHOUTED) and not any(_capitals(text, SPOKEN) for text in own):
        yield Term("writes in capitals", CAPITALS)
    if _RUN.search(turn.text) and not any(_RUN.search(text) for text in own):
        yield Term("repeats marks", REPEATED_MARKS)
    if channel is Channel.CHAT and _is_curt(turn, own):
        yield Term("turns curt", CURT)


def _capitals(text: str, share: float) -> bool:
    upper = sum(map(str.isupper, text))
    letters = upper + sum(map(str.islower, text))
    return letters >= LETTERS and upper >= share * letters


def _is_curt(turn: Turn, own: Sequence[str]) -> bool:
    """A word or two with a full stop, from somebody who wrote sentences without one at their end."""
    text = turn.text.rstrip()
    is_short = turn.utterances == 1 and 0 < turn.words <= CURT_WORDS and not any(map(str.isdigit, text))
    return (
        is_short
        and text.endswith(".")
        and text[-2:-1].isalpha()
        and len(own) >= EARLIER
        and not any(other.rstrip().endswith(".") for other in own)
        and median(len(other.split()) for other in own) >= USUAL_WORDS
    )
