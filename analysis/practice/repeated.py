"""How much of an agent's turn this site's agents say on other calls too: formulas, found without a list of them. Pure.

Keeps no words, only keyed hashes of four words in a row, and of each the latest calls that it was said on. A call never
counts against itself, however often its turns grow and are read again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence, Set
from dataclasses import dataclass
from hashlib import blake2b
from statistics import median_low

from analysis.practice.clauses import clauses, cut
from analysis.practice.read_turn import LEAST, Sign
from analysis.turns.score import readable
from analysis.turns.turn import Turn
from analysis.turns.wording import plain
from callbus import Act, Role

SHINGLE_WORDS = 4
LEAST_WORDS = 8
"""A shorter turn is said by everybody, everywhere."""
MOST_SHINGLES = 400
"""Of a turn; what follows is not looked at."""
MOST = 100_000
"""Shingles that are kept, 24 MB, or 34 MB if each is said on nine calls. Beyond this the one said longest ago goes."""
MOST_CALLS = 8
"""Other calls that are told apart; more are "8 or more"."""
KEPT_SECONDS = 30 * 86_400.0
HASH_BYTES = 8
CALL_BYTES = 4

_Calls = tuple[bytes, float]
"""The latest calls, CALL_BYTES each, and when the shingle was said last."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """How much of a text other calls have."""

    share: float
    """Of its shingles, 0 to 1."""
    calls: int
    """Other calls that have half of those, or more; at most MOST_CALLS."""


NOWHERE = Elsewhere(0.0, 0)


def counts(turn: Turn, history: Sequence[Turn]) -> bool:
    """Whether an agent's turn is looked at, given the turns before it.

    A greeting, which is what an agent says before anybody else has spoken, is repeated by nature, and so are a few
    words.
    """
    return turn.words >= LEAST_WORDS and any(other.role is not Role.AGENT for other in history)


class Repeats:
    """What a site's agents say. Belongs to one event loop; times are of any one clock, in seconds."""

    def __init__(self, key: bytes, most: int = MOST, kept_seconds: float = KEPT_SECONDS) -> None:
        """`key`: secret, at most 64 bytes, without which no hash tells whether words were said."""
        self._key = key
        self._most = most
        self._kept_seconds = kept_seconds
        self._calls: OrderedDict[int, _Calls] = OrderedDict()

    def __len__(self) -> int:
        return len(self._calls)

    def heard(self, turn: Turn, history: Sequence[Turn], call_id: str, now: float) -> Sign | None:
        """Learn an agent's turn, or more words of it. What it shows, if it counts and other calls have LEAST of it."""
        if not counts(turn, history):
            return None
        shingles, own = self._shingles(turn.text), self._call(call_id)
        found = self._elsewhere(shingles, own, now)
        self._learn(shingles, own, now)
        if found.share < LEAST:
            return None
        said = max(clauses(turn.text), key=lambda clause: self._weight(clause.text, call_id, now))
        many = f"{found.calls}{' or more' * (found.calls == MOST_CALLS)} other call{'s' * (found.calls != 1)}"
        return Sign(found.share, cut(said.text), f"{Act.REPEATED}: said in {many}")

    def elsewhere(self, text: str, call_id: str, now: float) -> Elsewhere:
        """How much of a turn was said on other calls; nothing of one with fewer words than a shingle."""
        return self._elsewhere(self._shingles(text), self._call(call_id), now)

    def learn(self, text: str, call_id: str, now: float) -> None:
        """Remember what was said on a call."""
        self._learn(self._shingles(text), self._call(call_id), now)

    def _elsewhere(self, shingles: Set[int], own: bytes, now: float) -> Elsewhere:
        others = [count for one in shingles if (count := self._others(one, own, now))]
        return Elsewhere(len(others) / len(shingles), median_low(others)) if others else NOWHERE

    def _learn(self, shingles: Set[int], own: bytes, now: float) -> None:
        for shingle in shingles:
            calls, at = self._calls.pop(shingle, (own, now))
            known = _each(calls) if now - at <= self._kept_seconds else []
            if own not in known:
                calls = b"".join((*known, own)[-MOST_CALLS - 1 :])
            self._calls[shingle] = (calls, now)
        while len(self._calls) > self._most:
            self._calls.popitem(last=False)

    def _weight(self, text: str, call_id: str, now: float) -> float:
        """Of a clause: how many words of it are said elsewhere."""
        return self.elsewhere(text, call_id, now).share * len(text)

    def _others(self, shingle: int, own: bytes, now: float) -> int:
        calls, at = self._calls.get(shingle, (own, now))
        if now - at > self._kept_seconds:
            return 0
        return min(MOST_CALLS, sum(each != own for each in _each(calls)))

    def _shingles(self, text: str) -> set[int]:
        words = plain(readable(text)).split()
        starts = range(min(MOST_SHINGLES, len(words) - SHINGLE_WORDS + 1))
        return {int.from_bytes(self._hash(" ".join(words[at : at + SHINGLE_WORDS]), HASH_BYTES)) for at in starts}

    def _call(self, call_id: str) -> bytes:
        return self._hash(call_id, CALL_BYTES)

    def _hash(self, text: str, size: int) -> bytes:
        return blake2b(text.encode(errors="replace"), digest_size=size, key=self._key).digest()


def _each(calls: bytes) -> list[bytes]:
    return [calls[at : at + CALL_BYTES] for at in range(0, len(calls), CALL_BYTES)]
