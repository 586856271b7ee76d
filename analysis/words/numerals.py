"""The numbers in a text, written and spoken, and what each of them reads as by itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from analysis.words.dictation import HOURS, MILLION, YEARS, Dictation
from analysis.words.number_words import WORDS, Kind, Meaning
from analysis.words.tokens import Role, Token, repeats

HYPHENS = frozenset("-\u2010\u2011")
COMMAS = frozenset(",;.?!:\u2026")


class Shape(StrEnum):
    """What a number reads as by itself."""

    PLAIN = "plain"
    YEAR = "year"
    DATE = "date"
    CLOCK = "clock"
    """A time of day with a colon."""
    DECIMAL = "decimal"
    """A price without its currency, a round figure, or a time of day with a dot."""
    SPOKEN_CLOCK = "spoken clock"
    AMOUNT = "amount"
    """Something is counted: no part of a card or an account."""


class Link(StrEnum):
    """What stands between a number and the one before it."""

    TIGHT = "tight"
    """Space, a dash, a filler."""
    COMMA = "comma"
    LOOSE = "loose"
    """A word such as "and"."""


@dataclass(slots=True)
class Numeral:
    """A number in a text."""

    start: int
    end: int
    digits: int
    shape: Shape
    link: Link
    last_token: int
    """Where its last token stands among the text's."""
    groups: tuple[str, ...] = ()
    """Of figures, and the separators between them."""
    separators: str = ""
    count: int = 1
    """How many numbers: "nine thirty" is two."""
    marked: bool = False
    """A word says that it is a year."""


@dataclass(slots=True)
class _Reader:
    """Reads the tokens of one run."""

    numerals: list[Numeral] = field(default_factory=list)
    said: Dictation | None = None
    """What goes on while words follow each other."""
    last: int = 0
    """The number just read, where it has a single group."""
    extra: int = 0
    """Digits that "double" or "times" adds to the next number."""
    head: int | None = None
    """Where that word begins."""
    link: Link = Link.TIGHT
    paused: bool = False
    """Something stands before the next token that no number has within it."""
    joined_by: str = ""

    def between(self, token: Token) -> None:
        """Read what is no number."""
        if token.role is Role.JOIN:
            self.link, self.joined_by = Link.LOOSE, token.word
        elif token.role is not Role.MARK:
            self.paused = True
        elif token.word not in HYPHENS:
            # "One thousand, two hundred" is written with a comma.
            if token.word != "," or self.said is None or not self.said.has_thousands:
                self.paused = True
            if token.word in COMMAS and self.link is Link.TIGHT:
                self.link = Link.COMMA

    def code(self, token: Token, after: Token | None) -> None:
        """Read letters that touch figures: they go with them."""
        if self.numerals and self.numerals[-1].end == token.start:
            self.numerals[-1].end = token.end
        elif after is not None and after.start == token.end:
            after.start = token.start

    def figures(self, token: Token, at: int) -> None:
        """Read a number in figures."""
        groups = tuple(token.figures)
        digits = sum(map(len, groups)) + self._taken()
        shape = shape_of(groups, token.separators)
        start = token.start if self.head is None else self.head
        self.numerals.append(Numeral(start, token.end, digits, shape, self.link, at, groups, token.separators))
        self.said = None
        self.last = int(groups[0]) if len(groups) == 1 and len(groups[0]) == 1 else 0
        self._next()

    def words(self, token: Token, at: int) -> None:
        """Read one word of a number, or several written together."""
        first = token.meanings[0]
        if first.kind is Kind.REPEAT:
            self.extra, self.head, self.paused = repeats(token) - 1, token.start, True
            return
        if first.kind is Kind.TIMES:
            self.extra, self.paused = max(0, self.last - 2), True
            return
        extra = self._taken()
        if self.said is None or not self._continues(self.said, first):
            self.said = Dictation()
            extra += self._after_figures(first)
            start = token.start if self.head is None else self.head
            self.numerals.append(Numeral(start, token.end, 0, Shape.PLAIN, self.link, at))
        numeral, before = self.numerals[-1], self.said.digits
        for meaning in token.meanings:
            self.said.add(meaning)
        numeral.end, numeral.last_token = token.end, at
        numeral.digits += self.said.digits - before + extra
        numeral.count = len(self.said.numbers)
        numeral.shape = _shape_of_words(self.said, has_more=numeral.digits != self.said.digits)
        self.last = self.said.value if self.said.value <= 9 else 0
        self._next()

    def _taken(self) -> int:
        extra, self.extra = self.extra, 0
        return extra

    def _next(self) -> None:
        self.head, self.link, self.paused, self.joined_by = None, Link.TIGHT, False, ""

    def _continues(self, said: Dictation, meaning: Meaning) -> bool:
        """Directly, or after an "and" that the language has within numbers."""
        if self.paused or (said.is_amount and meaning.kind is not Kind.MULTIPLIER and not said.takes(meaning)):
            return False
        if not self.joined_by:
            return self.link is Link.TIGHT or said.takes(meaning)
        links = WORDS.links_after_tens if said.numbers[-1] % 100 else WORDS.links_after_hundreds
        return self.joined_by in links and said.takes(meaning)

    def _after_figures(self, meaning: Meaning) -> int:
        """Digits that a word adds to figures just before it: "4 ones", "2 hundred"; a million makes an amount."""
        if self.paused or self.joined_by or not self.numerals or not self.numerals[-1].groups:
            return 0
        if meaning.kind is Kind.NOUN:
            return max(0, self.last - 2)
        if meaning.kind is Kind.MULTIPLIER:
            if meaning.value >= MILLION:
                self.numerals[-1].shape = Shape.AMOUNT
            return -1
        return 0


