"""Checks `redis.url` before anything connects: the client notices most faults late, or never."""

from __future__ import annotations

import re
import ssl
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

EXAMPLE = "write redis://host:6379/0"
ESCAPE = "in a user name or password, write special characters as %XX, such as %40 for @"
OPTIONS = {
    "db": (re.compile("[0-9]{1,4}"), "a database number"),
    "ssl_ca_certs": (re.compile(".+"), "the path of a PEM file"),
    "ssl_certfile": (re.compile(".+"), "the path of a PEM file"),
    "ssl_keyfile": (re.compile(".+"), "the path of a PEM file"),
    "ssl_cert_reqs": (re.compile("none|optional|required"), "none, optional or required"),
    "ssl_check_hostname": (re.compile("(?i:true|false|yes|no|1|0)"), "true or false"),
}
"""What may follow the question mark: the values it takes, as a pattern and in words."""


def fault(url: str) -> str:
    """What is wrong with the address, and how to mend it; empty if nothing is. Never quotes a password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"is not a URL; {EXAMPLE}; {ESCAPE}"
    if "@" in parts.path + parts.query or parts.fragment:
        return f"has a stray @ or #; {ESCAPE}"
    try:
        pairs = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return f"has unreadable options; {EXAMPLE}"
    options = dict(pairs)
    if len(options) < len(pairs):
        return "gives an option twice; give it once"
    place = _socket_fault(parts) if parts.scheme == "unix" else _server_fault(parts)
    return place or _option_fault(parts.scheme, options) or _file_fault(options) or _client_fault(url)


def _socket_fault(parts: SplitResult) -> str:
    if parts.hostname or parts.path in ("", "/"):
        return "names no socket; write unix:///path/to/socket"
    return ""


def _server_fault(parts: SplitResult) -> str:
    try:
        port = parts.port
    except ValueError:
        return f"has a port that is out of range or not a number; use a port from 1 to 65535; {ESCAPE}"
    if not parts.hostname or port == 0:
        return f"has no host, or port 0; {EXAMPLE}"
    if not re.fullmatch(r"/?|/[0-9]{1,4}", parts.path):
        return f"{parts.path[:20]!r} is not a database number; write it, as in redis://host:6379/0"
    return ""


def _option_fault(scheme: str, options: dict[str, str]) -> str:
    for name, value in options.items():
        if name not in OPTIONS:
            return f"{name[:40]!r} is not a supported option; use one of {', '.join(OPTIONS)}"
        if name.startswith("ssl_") and scheme != "rediss":
            return f"{name} needs TLS; write rediss:// instead of {scheme}://, or remove it"
        pattern, words = OPTIONS[name]
        if not pattern.fullmatch(value):
            return f"{name}={value[:40]!r} is not valid; give {words}"
    if "ssl_keyfile" in options and "ssl_certfile" not in options:
        return "ssl_keyfile needs ssl_certfile, the certificate that belongs to the key"
    return ""


def _file_fault(options: dict[str, str]) -> str:
    for name in ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile"):
        if name in options:
            try:
                with open(options[name], "rb"):
                    pass
            except (OSError, ValueError) as error:
                return f"{name}: {_cause(error)}; name a readable PEM file"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if authorities := options.get("ssl_ca_certs"):
        try:
            context.load_verify_locations(authorities)
        except (OSError, ValueError):
            return "ssl_ca_certs: holds no certificate; name a PEM file of CA certificates"
    if certificate := options.get("ssl_certfile"):
        try:
            context.load_cert_chain(certificate, options.get("ssl_keyfile"), password=lambda: b"")
        except (OSError, ValueError):
            return (
                "ssl_certfile, ssl_keyfile: hold no certificate with its key; "
                "name PEM files that belong together, the key without a password"
            )
    return ""


def _client_fault(url: str) -> str:
    """Whatever the client itself refuses. Opens no connection."""
    try:
        pool: Any = ConnectionPool.from_url(url)
        pool.make_connection()
    except (RedisError, TypeError, ValueError) as error:
        return f"is refused by the client ({type(error).__name__}); {EXAMPLE}"
    return ""


def _cause(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
