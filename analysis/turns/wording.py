"""A call's latest turns as the token ids read by the shipped scorer's network. Pure.

The trainer builds its rows with the same code, so training and calls never differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from analysis.turns.figures import spoken
from callbus import Role

TURN_TOKENS = 48
"""Per turn: its beginning and its end, where callers come to the point."""
MARK = 101
"""Precedes each turn: the token in which MiniLM collects a text's vector."""
CUSTOMER_KIND, AGENT_KIND = 0, 1

_PER_CENT = re.compile(r"\bper cent\b")
_OTHER = re.compile(r"[^\w\s']|_")
_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class Wording:
    """Tokens of turns, oldest first; all tuples have the same length."""

    ids: tuple[int, ...]
    kinds: tuple[int, ...]
    """Whose words: CUSTOMER_KIND or AGENT_KIND."""
    turns: tuple[int, ...]
    """The turn of each token, counted from 0."""
    places: tuple[int, ...]
    """A token's place in its turn; the mark's is 0."""

    def by_turn(self) -> list[tuple[int, ...]]:
        """The token ids of each turn."""
        starts = [at for at, place in enumerate(self.places) if place == 0]
        return [self.ids[start:end] for start, end in zip(starts, [*starts[1:], len(self.ids)], strict=True)]


def plain(text: str) -> str:
    """Words as spoken on the telephone: lower case, no punctuation, figures as words."""
    return _PER_CENT.sub("percent", _words(spoken(_lower(text))))


def bare(text: str) -> str:
    """Lower case, no punctuation; figures stay as they are written."""
    return _words(_lower(text))


def as_read(text: str) -> str:
    """Plain words with the question marks left, which tell "does that help?" from "that does help"."""
    words = " ? ".join(plain(part) for part in text[:_CHARACTERS].split("?")).split()
    return " ".join(word for at, word in enumerate(words) if word != "?" or words[at - 1 : at] != ["?"])


def wording(tokenizer: Tokenizer, turns: Iterable[tuple[Role, str]]) -> Wording:
    """The wording of turns, each a role and a text, oldest first."""
    return _joined((role, _ids(tokenizer, text)) for role, text in turns)


def _joined(turns: Iterable[tuple[Role, list[int]]]) -> Wording:
    ids: list[int] = []
    kinds: list[int] = []
    numbers: list[int] = []
    places: list[int] = []
    for number, (role, own) in enumerate(turns):
        agent = role is Role.AGENT
        ids.append(MARK)
        ids.extend(own)
        kinds.extend([AGENT_KIND if agent else CUSTOMER_KIND] * (len(own) + 1))
        numbers.extend([number] * (len(own) + 1))
        places.extend(range(len(own) + 1))
    return Wording(tuple(ids), tuple(kinds), tuple(numbers), tuple(places))


def latest(tokenizer: Tokenizer, turns: Sequence[tuple[Role, str]], tokens: int) -> Wording:
    """The wording of the last turn and as many earlier ones as fit into `tokens`."""
    kept: list[tuple[Role, list[int]]] = []
    left = tokens
    for role, text in reversed(turns):
        own = _ids(tokenizer, text)
        left -= len(own) + 1
        if kept and left < 0:
            break
        kept.append((role, own))
    return _joined(reversed(kept))


def _lower(text: str) -> str:
    return text[:_CHARACTERS].lower().replace("\u2019", "'")


def _words(text: str) -> str:
    return " ".join(word for word in (w.strip("'") for w in _OTHER.sub(" ", text).split()) if word)


def _ids(tokenizer: Tokenizer, text: str) -> list[int]:
    ids = list(tokenizer.encode(as_read(text), add_special_tokens=False).ids)
    half = TURN_TOKENS // 2
    return ids if len(ids) <= TURN_TOKENS else ids[:half] + ids[-half:]
