"""How much of an agent's turn this site's agents say on other calls too: formulas, found without a list of them. Pure.

Keeps no words, only keyed hashes of four words in a row, and of each the first two calls that it was said on. A call
never counts against itself, however often its turns grow and are read again.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b

from analysis.turns.score import readable
from analysis.turns.wording import plain

SHINGLE_WORDS = 4
MOST_SHINGLES = 400
"""Of a turn; what follows is not looked at."""
MOST = 100_000
"""Shingles that are kept, about 25 MB. Beyond this the one said longest ago goes."""
KEPT_SECONDS = 30 * 86_400.0
HASH_BYTES = 8

_Calls = tuple[int, int, float]
"""The first call, the second or 0, and when the shingle was said last."""


class Repeats:
    """What a site's agents say. Belongs to one event loop; times are of any one clock, in seconds."""

    def __init__(self, key: bytes, most: int = MOST, kept_seconds: float = KEPT_SECONDS) -> None:
        """`key`: secret of the site, at most 64 bytes, without which no hash tells whether words were said."""
        self._key = key
        self._most = most
        self._kept_seconds = kept_seconds
        self._calls: OrderedDict[int, _Calls] = OrderedDict()

    def __len__(self) -> int:
        return len(self._calls)

    def share(self, text: str, call_id: str, now: float) -> float:
        """Share of a turn's shingles that were said on other calls, 0 to 1; 0 for a turn of fewer words."""
        own = self._hash(call_id)
        shingles = self._shingles(text)
        return sum(self._is_of_others(one, own, now) for one in shingles) / len(shingles) if shingles else 0.0

    def learn(self, text: str, call_id: str, now: float) -> None:
        """Remember what was said on a call."""
        own = self._hash(call_id)
        for shingle in self._shingles(text):
            first, second, at = self._calls.pop(shingle, (own, 0, now))
            if now - at > self._kept_seconds:
                first, second = own, 0
            elif own != first and not second:
                second = own
            self._calls[shingle] = (first, second, now)
        while len(self._calls) > self._most:
            self._calls.popitem(last=False)

    def _is_of_others(self, shingle: int, own: int, now: float) -> bool:
        first, second, at = self._calls.get(shingle, (own, 0, now))
        return now - at <= self._kept_seconds and (first != own or second not in (0, own))

    def _shingles(self, text: str) -> set[int]:
        words = plain(readable(text)).split()
        starts = range(min(MOST_SHINGLES, len(words) - SHINGLE_WORDS + 1))
        return {self._hash(" ".join(words[at : at + SHINGLE_WORDS])) for at in starts}

    def _hash(self, text: str) -> int:
        hashed = blake2b(text.encode(errors="replace"), digest_size=HASH_BYTES, key=self._key)
        return int.from_bytes(hashed.digest()) or 1
