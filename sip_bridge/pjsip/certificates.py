"""TLS certificates: checks ours before the library loads it, and reads the names in those of PBXes.

Given unusable files, the library would still listen, and fail every client.
"""

from __future__ import annotations

import ssl
from collections import OrderedDict
from collections.abc import Sequence

from service.settings import ConfigError
from sip_bridge.settings import BridgeSettings

CONNECTIONS_REMEMBERED = 4_096
"""Connections whose certificate names are kept; above this, the oldest is treated as having none."""

NO_NAMES: frozenset[str] = frozenset()


def check(settings: BridgeSettings) -> None:
    """Raise ConfigError, naming the setting, if the certificate, key or CA is unusable."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for name in ("tls_certificate", "tls_key", "tls_ca"):
        if path := str(getattr(settings, name)):
            _check_readable(f"bridge.{name}", path)
    if not _holds_certificates(settings.tls_certificate):
        raise ConfigError(f"bridge.tls_certificate: {settings.tls_certificate} is not a PEM certificate; name one")
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key, password=lambda: b"")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            told = f"{settings.tls_key} does not belong to tls_certificate; name the key that it was made with"
        else:
            told = f"{settings.tls_key} is not a PEM private key without a password; name one"
        raise ConfigError(f"bridge.tls_key: {told}") from None
    if settings.tls_ca and not _holds_certificates(settings.tls_ca):
        raise ConfigError(f"bridge.tls_ca: {settings.tls_ca} is not a PEM certificate; name the CA's")


def _check_readable(key: str, path: str) -> None:
    try:
        with open(path, "rb"):
            pass
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or error
        raise ConfigError(f"{key}: {path!r} cannot be read: {cause}; name a readable PEM file") from None


def _holds_certificates(path: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(path)
    except ssl.SSLError:
        return False
    return True


def names_of(common_name: str, hosts: Sequence[str], uris: Sequence[str]) -> frozenset[str]:
    """The identities in a certificate, in lower case (RFC 5922 section 7.1).

    `hosts`, `uris`: its alternative names. A URI `sip:HOST` without a user also counts as HOST. The common name counts
    only if there are no alternative names.
    """
    found = {name.lower() for name in (*hosts, *uris) if name}
    for uri in uris:
        scheme, _, host = uri.lower().partition(":")
        if scheme in ("sip", "sips") and host and "@" not in host:
            found.add(host)
    return frozenset(found or ({common_name.lower()} if common_name else ()))


class Connections:
    """The verified names of the peers of open TLS connections. Belongs to the library's thread."""

    def __init__(self) -> None:
        self._open: OrderedDict[int, tuple[str, frozenset[str]]] = OrderedDict()

    def opened(self, connection: int, source: str, names: frozenset[str]) -> None:
        """A connection is up. `names`: from its certificate, which the library has verified.

        `connection`: its number. `source`: the peer's address and port.
        """
        self._open[connection] = source, names
        if len(self._open) > CONNECTIONS_REMEMBERED:
            self._open.popitem(last=False)

    def closed(self, connection: int) -> None:
        """A connection is gone. Ignored if it is not known."""
        self._open.pop(connection, None)

    def names(self, source: str) -> frozenset[str]:
        """The names of the peer with this address and port, from its latest connection."""
        return next((names for known, names in reversed(self._open.values()) if known == source), NO_NAMES)
