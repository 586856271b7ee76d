"""Answers to a challenge: digest authentication as a SIP client does it (RFC 8760, RFC 7616)."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from testcall.sip import Response

_HASHES: Final = {"SHA-256": "sha256", "MD5": "md5"}
_FIELD: Final = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    user: str
    password: str
    algorithms: tuple[str, ...] = ("SHA-256", "MD5")
    """Those that this client knows."""


def challenge_of(response: Response, credentials: Credentials) -> dict[str, str]:
    """The first challenge of a 401 that the client can answer, as RFC 8760 section 2.4 wants it; empty if none."""
    if response.status == 401:
        for value in response.every("WWW-Authenticate"):
            fields = {name.lower(): quoted or bare for name, quoted, bare in _FIELD.findall(value)}
            if fields.get("algorithm", "MD5").upper() in credentials.algorithms:
                return fields
    return {}


def authorization(
    challenge: Mapping[str, str], method: str, uri: str, credentials: Credentials, count: int = 1
) -> tuple[str, str]:
    """The Authorization header of a request. `count`: how often the challenge's nonce has been used with it."""
    algorithm = challenge.get("algorithm", "MD5").upper()

    def hashed(*words: str) -> str:
        return hashlib.new(_HASHES[algorithm], ":".join(words).encode(), usedforsecurity=False).hexdigest()

    realm, nonce, cnonce, counted = challenge["realm"], challenge["nonce"], secrets.token_hex(8), f"{count:08x}"
    secret = hashed(credentials.user, realm, credentials.password)
    proof = hashed(secret, nonce, counted, cnonce, "auth", hashed(method, uri))
    return "Authorization", (
        f'Digest username="{credentials.user}", realm="{realm}", nonce="{nonce}", uri="{uri}", response="{proof}", '
        f'algorithm={algorithm}, cnonce="{cnonce}", qop=auth, nc={counted}'
    )
