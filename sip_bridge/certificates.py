"""The files of SIP over TLS, looked at before the library gets them: it would listen without and fail every client."""

from __future__ import annotations

import ssl

from service.settings import ConfigError
from sip_bridge.settings import BridgeSettings


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
