"""Whether a customer says that it is not their first contact, and how often they say it was. Pure, for English.

Only what they did themselves towards us counts: somebody who called their bank, or whom nobody has called, has not been
in touch with us by that. A call without a word of when or how often is mostly the present one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from analysis.turns.wording import plain

MOST_CHARACTERS = 200
"""Of the words kept."""
MANY = 3
"""The least that somebody means who says that they call every time."""
_UNITS = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_ORDINALS = ["second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
_NUMBERS = {
    **{word: count for count, word in enumerate(_UNITS, 2)},
    **{word: count for count, word in enumerate(_ORDINALS, 2)},
    "twice": 2,
    "umpteenth": 10,
}
_SENTENCES = re.compile(r"(?<=[.?!]) ")

_UNIT, _ORDINAL = "|".join(_UNITS), "|".join((*_ORDINALS, "umpteenth"))
_CALLED = "called|rang|phoned|emailed|messaged|written|contacted you|been in touch"
_CALLING = "calling|ringing|phoning|emailing"
_CALL = "call|ring|phone|email"
_TO_US = r"(?: you| in| up| here| back| about(?: this| it| that| the same \w+)?){0,2}"
_OFTEN = rf"(?:(?P<times>{_UNIT}) times|(?P<twice>twice)|(?P<many>(?:several|many|so many) times|over and over))"
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_MONTH = "january|february|march|april|may|june|july|august|september|october|november|december"
_WHEN = (
    rf"(?:already|before|yesterday|earlier|previously|the other day|this morning|last (?:week|month|year|night|{_DAY})"
    rf"|on (?:{_DAY}|the \w{{3,14}})|in (?:{_MONTH})"
    rf"|(?:about |around |only )?(?:an?|{_UNIT}|a few|a couple of) (?:minute|hour|day|week|month)s? ago)"
)
_THIRD_PARTIES = r"(?!(?:my|him|her|them|his|their|our|myself|dad|mum|mom)\b)"

_PATTERNS = tuple(
    re.compile(rf"\b(?:{pattern})\b")
    for pattern in (
        rf"(?P<nth>{_ORDINAL}) time (?:now |today |this week |in a row )?(?:that )?"
        rf"(?:i|we)(?:'m|'ve|'ve had to| am| have| have had to| had to)? (?:{_CALLED}|rung|{_CALLING}|{_CALL})",
        rf"(?P<nth>{_ORDINAL}) time (?:of )?(?:{_CALLING})",
        rf"(?:my|the|our) (?P<nth>{_ORDINAL}) (?:phone )?call",
        rf"(?:i|we)(?:'ve| have)? (?:already |now |also )?(?:{_CALLED}|rung|had to (?:{_CALL})|been on)"
        rf"(?: to| with)?{_TO_US} {_OFTEN}",
        rf"told to (?:{_CALL}) back (?P<times>{_UNIT}) times",
        rf"every (?P<many>time) (?:that )?(?:i|we)(?:'ve)? (?:{_CALLED}|rung|{_CALL})",
        rf"(?<!if )(?<!wish )(?<!before )(?:i|we)(?:'ve| have)? (?:{_CALLED}|rung){_TO_US} {_WHEN}",
        rf"(?:i|we)(?:'ve| have) (?:already|now) (?:{_CALLED}|rung)(?= you|$)",
        rf"(?:i|we)(?:'ve| have)? (?:already )?(?:spoke|spoken|talked) (?:to|with) {_THIRD_PARTIES}"
        rf"(?:\w+ ){{1,4}}{_WHEN}",
        r"you (?:i|we) (?:spoke|talked) (?:to|with)",
        rf"last time (?:i|we) (?:{_CALLED}|spoke|talked|got through)",
        rf"(?:i'm|i am|having to|we're) (?:just |only |now )?(?:{_CALLING}|{_CALL})(?: you| up| in)? (?:again|back)",
        rf"(?:told|asked|said)(?: me| us)? to (?:{_CALL})(?: you)? back",
        r"(?:nobody|no one|never|didn't|not)(?: ever| has| have)? (?:called|rang|rung|phoned|call|ring|phone|got|get)"
        r"(?: me| us)? back",
        r"promised (?:me )?a (?:call ?back|return call)",
    )
)


@dataclass(frozen=True, slots=True)
class Told:
    """What a customer says of their earlier contacts."""

    number: int
    """Which contact this is by their word: 2 or more."""
    words: str
    """The sentence that says so."""


def told(text: str) -> Told | None:
    """What a customer's turn says of earlier contacts, by its strongest sentence; None if it says nothing."""
    sentences = _SENTENCES.split(text)
    found = [Told(max(numbers), sentence) for sentence in sentences if (numbers := [*_numbers(plain(sentence))])]
    strongest = max(found, key=lambda one: one.number, default=None)
    return Told(strongest.number, strongest.words.strip()[:MOST_CHARACTERS]) if strongest else None


def _numbers(words: str) -> Iterator[int]:
    for pattern in _PATTERNS:
        for found in pattern.finditer(words):
            groups = found.groupdict()
            if nth := groups.get("nth"):
                yield _NUMBERS[nth]
            elif groups.get("many"):
                yield MANY
            elif often := groups.get("times") or groups.get("twice"):
                yield _NUMBERS[often] + 1
            else:
                yield 2
