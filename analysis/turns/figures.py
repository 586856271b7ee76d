"""Figures as English words say them: "£40" is forty pounds, "3rd" third, "9:30am" nine thirty am. Pure.

Whisper writes figures where callers say words, and the shipped scorer has learnt what callers say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MOST_DIGITS = 24
"""Of a number that is read digit by digit; what follows is left out."""
LONGEST_CARDINAL = 9
"""Digits of the longest number that is read as one."""

_FIGURE = re.compile(
    r"(?P<sign>[#\u00a3$\u20ac\u00a5])?[ ]?(?P<body>\d+(?:[.,:/\u2013-]\d+)*)"
    r"(?P<scale>[ ]?(?:hundred|thousand|million|billion|[km]|bn)\b)?"
    r"(?P<tail>[ ]?[%\u00a3$\u20ac\u00a5\u00b0]|[^\W\d_]+)?",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"\D")
_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ((1_000_000, "million"), (1_000, "thousand"))
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
_MONEY = {
    "\u00a3": ("pound", "pounds", "pence"),
    "$": ("dollar", "dollars", "cents"),
    "\u20ac": ("euro", "euros", "cents"),
    "\u00a5": ("yen", "yen", "sen"),
}
_TAILS = {
    "%": "percent", "\u00b0": "degrees", "x": "times", "p": "pence", "c": "cents", "k": "thousand", "m": "million",
    "bn": "billion", "h": "hours", "hr": "hours", "hrs": "hours", "min": "minutes", "mins": "minutes",
    "s": "seconds", "sec": "seconds", "secs": "seconds", "km": "kilometres", "kg": "kilos", "gb": "gigabytes",
    "mb": "megabytes",
}  # fmt: skip
_ORDINAL_TAILS = ("st", "nd", "rd", "th")
_FRACTIONS = {("1", "2"): "half", ("1", "3"): "a third", ("1", "4"): "a quarter", ("3", "4"): "three quarters"}
_OUT_OF = ("5", "10", "100")
"""What marks are given out of."""


def spoken(text: str) -> str:
    """`text` with its figures as words; everything else stays as it is."""
    return _FIGURE.sub(_said, text)


def cardinal(number: int) -> str:
    """A number below a thousand million in words: "one hundred and five"."""
    for scale, name in _SCALES:
        if number >= scale:
            more, rest = divmod(number, scale)
            joint = " and " if 0 < rest < 100 else " "
            return f"{cardinal(more)} {name}{joint + cardinal(rest) if rest else ''}"
    if number >= 100:
        more, rest = divmod(number, 100)
        return f"{_SMALL[more]} hundred{' and ' + cardinal(rest) if rest else ''}"
    if number < len(_SMALL):
        return _SMALL[number]
    tens, unit = divmod(number, 10)
    return f"{_TENS[tens]} {_SMALL[unit]}" if unit else _TENS[tens]


def ordinal(number: int) -> str:
    """Which one in words: "twenty first"."""
    rest, _, last = cardinal(number).rpartition(" ")
    nth = _ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return f"{rest} {nth}".lstrip()


def _said(match: re.Match[str]) -> str:
    sign, body = match["sign"] or "", match["body"]
    scale, tail = (match["scale"] or "").strip().lower(), (match["tail"] or "").strip().lower()
    groups, separators = _SEPARATOR.split(body), "".join(_SEPARATOR.findall(body))
    money = _MONEY.get(sign) or _MONEY.get(tail)
    if money:
        words = _amount(groups, separators, _TAILS.get(scale, scale), money)
        words = words if tail in _MONEY else f"{words} {tail}"
    elif scale:
        name = scale if scale == "m" else _TAILS.get(scale, scale)  # metres, minutes, millions: nobody knows
        words = f"{_number(groups, separators)} {name} {_TAILS.get(tail, tail)}"
    elif tail in _ORDINAL_TAILS and not separators and len(body) <= LONGEST_CARDINAL:
        words = ordinal(int(body))
    elif tail == "s" and not separators and len(body) in (2, 4) and body.endswith("0"):
        words = _plural(_year(body) if len(body) == 4 else cardinal(int(body)))
    elif tail in ("am", "pm") and separators == ":" and groups[1] == "00":
        words = f"{_whole(groups[0])} {tail}"
    else:
        words = f"{_number(groups, separators)} {_TAILS.get(tail, tail)}"
    return f" {'number ' if sign == '#' else ''}{words} "


def _amount(groups: Sequence[str], separators: str, scale: str, money: tuple[str, str, str]) -> str:
    one, many, parts = money
    has_cents = separators and separators[-1] in ".," and len(groups[-1]) == 2 and not scale
    if not has_cents:
        whole = _number(groups, separators)
        return f"{whole} {scale} {many}" if scale else f"{whole} {one if whole == 'one' else many}"
    whole, cents = _number(groups[:-1], separators[:-1]), int(groups[-1])
    if whole == "zero":
        return f"{cardinal(cents)} {parts}"
    whole = f"{whole} {one if whole == 'one' else many}"
    if not cents:
        return whole
    return f"{whole} {cardinal(cents)}" if parts == "pence" else f"{whole} and {cardinal(cents)} {parts}"


def _number(groups: Sequence[str], separators: str) -> str:
    """A figure without what stands around it."""
    if not separators:
        return _year(groups[0]) if _is_year(groups[0]) else _whole(groups[0])
    thousands = "".join(groups)
    if _is_grouped(groups, separators, ","):
        return _whole(thousands)
    if separators[-1] == "." and _is_grouped(groups[:-1], separators[:-1], ","):
        return _decimal("".join(groups[:-1]), groups[-1])
    match separators:
        case ".":
            return _decimal(*groups)
        case ":":
            return _clock(*groups)
        case "/":
            marks = groups[1] in _OUT_OF and len(groups[0]) <= 3 and int(groups[0]) <= int(groups[1])
            other = f"{_whole(groups[0])} out of {_whole(groups[1])}" if marks else _each(groups)
            return _FRACTIONS.get((groups[0], groups[1]), other)
        case "-" | "\u2013" if _is_range(*groups):
            return f"{_number(groups[:1], '')} to {_number(groups[1:], '')}"
    return _each(groups)


def _is_grouped(groups: Sequence[str], separators: str, mark: str) -> bool:
    """Whether thousands are set apart."""
    return set(separators) == {mark} and 0 < len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])


def _is_range(first: str, last: str) -> bool:
    are_years = _is_year(first) and _is_year(last)
    return (are_years or max(len(first), len(last)) <= 3) and int(first) < int(last)


def _is_year(group: str) -> bool:
    return len(group) == 4 and 1900 <= int(group) < 2100


def _year(group: str) -> str:
    century, rest = int(group[:2]), int(group[2:])
    if century == 20 and rest < 10:
        return cardinal(int(group))
    return f"{cardinal(century)} {'hundred' if not rest else 'oh ' + _SMALL[rest] if rest < 10 else cardinal(rest)}"


def _whole(group: str) -> str:
    """A number, or its digits where nobody says it as a number."""
    by_digits = len(group) > LONGEST_CARDINAL or (len(group) > 1 and _value(group[0]) == 0)
    return _digits(group) if by_digits else cardinal(int(group))


def _digits(group: str) -> str:
    return " ".join(_SMALL[int(digit)] for digit in group[:MOST_DIGITS])


def _decimal(whole: str, part: str) -> str:
    return f"{_whole(whole)} point {_digits(part)}"


def _clock(hour: str, minute: str) -> str:
    if len(hour) > 2 or len(minute) != 2:
        return _each((hour, minute))
    if minute == "00":
        return f"{cardinal(int(hour))} o'clock"
    past = _value(minute)
    return f"{cardinal(_value(hour))} {'oh ' if past < 10 else ''}{cardinal(past)}"


def _each(groups: Sequence[str]) -> str:
    """Groups one after the other, long ones digit by digit."""
    return " ".join(_number([one], "") if len(one) <= 2 or _is_year(one) else _digits(one) for one in groups)


def _value(group: str) -> int:
    return int(group[:LONGEST_CARDINAL])


def _plural(words: str) -> str:
    return f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"
