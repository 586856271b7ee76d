"""Outright words, beside what the network reads between them: named, each counted once, capped. Pure.

The network was trained on callers who seldom say that they are angry. Those who do must be heard too. Every cue means
unhappiness; thanks are so often mere politeness that only the network weighs them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from callbus import Term

MOST = -1.6
"""The most that all cues of a turn add, in log-odds."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Something said outright."""

    name: str
    log_odds: float
    """For each different wording."""
    pattern: re.Pattern[str]


def _cue(name: str, log_odds: float, pattern: str) -> Cue:
    return Cue(name, log_odds, re.compile(rf"(?<!not )(?<!n't )\b(?:{pattern})\b"))


CUES: Sequence[Cue] = (
    _cue(
        "says they are unhappy",
        -0.8,
        r"angry|furious|livid|fuming|upset|annoyed|annoying|frustrat(?:ed|ing)|disappointed|fed up"
        r"|sick (?:of|and tired)|disgust(?:ed|ing)|appall(?:ed|ing)|outrag(?:ed|eous)",
    ),
    _cue(
        "harsh words",
        -0.6,
        r"ridiculous|unacceptable|terrible|horrible|awful|dreadful|pathetic|shambles|a joke|disgrace(?:ful)?|useless"
        r"|hate|worst|stupid|rubbish|nonsense|bad service|a mess",
    ),
    _cue(
        "counts the times",
        -0.5,
        r"(?:second|third|fourth|fifth|sixth|seventh|eighth|tenth|umpteenth) (?:time|call|week|month)"
        r"|(?:three|four|five|six|seven|eight|ten) times(?! (?:a|per))|every (?:single )?time|yet again|once again",
    ),
    _cue(
        "nobody answers",
        -0.5,
        r"(?:nobody|no one|none of you) (?:\w+ )?(?:told|tells?|called|calls|rang|listens?|came|comes|answers?|answered"
        r"|cares?|helps?|knows?|replied|bothered)",
    ),
)


def cues(words: str) -> tuple[Term, ...]:
    """The cues in plain words, as terms whose sum is capped."""
    found = [Term(cue.name, cue.log_odds * len(set(cue.pattern.findall(words)))) for cue in CUES]
    whole = sum(term.value for term in found)
    scale = MOST / whole if whole < MOST else 1.0
    return tuple(Term(term.name, term.value * scale) for term in found if term.value)
