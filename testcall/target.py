"""Where calls go: `sip:user@host:port;transport=tcp` (RFC 3261 section 19.1)."""

import re
from dataclasses import dataclass
from typing import Final

from testcall.sip import parse_parameters

_URI: Final = re.compile(r"sip:(?:([^@\s;<>\"]+)@)?([A-Za-z0-9.-]+)(?::(\d{1,5}))?((?:;[^\s<>\"?]*)?)", re.IGNORECASE)
DEFAULT_PORT: Final = 5060


class TargetError(ValueError):
    """No SIP URI that can be called."""


@dataclass(frozen=True, slots=True)
class Target:
    uri: str
    host: str
    port: int
    transport: str = ""
    """`udp`, `tcp` or `tls` if the URI says so."""


def parse_target(uri: str) -> Target:
    """The parts of a `sip:` URI; TargetError if it is none."""
    match = _URI.fullmatch(uri)
    port = int(match[3] or DEFAULT_PORT) if match else 0
    if match is None or not 0 < port < 65536:
        raise TargetError(f"no SIP address: {uri[:80]!r}; it looks like sip:callvane@127.0.0.1:5060")
    return Target(uri, match[2], port, parse_parameters(match[4]).get("transport", "").lower())
