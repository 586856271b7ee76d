"""How words sound, roughly, and how far apart two of them are. Pure.

A spelling becomes a string of sounds, one letter each, as an English reader would say it: `S` is sh, `C` ch, `T` th.
Other alphabets keep their letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import product

VOWELS = frozenset("aeiou")
_SPELLINGS = (
    (r"sch|sz|sh(?=\w)|sh$", "S"),
    (r"tsch|tch|cz|ch(?=[eiaouy])", "C"),
    (r"ph", "f"),
    (r"th", "T"),
    (r"(?<=[aeiou])gh(?=t|$)", ""),
    (r"^kn|^gn", "n"),
    (r"^wr", "r"),
    (r"^ps", "s"),
    (r"wh", "w"),
    (r"ck|ch|cq", "k"),
    (r"qu?", "kw"),
    (r"x", "ks"),
    (r"(?<=[td])ge|dg(?=e)|j", "J"),
    (r"[td]i(?=on)|[sc]i(?=on)", "S"),
    (r"c(?=[eiy])", "s"),
    (r"c", "k"),
    (r"(?<=[^aeiouy\W])h|h$", ""),
    (r"(?<=[^aeiouy\W])e$", ""),
    (r"y(?=[aeiou])", "y"),
    (r"y", "i"),
    (r"w(?![aeiou])", "u"),
    (r"([aeiou])[aeiou]+", r"\1"),
    (r"(.)\1+", r"\1"),
)
_RULES = tuple((re.compile(pattern), sound) for pattern, sound in _SPELLINGS)

_ALIKE = {
    0.3: ("sz", "Tf", "Ts", "td", "pb", "kg", "fv", "vw", "SC", "CJ", "Sz", "gJ"),
    0.5: ("mn", "lr", "bv", "pf", "Td", "Tt", "sS", "tC", "kC", "yJ"),
}
_SUBSTITUTED = {
    (one, other): cost for cost, groups in _ALIKE.items() for group in groups for one, other in product(group, group)
}
VOWEL_FOR_VOWEL = 0.3
DROPPED = {**dict.fromkeys(VOWELS, 0.5), "h": 0.4, "y": 0.5, "w": 0.6, "r": 0.7}
"""What a sound that is missing costs; others cost 1."""


def sounds(text: str) -> str:
    """The sounds of `text`, its words run together."""
    flat = unicodedata.normalize("NFKD", text.lower())
    words = ("".join(letter for letter in word if letter.isalpha()) for word in re.split(r"[\s-]+", flat))
    return _without_repeats("".join(_spoken(word) for word in words))


def _spoken(word: str) -> str:
    for pattern, sound in _RULES:
        word = pattern.sub(sound, word)
    return word


def _without_repeats(text: str) -> str:
    return re.sub(r"(.)\1+", r"\1", text)


def weight(heard: Iterable[str]) -> float:
    """What these sounds would cost if they were all missing."""
    return sum(DROPPED.get(sound, 1.0) for sound in heard)


def distance(one: str, other: str, most: float) -> float:
    """The least cost of making one row of sounds the other; more than `most`, though not how much, past that."""
    row = [0.0]
    for sound in other:
        row.append(row[-1] + DROPPED.get(sound, 1.0))
    for sound in one:
        lost = DROPPED.get(sound, 1.0)
        after = [row[0] + lost]
        for at, wanted in enumerate(other):
            after.append(
                min(row[at] + _changed(sound, wanted), row[at + 1] + lost, after[at] + DROPPED.get(wanted, 1.0))
            )
        row = after
        if min(row) > most:
            return min(row)
    return row[-1]


def _changed(sound: str, other: str) -> float:
    if sound == other:
        return 0.0
    if sound in VOWELS and other in VOWELS:
        return VOWEL_FOR_VOWEL
    return _SUBSTITUTED.get((sound, other), 1.0)
