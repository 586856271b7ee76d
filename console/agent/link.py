"""Links by which a desktop opens an agent's own view: signed, for one call, for a while. Pure but for `key_of`.

The signature is HMAC-SHA256 (RFC 2104) over the expiry in decimal, a line feed and the call's id in UTF-8, written as
64 hexadecimal digits in lower case. docs/practice.md has it for integrators, with an example.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from urllib.parse import parse_qsl, quote

from console.settings import ConsoleSettings
from service.secret import secret
from service.settings import ConfigError

LEAST_KEY_BYTES = 16
MOST_SECONDS = 12 * 3_600
"""A link is good for no longer than this: a shift."""
CLOCKS_SECONDS = 60.0
"""The desktop's clock may be ahead of ours by this much."""
_EXPIRES = re.compile(r"[1-9][0-9]{0,10}", re.ASCII)


class BadLink(ValueError):
    """A link that opens nothing; one line says why."""


def key_of(settings: ConsoleSettings) -> bytes:
    """The key that signs links; empty if there are no agents' views. Raises ConfigError, which does not repeat it."""
    key = secret(settings.agent_key, settings.agent_key_file, "console.agent_key").encode()
    if key and len(key) < LEAST_KEY_BYTES:
        raise ConfigError(f"console.agent_key: shorter than {LEAST_KEY_BYTES} bytes; choose a longer one")
    return key


def signature(key: bytes, call_id: str, expires: int) -> str:
    """The signature of a link. `expires`: Unix seconds."""
    return hmac.new(key, f"{expires}\n{call_id}".encode(), hashlib.sha256).hexdigest()


def path(key: bytes, call_id: str, expires: int) -> str:
    """Path and query of a link."""
    return f"/agent/{quote(call_id, safe='')}?expires={expires}&signature={signature(key, call_id, expires)}"


def expiry(key: bytes, call_id: str, query: bytes, now: float) -> int:
    """Unix seconds at which a link expires, from its query (hostile bytes). Raises BadLink if it opens nothing.

    Whether it is expired is told only to those who hold a signature.
    """
    try:
        given = dict(fields := parse_qsl(query.decode("ascii"), strict_parsing=True, max_num_fields=2))
    except ValueError:
        raise BadLink("this link is not signed") from None
    expires, signed = given.get("expires", ""), given.get("signature", "")
    if len(fields) != 2 or not _EXPIRES.fullmatch(expires):
        raise BadLink("this link is not signed")
    expected = signature(key, call_id, int(expires))
    if not hmac.compare_digest(signed.encode(errors="replace"), expected.encode()):
        raise BadLink("this link is not signed for this call")
    if int(expires) <= now:
        raise BadLink("this link has expired")
    if int(expires) > now + MOST_SECONDS + CLOCKS_SECONDS:
        raise BadLink("this link would be good for more than 12 hours")
    return int(expires)
