"""Keeps card and account numbers inside the process: redacts long runs of digits, written or spoken. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

MARK = "[digits]"

_TOKEN = re.compile(r"\S+")
_UNITS = re.compile("zero|oh|o|nought|naught|nil|one|two|three|four|five|six|seven|eight|nine")
_TEENS = re.compile("ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen")
_TENS = re.compile("twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety")
_TIMES = {"double": 1, "triple": 2, "treble": 2}
"""Digits this word adds to the next one."""
_FILLERS = re.compile("um|uh|er|erm|and|then|dash|hyphen|space|dot|point|slash")
"""Words between the digits of one number. They end no run, and belong to it only if digits follow."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """Text that may leave the process, and the number of digits at its open end."""

    text: str
    open_digits: int
    """Digits in the run that ends the text: the number may continue in the leg's next utterance."""


def redact(text: str, least: int, open_digits: int = 0) -> Redacted:
    """`text` with every run of at least `least` digits replaced by MARK; 0 keeps all.

    `open_digits` comes from the leg's previous utterance: a number read out in pieces is one run.
    """
    if not least:
        return Redacted(text, 0)
    tokens = list(_TOKEN.finditer(text))
    kept: list[str] = []
    run: list[int] = []
    digits, past = open_digits, 0
    touched = False

    def close() -> None:
        nonlocal past
        if run and digits >= least:
            first, last = tokens[run[0]], tokens[run[-1]]
            tail = last.group()[len(last.group().rstrip(".,;:!?")) :]
            kept.append(text[past : first.start()])
            kept.append(MARK + tail)
            past = last.end()

    for place, token in enumerate(tokens):
        count = _digits(token.group(), _bare(tokens[place - 1].group()) if run and place else "")
        if count is not None:
            run.append(place)
            digits += count
            touched = True
        elif _FILLERS.fullmatch(_bare(token.group())) and (run or (digits and not touched)):
            continue
        else:
            close()
            run, digits, touched = [], 0, True
    close()
    kept.append(text[past:])
    return Redacted("".join(kept), digits)


def _bare(token: str) -> str:
    return token.strip(".,;:!?\"'()").lower()


def _digits(token: str, before: str) -> int | None:
    """Number of digits a token stands for; None if it is not part of a number."""
    word = _bare(token)
    if not word:
        return None
    figures = sum(letter.isdigit() for letter in word)
    if figures:
        rest = re.sub(r"[\d\s.,/+()-]", "", word)
        return figures if len(rest) <= 1 else None
    parts = word.split("-")
    if len(parts) > 1:
        counts = [_digits(part, parts[index - 1] if index else before) for index, part in enumerate(parts)]
        return None if None in counts else sum(count for count in counts if count)
    if _UNITS.fullmatch(word):
        return 0 if _TENS.fullmatch(before) and word not in ("zero", "oh", "o") else 1
    if _TEENS.fullmatch(word) or _TENS.fullmatch(word):
        return 2
    return _TIMES.get(word)
