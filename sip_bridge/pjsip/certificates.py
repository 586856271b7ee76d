"""The certificates of SIP over TLS: ours, looked at before the library gets it, and the names in those of PBXes.

The library would listen with files that cannot be used, and fail every client.
"""

from __future__ import annotations

import ssl
from collections import OrderedDict
from collections.abc import Sequence

from service.settings import ConfigError
from sip_bridge.settings import BridgeSettings

CONNECTIONS_REMEMBERED = 4_096
"""Connections whose certificate is known; of more, the oldest counts as one without."""

NO_NAMES: frozenset[str] = frozenset()


def check(settings: BridgeSettings) -> None:
    """ConfigError, with the setting's name, where certificate, key or CA cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key, password=lambda: b"")
    except (OSError, ssl.SSLError) as error:
        fault = error.strerror or str(error)
        raise ConfigError(f"bridge.tls_certificate, bridge.tls_key: cannot be used: {fault}") from None
    if settings.tls_ca:
        try:
            context.load_verify_locations(settings.tls_ca)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"bridge.tls_ca: cannot be used: {error.strerror or error}") from None


def names_of(common_name: str, hosts: Sequence[str], uris: Sequence[str]) -> frozenset[str]:
    """Who a certificate says its owner is, in lower case (RFC 5922 section 7.1).

    `hosts` and `uris` are its alternative names; a URI `sip:HOST` without a user is HOST's too. The common name counts
    only where there are none.
    """
    found = {name.lower() for name in (*hosts, *uris) if name}
    for uri in uris:
        scheme, _, host = uri.lower().partition(":")
        if scheme in ("sip", "sips") and host and "@" not in host:
            found.add(host)
    return frozenset(found or ({common_name.lower()} if common_name else ()))


class Connections:
    """The names that the peers of open TLS connections have proven. Belongs to the library's thread."""

    def __init__(self) -> None:
        self._open: OrderedDict[int, tuple[str, frozenset[str]]] = OrderedDict()

    def opened(self, connection: int, source: str, names: frozenset[str]) -> None:
        """A connection of this number has come up; the library has verified the certificate that these names are in.

        `source`: the peer's address and port.
        """
        self._open[connection] = source, names
        if len(self._open) > CONNECTIONS_REMEMBERED:
            self._open.popitem(last=False)

    def closed(self, connection: int) -> None:
        """It is gone, or was never there."""
        self._open.pop(connection, None)

    def names(self, source: str) -> frozenset[str]:
        """What the peer with this address and port is called, on its latest connection."""
        return next((names for known, names in reversed(self._open.values()) if known == source), NO_NAMES)
