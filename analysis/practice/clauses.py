"""What a turn is quoted by: its clauses, and the cut of a quote. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from analysis.languages.folding import folded
from analysis.turns.score import readable
from callbus.messages.practice import QUOTE_CHARACTERS

CLAUSE_WORDS = 30
"""A clause ends here too: some Whispers write no punctuation."""
WORD_CHARACTERS = 40
"""A longer word is cut: nobody looks for one."""
_ENDS = ".?!;:\u2026"
_GOES_ON = ";:"
_EDGES = "\"'\u00ab\u00bb\u00a1\u00bf\u2018\u2019\u201c\u201d()[]{}<>.,?!;:\u2026-\u2013\u2014*"


@dataclass(frozen=True, slots=True)
class Clause:
    """Some words of a turn, up to a full stop or its like."""

    text: str
    words: tuple[str, ...]
    """In lower case, without the punctuation around them, and without accents."""
    is_question: bool


def clauses(text: str, abbreviations: AbstractSet[str] = frozenset()) -> Iterator[Clause]:
    """The clauses of a turn, in order, each with a word at least.

    `abbreviations`: words in lower case whose full stop ends no clause.
    """
    written: list[list[str]] = [[]]
    for piece in readable(text).split():
        written[-1].append(piece)
        ends = piece[-1] in _ENDS and piece.lower() not in abbreviations
        if ends or len(written[-1]) == CLAUSE_WORDS:
            written.append([])
    written = [pieces for pieces in written if pieces]
    is_question = False
    found: list[Clause] = []
    for pieces in reversed(written):
        # "What would help most: a call, or a letter?" asks from its beginning.
        is_question = pieces[-1].endswith("?") or (is_question and pieces[-1][-1] in _GOES_ON)
        words = tuple(word for piece in pieces if (word := _bare(piece)))
        if words:
            is_cut = pieces is not written[-1] and pieces[-1][-1] not in _ENDS
            found.append(Clause(" ".join(pieces) + "\u2026" * is_cut, words, is_question))
    yield from reversed(found)


def quote(text: str) -> str:
    """`text` as a quote: whole words, an ellipsis where something was cut."""
    return cut(readable(text))


def cut(text: str) -> str:
    """The same of readable text, such as a clause's."""
    if len(text) <= QUOTE_CHARACTERS:
        return text
    kept = text[: QUOTE_CHARACTERS - 1]
    return (kept.rpartition(" ")[0] or kept) + "\u2026"


def _bare(piece: str) -> str:
    return folded(piece[:WORD_CHARACTERS]).lower().replace("\u2019", "'").strip(_EDGES)
