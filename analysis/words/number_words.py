"""Which words stand for numbers, in each language that callers dictate them in. Pure.

The words of all languages are known at once, since nobody says which one is spoken. `number_words.toml` holds them.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import product
from pathlib import Path
from typing import Any

SHIPPED_WORDS = Path(__file__).with_name("number_words.toml")
LONGEST_WORD = 80
"""Letters past which a word is not looked at: nobody says such a number in one word."""
LEADING = 2
"""Letters that the shortest number word begins with."""


class Kind(StrEnum):
    """What a number word does."""

    NUMBER = "number"
    MULTIPLIER = "multiplier"
    """Hundred, thousand, million."""
    NOUN = "noun"
    """A digit as a thing: "four ones"."""
    REPEAT = "repeat"
    """The digit after it comes `value` times."""
    TIMES = "times"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a word means as a number."""

    kind: Kind
    value: int = 0
    wide: bool = False
    """A ten that 10 to 19 may follow: soixante-douze."""
    languages: frozenset[str] = frozenset()
    plain_in: frozenset[str] = frozenset()
    """Languages in which it is a number and hardly anything else."""
    is_sound: bool = False
    """As "oh": several of them are no number yet."""


@dataclass(slots=True)
class Vocabulary:
    """The number words of all languages."""

    meanings: dict[str, Meaning] = field(default_factory=dict)
    pairs: dict[tuple[str, str], Meaning] = field(default_factory=dict)
    """Numbers of two words: quatre-vingt."""
    parts: dict[str, dict[str, Meaning]] = field(default_factory=dict)
    """By language: what words that are written together are made of."""
    leading: dict[str, frozenset[str]] = field(default_factory=dict)
    """By language: how those begin."""
    longest: int = 0
    fillers: set[str] = field(default_factory=set)
    joins: set[str] = field(default_factory=set)
    links_after_tens: set[str] = field(default_factory=set)
    links_after_hundreds: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, path: Path) -> Vocabulary:
        """The words in a TOML file. Raises OSError and ValueError."""
        made = cls()
        for language, words in tomllib.loads(path.read_text(encoding="utf-8")).items():
            made._learn(language, words)
        return made

    def meanings_of(self, word: str) -> tuple[Meaning, ...]:
        """The numbers that a lower-case word is made of, in order; empty for other words."""
        known = self.meanings.get(word)
        if known:
            return (known,)
        if len(word) <= LONGEST_WORD:
            for language, parts in self.parts.items():
                if word[:LEADING] in self.leading[language] and (found := self._split(word, parts)):
                    return found
        return ()

    def _split(self, word: str, parts: Mapping[str, Meaning]) -> tuple[Meaning, ...]:
        """The longest part first, without going back: linear, and number words need no more."""
        found: list[Meaning] = []
        at = 0
        while at < len(word):
            for size in range(min(self.longest, len(word) - at), 0, -1):
                if meaning := parts.get(word[at : at + size]):
                    found.append(meaning)
                    at += size
                    break
            else:
                return ()
        return tuple(found)

    def _learn(self, language: str, words: Mapping[str, Any]) -> None:
        common, sounds = _forms(words.get("common", "")), _forms(words.get("sounds", ""))
        known = dict(_stated(words))
        together = {word: Meaning(Kind.NUMBER, value) for word, value in _compounds(words)}
        for word, stated in {**known, **together}.items():
            is_common = word in common or word in sounds
            here = frozenset({language})
            meaning = replace(
                stated, languages=here, plain_in=frozenset() if is_common else here, is_sound=word in sounds
            )
            first, hyphen, second = word.partition("-")
            if hyphen:
                self.pairs[first, second] = meaning
            else:
                self.meanings[word] = _merged(word, self.meanings.get(word), meaning)
        if together:
            parts = {
                word: meaning
                for word in (*known, *together)
                if (meaning := self.meanings[word]).kind in (Kind.NUMBER, Kind.MULTIPLIER)
            }
            self.parts[language] = parts
            self.leading[language] = frozenset(word[:LEADING] for word in parts)
            self.longest = max(self.longest, *map(len, parts))
        self.fillers |= _forms(words["fillers"])
        self.joins |= _forms(words["joins"])
        after_tens, after_hundreds = words["links"]
        self.links_after_tens |= _forms(after_tens)
        self.links_after_hundreds |= _forms(after_hundreds)


def unaccented(word: str) -> str:
    """`word` without the marks on its letters."""
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


def _forms(words: str) -> set[str]:
    listed = words.lower().split()
    return {form for word in listed for form in (word, unicodedata.normalize("NFC", unaccented(word)))}


def _stated(words: Mapping[str, Any]) -> Iterator[tuple[str, Meaning]]:
    wide = _forms(words.get("wide", ""))
    values = {
        **dict(enumerate(words["digits"])),
        **dict(enumerate(words["teens"], 10)),
        **dict(zip(range(20, 100, 10), words["tens"], strict=True)),
        **{int(value): listed for value, listed in words.get("others", {}).items()},
        **dict(zip(range(100, 1000, 100), words.get("hundreds", ()), strict=False)),
    }
    for value, listed in values.items():
        yield from ((word, Meaning(Kind.NUMBER, value, word in wide)) for word in _forms(listed))
    for name, value in (("hundred", 100), ("thousand", 1_000), ("million", 1_000_000)):
        yield from ((word, Meaning(Kind.MULTIPLIER, value)) for word in _forms(words.get(name, "")))
    for digit, listed in enumerate(words["nouns"]):
        yield from ((word, Meaning(Kind.NOUN, digit)) for word in _forms(listed))
    for times, listed in enumerate(words["repeat"], 2):
        yield from ((word, Meaning(Kind.REPEAT, times)) for word in _forms(listed))
    yield from ((word, Meaning(Kind.TIMES)) for word in _forms(words["times"]))


def _compounds(words: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    elided = _forms(words.get("elided", ""))
    units = [(unit, value) for value, listed in enumerate(words["digits"]) if value for unit in _forms(listed)]
    tens = [
        (ten, value) for value, listed in zip(range(20, 100, 10), words["tens"], strict=True) for ten in _forms(listed)
    ]
    for form, (ten, tens_value), (unit, value) in product(words.get("compound", ()), tens, units):
        yield form.format(ten=ten[:-1] if unit in elided else ten, unit=unit), tens_value + value


def _merged(word: str, known: Meaning | None, new: Meaning) -> Meaning:
    if known is None:
        return new
    kinds = {known.kind, new.kind}
    if known.value != new.value or (len(kinds) > 1 and kinds != {Kind.NUMBER, Kind.MULTIPLIER}):
        raise ValueError(f"{word}: {known.kind} {known.value} in one language, {new.kind} {new.value} in another")
    return replace(
        known,
        kind=known.kind if len(kinds) == 1 else Kind.MULTIPLIER,  # cento: it multiplies in one of them
        wide=known.wide or new.wide,
        languages=known.languages | new.languages,
        plain_in=known.plain_in | new.plain_in,
        is_sound=known.is_sound and new.is_sound,
    )


WORDS = Vocabulary.read(SHIPPED_WORDS)
