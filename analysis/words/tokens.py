"""Text cut into figures, words and marks, each with what it is to a number. Pure."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from analysis.words.number_words import WORDS, Kind, Meaning

QUANTITIES = {
    name: frozenset(words.lower().split())
    for name, words in tomllib.loads(Path(__file__).with_name("quantities.toml").read_text(encoding="utf-8")).items()
}
BESIDE = QUANTITIES["currency"] | QUANTITIES["share"] | QUANTITIES["clock"] | QUANTITIES["units"]
LONGEST_CODE = 4
"""Letters that belong to the figures they touch, as in an IBAN or a reference."""
SEPARATORS = frozenset(".,:/-'\u2019\u2013\u2011h")
"""What stands within one figure, where digits touch it on both sides."""

_TOKEN = re.compile(r"\d+|[^\W\d_]+(?:['\u2019][^\W\d_]+)*|[^\w\s]|_")


class Role(StrEnum):
    """What a token is to a number."""

    FIGURE = "figure"
    NUMBER = "number"
    FILLER = "filler"
    """Said between the digits of one number."""
    JOIN = "join"
    """As a filler, but it parts numbers as well: "and"."""
    MARK = "mark"
    CODE = "code"
    """Letters that touch figures."""
    OTHER = "other"
    """Ends a run of numbers."""


@dataclass(slots=True)
class Token:
    """A piece of text."""

    start: int
    end: int
    word: str
    """In lower case."""
    role: Role
    meanings: tuple[Meaning, ...] = ()
    figures: list[str] = field(default_factory=list)
    """Of a figure: its groups of digits, and the separators between them in `separators`."""
    separators: str = ""

    @property
    def is_number(self) -> bool:
        """Whether it counts towards a run."""
        return self.role in (Role.FIGURE, Role.NUMBER)


def tokens(text: str, goes_on: bool) -> list[Token]:
    """The tokens of `text`; `goes_on`: the leg's utterance before ended within a number."""
    found = _cut(text)
    for at, token in enumerate(found):
        if token.role is Role.OTHER:
            _name(token, found[at - 1] if at else None, found[at + 1] if at + 1 < len(found) else None)
    begin = 0
    for at, token in enumerate(found):
        if token.role is Role.OTHER:
            _settle(found[begin:at], goes_on and begin == 0)
            begin = at + 1
    _settle(found[begin:], goes_on and begin == 0)
    return found


def _cut(text: str) -> list[Token]:
    """Figures whole, with their separators; words that are two in writing as one."""
    found: list[Token] = []
    pending = ""
    for match in _TOKEN.finditer(text):
        start, end, word = match.start(), match.end(), match.group().lower().replace("\u2019", "'")
        last = found[-1] if found else None
        if word[0].isdecimal():
            before = found[-2] if len(found) > 1 else None
            if pending and last and before and before.end == last.start and last.end == start:
                before.figures.append(word)
                before.separators += pending
                before.end = end
                found.pop()
            else:
                found.append(Token(start, end, word, Role.FIGURE, figures=[word]))
            pending = ""
            continue
        pending = word if last and last.role is Role.FIGURE and word in SEPARATORS and last.end == start else ""
        if word[0].isalpha():
            if pair := _pair(found, text, start, word):
                found[pair[0]] = Token(found[pair[0]].start, end, word, Role.NUMBER, (pair[1],))
                del found[pair[0] + 1 :]
            else:
                found.append(Token(start, end, word, Role.OTHER))
        else:
            is_unit = word in "%\u2030" or unicodedata.category(word[0]) == "Sc"
            found.append(Token(start, end, word, Role.OTHER if is_unit else Role.MARK))
    return found


def _pair(found: Sequence[Token], text: str, start: int, word: str) -> tuple[int, Meaning] | None:
    """Where the first word of a number of two words stands, and what both mean."""
    at = len(found) - 1
    if at > 0 and found[at].word in "-\u2010\u2011":
        at -= 1
    if at < 0 or start - found[at].end != 1:
        return None
    meaning = WORDS.pairs.get((found[at].word, word))
    return (at, meaning) if meaning and text[found[at].end] in " -\u2010\u2011\u00a0" else None


def _name(token: Token, before: Token | None, after: Token | None) -> None:
    word = token.word
    if not word[0].isalpha():
        return
    touches_before = before is not None and before.role is Role.FIGURE and before.end == token.start
    touches_after = after is not None and after.role is Role.FIGURE and after.start == token.end
    meanings = WORDS.meanings_of(word)
    if meanings:
        token.role, token.meanings = Role.NUMBER, meanings
    elif touches_before or touches_after:
        ends_a_quantity = not touches_after and word in QUANTITIES["glued"] and before and len(before.word) <= 6
        if len(word) <= LONGEST_CODE and word.isascii() and not ends_a_quantity:
            token.role = Role.CODE
    elif word in WORDS.joins:
        token.role = Role.JOIN
    elif word in WORDS.fillers:
        token.role = Role.FILLER


def _settle(run: Sequence[Token], goes_on: bool) -> None:
    """Decide on words of a run that are ordinary ones, too: "due" beside figures is English, beside "tre" it is 2."""
    spoken = [token for token in run if token.role is Role.NUMBER]
    doubtful = [token for token in spoken if not any(meaning.plain_in for meaning in token.meanings)]
    if not doubtful:
        return
    company = Counter(
        one for token in spoken for meaning in token.meanings[:1] if not meaning.is_sound for one in meaning.languages
    )
    unsure: list[Token] = []
    for token in doubtful:
        languages = token.meanings[0].languages
        fewest = 1 if token.meanings[0].is_sound else 2
        if not any(company[one] >= fewest for one in languages):
            unsure.append(token)
            token.role = Role.FILLER
    sure = [token.start for token in run if token.is_number]
    for token in unsure:
        follows = goes_on or bool(sure and sure[0] < token.start)
        if token.word in WORDS.fillers:
            continue
        if not follows:
            token.role = Role.OTHER
        elif sure and token.start < sure[-1] and len(doubtful) == len(spoken):
            token.role = Role.NUMBER  # "4 7 oh 2": between figures of no language


def repeats(token: Token) -> int:
    """How often the word says that the next digit comes; 0 for other words."""
    first = token.meanings[0] if token.meanings else None
    return first.value if first and first.kind is Kind.REPEAT else 0
