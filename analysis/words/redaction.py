"""Keeps card and account numbers inside the process: redacts long runs of digits, written or spoken. Pure.

Nobody says which language is spoken, so the number words of all languages count. Times, years, dates and prices stay
where nothing else of a number touches them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analysis.words.numerals import Link, Numeral, Shape, lists, numerals
from analysis.words.tokens import BESIDE, QUANTITIES, Role, Token, tokens

MARK = "[digits]"
CARD_DIGITS = 13
"""From here on, prices and spoken times that nothing else marks as such are taken for a number."""
AMOUNT_DIGITS = 9
"""More than this, and a currency makes no price of it."""
PLAIN_DIGITS = 7
"""The same for figures without any separator."""

_FIRM = (Shape.CLOCK, Shape.DATE)
_LOOSE = (Shape.DECIMAL, Shape.SPOKEN_CLOCK)
_OPENING = "+(#"


@dataclass(frozen=True, slots=True)
class Redacted:
    """Text that may leave the process, and how many digits its end left open."""

    text: str
    open_digits: int
    """Digits that the last run of the text ends with: a number may go on in the leg's next utterance."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Numbers with nothing between them that ends a number."""

    numerals: Sequence[Numeral]
    at_start: bool
    """No word stands before it."""
    at_end: bool


def redact(text: str, least: int, open_digits: int = 0) -> Redacted:
    """`text` with every run of at least `least` digits replaced by MARK; `least` 0 keeps all.

    `open_digits` is what the leg's utterance before ended with: a number read out in pieces is one run.
    """
    if not least:
        return Redacted(text, 0)
    kept: list[str] = []
    past = left_open = 0
    for run in _runs(tokens(text, goes_on=open_digits > 0)):
        before = open_digits if run.at_start else 0
        exposed = _exposed(run.numerals, goes_on=before > 0)
        if span := _span(run.numerals, exposed, before, least):
            start, end = _widened(text, past, *span)
            kept.append(text[past:start] + MARK)
            past = end
        if run.at_end:
            left_open = before + sum(
                each.digits
                for each, is_exposed in zip(run.numerals, exposed, strict=True)
                if is_exposed or (len(exposed) == 1 and not (each.shape in _FIRM or each.marked))
            )
    kept.append(text[past:])
    return Redacted("".join(kept), left_open)


def _runs(found: Sequence[Token]) -> Iterator[_Run]:
    """The runs in order; one without numbers where there are no words either."""
    for begin, end in lists(found):
        named = numerals(found, begin, end)
        if named:
            _set_amounts(named, found, begin, end)
            leading = next(at for at in range(begin, end) if found[at].is_number)
            _mark_years(named, found[leading - 1].word if leading else "")
        run: list[Numeral] = []
        at_start = begin == 0
        for numeral in named:
            if numeral.shape is Shape.AMOUNT:
                yield _Run(run, at_start, at_end=False)
                run, at_start = [], False
            else:
                run.append(numeral)
        yield _Run(run, at_start, at_end=end == len(found))


def _set_amounts(named: Sequence[Numeral], found: Sequence[Token], begin: int, end: int) -> None:
    """A currency, a unit or a percent sign beside the first or the last number of a run make it an amount."""
    first, last = named[0], named[-1]
    before = found[begin - 1] if begin else None
    if before is not None and _is_currency(before) and first.start - before.end <= 1:
        if first.count == 1 and first.digits <= AMOUNT_DIGITS:
            first.shape = Shape.AMOUNT
        _with_thousands(named[:4])
    after = found[last.last_token + 1] if last.last_token + 1 < len(found) else None
    if after is None or not _counts(after, last):
        return
    whole = [last]
    while len(whole) < 3 and len(whole) < len(named) and _is_thousands(whole[0]) and whole[0].link is Link.TIGHT:
        whole.insert(0, named[-1 - len(whole)])
    earlier = named[-1 - len(whole)] if len(named) > len(whole) else None
    stands_alone = earlier is None or whole[0].link is not Link.TIGHT
    if earlier is not None and after.word in QUANTITIES["clock"] and earlier.shape in (Shape.YEAR, Shape.DATE):
        stands_alone = True  # "12.03.2024 um 9 Uhr"
    leads = len(whole) == 1 or (len(whole[0].groups) == 1 and len(whole[0].groups[0]) <= 3)
    if stands_alone and leads and sum(each.digits for each in whole) <= AMOUNT_DIGITS:
        for each in whole:
            each.shape = Shape.AMOUNT


