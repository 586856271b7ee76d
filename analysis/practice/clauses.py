"""What a turn is quoted by: its clauses, and the cut of a quote. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from analysis.turns.score import readable
from callbus.messages.practice import QUOTE_CHARACTERS

CLAUSE_WORDS = 30
"""A clause ends here too: some Whispers write no punctuation."""
WORD_CHARACTERS = 40
"""A longer word is cut: nobody looks for one."""
_ENDS = ".?!;:\u2026"
_ABBREVIATIONS = frozenset(("mr.", "mrs.", "ms.", "dr.", "st.", "no.", "prof."))
_EDGES = "\"'\u2018\u2019\u201c\u201d()[]{}<>.,?!;:\u2026-\u2013\u2014*"


@dataclass(frozen=True, slots=True)
class Clause:
    """Some words of a turn, up to a full stop or its like."""

    text: str
    words: tuple[str, ...]
    """In lower case, without the punctuation around them."""
    is_question: bool


def clauses(text: str) -> Iterator[Clause]:
    """The clauses of a turn, in order, each with a word at least."""
    written: list[str] = []
    for piece in readable(text).split():
        written.append(piece)
        ends = piece[-1] in _ENDS and piece.lower() not in _ABBREVIATIONS
        if ends or len(written) == CLAUSE_WORDS:
            yield from _clause(written)
            written = []
    yield from _clause(written)


def quote(text: str) -> str:
    """`text` as a quote: whole words, an ellipsis where something was cut."""
    return cut(readable(text))


def cut(text: str) -> str:
    """The same of readable text, such as a clause's."""
    if len(text) <= QUOTE_CHARACTERS:
        return text
    kept = text[: QUOTE_CHARACTERS - 1]
    return (kept.rpartition(" ")[0] or kept) + "\u2026"


def _clause(written: list[str]) -> Iterator[Clause]:
    words = tuple(word for piece in written if (word := _bare(piece)))
    if words:
        yield Clause(" ".join(written), words, written[-1].endswith("?"))


def _bare(piece: str) -> str:
    return piece[:WORD_CHARACTERS].lower().replace("\u2019", "'").strip(_EDGES)