def numerals(found: Sequence[Token], begin: int, end: int) -> list[Numeral]:
    """The numbers among the tokens from `begin` to `end`, none of which ends a run."""
    reader = _Reader()
    for at in range(begin, end):
        token = found[at]
        match token.role:
            case Role.FIGURE:
                reader.figures(token, at)
            case Role.NUMBER:
                reader.words(token, at)
            case Role.CODE:
                reader.code(token, found[at + 1] if at + 1 < end else None)
            case _:
                reader.between(token)
    return reader.numerals


def shape_of(groups: Sequence[str], separators: str) -> Shape:
    """What figures read as."""
    sizes = [len(group) for group in groups]
    match separators:
        case "":
            return Shape.YEAR if is_year(groups[0]) else Shape.PLAIN
        case ":" | "::" | "h":
            clock = sizes[0] <= 2 and int(groups[0]) in HOURS and all(map(_is_sixtieth, groups[1:]))
            return Shape.CLOCK if clock else Shape.PLAIN
        case "//" | ".." | "--" if _is_date(groups):
            return Shape.DATE
        case "-" | "/" | "\u2013" if all(map(is_year, groups)) and int(groups[0]) < int(groups[1]):
            return Shape.YEAR
        case "/" | "." if is_year(groups[1]) and sizes[0] <= 2 and 1 <= int(groups[0]) <= 12:
            return Shape.DATE
        case "." | "," if sizes[0] <= 4 and sizes[1] == 2:
            return Shape.DECIMAL
    is_round = sizes[-1] == 2 or groups[-1] == "000"
    return Shape.DECIMAL if is_round and is_grouped(groups, separators) and groups[0][0] != "0" else Shape.PLAIN


def _shape_of_words(said: Dictation, *, has_more: bool) -> Shape:
    if said.is_amount:
        return Shape.AMOUNT
    if has_more:
        return Shape.PLAIN
    return Shape.YEAR if said.is_year else Shape.SPOKEN_CLOCK if said.is_clock else Shape.PLAIN


def is_year(group: str) -> bool:
    """Whether four figures are a year of our time."""
    return len(group) == 4 and int(group) in YEARS


def is_grouped(groups: Sequence[str], separators: str) -> bool:
    """Whether figures are an amount with its thousands set apart, and decimals perhaps: 12,345.67 or 12.345,67."""
    decimals = len(separators) > 1 and separators[-1] in ".," and separators[-1] != separators[0]
    whole = groups[:-1] if decimals else groups
    marks = separators[:-1] if decimals else separators
    return (
        len(whole) > 1
        and len(groups[0]) <= 3
        and all(len(group) == 3 for group in whole[1:])
        and len(set(marks)) == 1
        and marks[0] in ".,'"
    )


def _is_sixtieth(group: str) -> bool:
    return len(group) == 2 and int(group) < 60


def _is_date(groups: Sequence[str]) -> bool:
    first, second, third = map(int, groups)
    if is_year(groups[0]):
        return 1 <= second <= 12 and 1 <= third <= 31 and max(map(len, groups[1:])) <= 2
    days = 1 <= min(first, second) <= 12 and max(first, second) <= 31 and max(map(len, groups[:2])) <= 2
    return days and (is_year(groups[2]) or len(groups[2]) == 2)


def lists(found: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Where the runs of numbers begin and end among tokens: between words that are no part of one."""
    begin = 0
    for at, token in enumerate(found):
        if token.role is Role.OTHER:
            yield begin, at
            begin = at + 1
    yield begin, len(found)
