"""Outright words, beside what the network reads between them: named, each counted once, capped. Pure.

The network was trained on callers who seldom say that they are angry. Those who do must be heard too. Every cue means
unhappiness; thanks are so often mere politeness that only the network weighs them.
"""

from __future__ import annotations

from analysis.languages.lexicon import Lexicon, shipped
from callbus import Term

MOST = -1.6
"""The most that all cues of a turn add, in log-odds."""


def cues(words: str, lexicon: Lexicon | None = None, most: float = MOST) -> tuple[Term, ...]:
    """The cues in words as patterns see them, as terms whose sum is capped. Without a lexicon: in English."""
    among = (lexicon or shipped()).cues
    found = [Term(cue.name, cue.log_odds * len(set(cue.pattern.findall(words)))) for cue in among]
    whole = sum(term.value for term in found)
    scale = most / whole if whole < most else 1.0
    return tuple(Term(term.name, term.value * scale) for term in found if term.value)
