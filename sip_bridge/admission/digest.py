"""Digest authentication of forks (RFC 7616; algorithms in SIP: RFC 8760). Pure: the clock is passed in.

A nonce carries its time, a random part, and a keyed hash of both and the peer. Unanswered challenges therefore need no
state. Only the use count of each nonce is stored, and that takes a valid password.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from enum import Enum

from service.rates import Rates

NONCE_SECONDS = 300.0
"""Lifetime of a nonce. After it, the right password is answered with a new nonce."""
NONCES_REMEMBERED = 4_096
"""Nonces whose use count is kept. Nonces older than a forgotten one are no longer valid."""
WRONG_AT_ONCE = 10.0
"""Burst of wrong answers allowed per address: a PBX with a new password tries a few times."""
WRONG_PER_SECOND = 0.1
"""Rate after the burst: 8,640 guesses a day."""
MAX_HEADERS = 4
MAX_HEADER = 4_096
"""Characters read of one header."""
ALGORITHMS = {"SHA-256": "sha256", "MD5": "md5"}
"""SIP name to `hashlib` name, in the order offered."""

_FIELD = re.compile(r'([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,\s*|$)')
_HA1 = re.compile(r"(?:(SHA-256)=([0-9a-f]{64})|(MD5)=([0-9a-f]{32}))(?:\s+|$)", re.IGNORECASE)
_MAC_BYTES = 16
_RANDOM_BYTES = 12


class Verdict(Enum):
    """The result of checking an INVITE's credentials."""

    ACCEPTED = "accepted"
    MISSING = "missing"
    STALE = "stale"
    """Correct, but the nonce has expired or its count was used before."""
    WRONG = "wrong"
    GUESSING = "guessing"
    """Not checked: the address has given too many wrong answers."""


class Digest:
    """Challenges and authenticates the users of one bridge."""

    def __init__(self, realm: str, users: Mapping[str, str], algorithms: Sequence[str]) -> None:
        """`users`: each user's secret, as for `ha1s`. `algorithms`: names from `ALGORITHMS` to offer."""
        self._realm = realm
        self._users = {user: ha1s(user, realm, secret) for user, secret in users.items()}
        self._algorithms = [name for name in ALGORITHMS if name in algorithms]
        self._key = secrets.token_bytes(32)
        self._uses: OrderedDict[str, int] = OrderedDict()
        self._forgotten_until = float("-inf")
        self._wrong = Rates(WRONG_PER_SECOND, WRONG_AT_ONCE)

    def challenges(self, peer: str, now: float, stale: bool = False) -> list[str]:
        """Values of the WWW-Authenticate headers, strongest first. `now`: seconds of a monotonic clock."""
        nonce = self._nonce(peer, now)
        tail = ", stale=true" if stale else ""
        return [
            f'Digest realm="{self._realm}", nonce="{nonce}", algorithm={name}, qop="auth"{tail}'
            for name in self._algorithms
        ]

    def judge(self, authorizations: Sequence[str], method: str, peer: str, now: float) -> Verdict:
        """Check the values of a request's Authorization headers. `now`: seconds of a monotonic clock.

        Their URI is not compared with the request's, because proxies rewrite that. A nonce is valid only for its peer
        and a use count only for one request, so overheard credentials are useless. Wrong answers count against the
        address that sent them only.
        """
        found = [fields for value in authorizations[:MAX_HEADERS] if (fields := _fields(value))]
        ours = [each for each in found if each.get("realm") == self._realm and self._algorithm(each)]
        if not ours:
            return Verdict.MISSING
        if not self._wrong.has(peer, now):
            return Verdict.GUESSING
        fields = ours[0]
        ha1 = self._users.get(fields.get("username", ""), {}).get(self._algorithm(fields))
        count = _count(fields)
        expected = response(fields, self._algorithm(fields), ha1 or "", method)
        right = hmac.compare_digest(expected.encode(), fields.get("response", "").lower().encode(errors="replace"))
        if not (right and ha1 and count):
            self._wrong.take(peer, now)
            return Verdict.WRONG
        made_at = self._made_at(fields.get("nonce", ""), peer)
        if made_at is None or now - made_at > NONCE_SECONDS:
            return Verdict.STALE
        return Verdict.ACCEPTED if self._is_new(fields["nonce"], made_at, count) else Verdict.STALE

    def _algorithm(self, fields: Mapping[str, str]) -> str:
        """The named algorithm, MD5 if none is named; empty if it is not offered."""
        name = fields.get("algorithm", "MD5").upper()
        return name if name in self._algorithms else ""

    def _is_new(self, nonce: str, made_at: float, count: int) -> bool:
        """Whether `count` is higher than the nonce's last use count; if so, it is recorded."""
        last = self._uses.get(nonce)
        if last is None and made_at <= self._forgotten_until:
            return False
        if last is not None and count <= last:
            return False
        self._uses[nonce] = count
        if len(self._uses) > NONCES_REMEMBERED:
            oldest, _ = self._uses.popitem(last=False)
            self._forgotten_until = max(self._forgotten_until, _time_of(base64.urlsafe_b64decode(oldest)))
        return True

    def _nonce(self, peer: str, now: float) -> str:
        said = int(now * 1000).to_bytes(8) + secrets.token_bytes(_RANDOM_BYTES)
        return base64.urlsafe_b64encode(said + self._mac(said, peer)).decode()

    def _made_at(self, nonce: str, peer: str) -> float | None:
        """When the nonce was made for this peer; None if we did not make it."""
        try:
            raw = base64.b64decode(nonce.encode(), altchars=b"-_", validate=True)
        except ValueError:
            return None
        said, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        ours = len(said) == 8 + _RANDOM_BYTES and hmac.compare_digest(mac, self._mac(said, peer))
        return _time_of(said) if ours else None

    def _mac(self, said: bytes, peer: str) -> bytes:
        return hmac.digest(self._key, said + peer.encode(errors="replace"), "sha256")[:_MAC_BYTES]