def _with_thousands(named: Sequence[Numeral]) -> None:
    """Figures that go on with thousands after a currency: "€ 12 345,67"."""
    if named[0].shape is Shape.AMOUNT and len(named[0].groups) == 1 and len(named[0].groups[0]) <= 3:
        for each in named[1:]:
            if each.link is not Link.TIGHT or not _is_thousands(each):
                break
            each.shape = Shape.AMOUNT


def _is_thousands(numeral: Numeral) -> bool:
    """Whether figures may be the last of an amount's thousands, set apart by spaces."""
    match numeral.groups:
        case [thousands]:
            return len(thousands) == 3
        case [thousands, decimals]:
            return len(thousands) == 3 and len(decimals) <= 2 and numeral.separators in (",", ".")
    return False


def _is_currency(token: Token) -> bool:
    return token.word in QUANTITIES["currency"] or not (token.word[0].isalnum() or token.word in "%\u2030")


def _counts(after: Token, numeral: Numeral) -> bool:
    """Whether what comes right after a number says that it is an amount, or the time of day."""
    gap = after.start - numeral.end
    if gap == 0 and after.word in QUANTITIES["glued"]:
        return numeral.digits <= 6
    if gap > 1 or not (after.word in BESIDE or (after.role is Role.OTHER and not after.word[0].isalnum())):
        return False
    if len(numeral.groups) == 1:
        return numeral.digits <= PLAIN_DIGITS
    return numeral.count == 1 or numeral.shape is not Shape.PLAIN


def _mark_years(named: Sequence[Numeral], before: str) -> None:
    """A year after "in" or a month is one, and so are those that are listed with it."""
    marked = before in QUANTITIES["years"]
    for numeral in named:
        marked = marked and numeral.shape is Shape.YEAR and (numeral is named[0] or numeral.link is not Link.TIGHT)
        numeral.marked = marked


def _exposed(named: Sequence[Numeral], *, goes_on: bool) -> list[bool]:
    """Which of a run's numbers may be parts of a longer one."""
    found = []
    for at, numeral in enumerate(named):
        sides = []
        if at or goes_on:
            sides.append((numeral.link if at else Link.TIGHT, named[at - 1].shape if at else Shape.PLAIN))
        if at + 1 < len(named):
            sides.append((named[at + 1].link, named[at + 1].shape))
        found.append(numeral.shape is Shape.PLAIN or any(_breaks(numeral.shape, *side) for side in sides))
    return found


def _breaks(shape: Shape, link: Link, beside: Shape) -> bool:
    """Whether a time, year, date or price is none because of the number beside it."""
    if link is Link.LOOSE:
        return False
    if shape in _FIRM:
        return link is Link.TIGHT and beside not in _FIRM
    if shape is Shape.YEAR:
        return beside is Shape.PLAIN or (link is Link.TIGHT and beside not in _FIRM)
    return link is Link.TIGHT or shape is not Shape.DECIMAL or beside is not Shape.DECIMAL


def _span(named: Sequence[Numeral], exposed: Sequence[bool], before: int, least: int) -> tuple[int, int] | None:
    """From where to where a run is redacted; None where it is too short."""
    certain = before + sum(each.digits for each, one in zip(named, exposed, strict=True) if one)
    places = [at for at, one in enumerate(exposed) if one]
    if certain < least:
        doubtful = [at for at, each in enumerate(named) if exposed[at] or each.shape in _LOOSE]
        if before + sum(named[at].digits for at in doubtful) < max(least, CARD_DIGITS):
            return None
        places = doubtful
    if not places:
        return None
    first, last = places[0], places[-1]
    while first and named[first].link is not Link.LOOSE and named[first - 1].shape not in _FIRM:
        first -= 1
    while last + 1 < len(named) and named[last + 1].link is not Link.LOOSE and named[last + 1].shape not in _FIRM:
        last += 1
    return named[first].start, named[last].end


def _widened(text: str, past: int, start: int, end: int) -> tuple[int, int]:
    """A span with the signs that belong to a number: its plus, its brackets."""
    while start > past and text[start - 1] in _OPENING:
        start -= 1
    span = text[start:end]
    if text[end : end + 1] == ")" and span.count("(") > span.count(")"):
        end += 1
    return start, end