def ha1s(user: str, realm: str, secret: str) -> dict[str, str]:
    """A user's HA1 per algorithm (RFC 7616 section 3.4.2).

    `secret`: the password, or hashes in its place: `SHA-256=…` or `MD5=…`, the hash of `user:realm:password` in
    hexadecimal, or both separated by a space.
    """
    given = [*_HA1.finditer(secret)]
    if given and "".join(match[0] for match in given) == secret:
        return {(match[1] or match[3]).upper(): (match[2] or match[4]).lower() for match in given}
    return {name: _hashed(name, user, realm, secret) for name in ALGORITHMS}


def response(fields: Mapping[str, str], algorithm: str, ha1: str, method: str) -> str:
    """The expected response for these fields (RFC 7616 section 3.4.1; without `qop`, RFC 2617's older form)."""
    ha2 = _hashed(algorithm, method, fields.get("uri", ""))
    if "qop" not in fields:
        return _hashed(algorithm, ha1, fields.get("nonce", ""), ha2)
    middle = (fields.get(name, "") for name in ("nonce", "nc", "cnonce", "qop"))
    return _hashed(algorithm, ha1, *middle, ha2)


def _hashed(algorithm: str, *words: str) -> str:
    text = ":".join(words).encode(errors="replace")
    return hashlib.new(ALGORITHMS[algorithm], text, usedforsecurity=False).hexdigest()


def _fields(value: str) -> dict[str, str]:
    """A Digest header's fields, names in lower case; empty for another scheme, bad syntax or a repeated field."""
    scheme, _, text = value[:MAX_HEADER].strip().partition(" ")
    text, place, matches = text.strip(), 0, []
    while match := _FIELD.match(text, place):  # field by field: a search would try every position
        matches.append(match)
        place = match.end()
    if scheme.lower() != "digest" or place < len(text):
        return {}
    names = [match[1].lower() for match in matches]
    if len(names) != len(set(names)):
        return {}
    values = (re.sub(r"\\(.)", r"\1", match[2]) if match[3] is None else match[3] for match in matches)
    return dict(zip(names, values, strict=True))


def _count(fields: Mapping[str, str]) -> int:
    """The request's nonce count; 0 if it is missing or malformed."""
    if "qop" not in fields:  # such a client sends no count: one use
        return 1
    counted = re.fullmatch(r"[0-9a-fA-F]{8}", fields.get("nc", ""))
    return int(counted[0], 16) if counted and fields["qop"] == "auth" and fields.get("cnonce") else 0


def _time_of(said: bytes) -> float:
    return int.from_bytes(said[:8]) / 1000
