"""Where the library listens for SIP: UDP, TCP, TLS. One of the files that know pjsua2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pjsua2 as pj

from service.settings import ConfigError
from sip_bridge import certificates
from sip_bridge.library import Library
from sip_bridge.settings import BridgeSettings

HANDSHAKE_SECONDS = 10.0
"""For TLS: a client that connects and says nothing is let go."""
ADDRESS_IN_USE = 120098


@dataclass(frozen=True, slots=True)
class Listening:
    """Where SIP is listened to."""

    port: int
    """Of UDP and TCP."""
    tls_port: int = 0
    """0 for nowhere."""
    tls_transport: int | None = None
    """The library's number for it."""


def listen(library: Library, settings: BridgeSettings) -> Listening:
    """Listen as the settings say. ConfigError if a port is taken, or a certificate cannot be used."""
    port = settings.port
    for transport in sorted({*settings.transports} - {"tls"}):  # TCP's port, where it was free, is then asked of UDP
        _, port = _listen(library, settings, transport, port)
    if "tls" not in settings.transports:
        return Listening(port)
    certificates.check(settings)
    identity, tls_port = _listen(library, settings, "tls", settings.tls_port)
    return Listening(port, tls_port, identity)


def address(settings: BridgeSettings) -> Any:
    """The address to bind, and the one to tell."""
    config = pj.TransportConfig()
    config.boundAddress = "" if settings.host == "0.0.0.0" else settings.host
    config.publicAddress = settings.public_address
    return config


def _listen(library: Library, settings: BridgeSettings, transport: str, port: int) -> tuple[int, int]:
    config = address(settings)
    config.port = port
    config.tlsConfig = _tls_config(settings)
    setting, kind = {
        "udp": ("port", pj.PJSIP_TRANSPORT_UDP),
        "tcp": ("port", pj.PJSIP_TRANSPORT_TCP),
        "tls": ("tls_port", pj.PJSIP_TRANSPORT_TLS),
    }[transport]
    try:
        identity = library.transportCreate(kind, config)
    except pj.Error as error:
        cause = "is taken" if error.status == ADDRESS_IN_USE else f"cannot be used: {error.reason}"
        raise ConfigError(f"bridge.{setting}: {transport} {settings.host}:{port} {cause}") from None
    return identity, int(library.transportGetInfo(identity).localName.rpartition(":")[2])


def _tls_config(settings: BridgeSettings) -> Any:
    config = pj.TlsConfig()
    config.proto = pj.PJ_SSL_SOCK_PROTO_TLS1_2 | pj.PJ_SSL_SOCK_PROTO_TLS1_3
    config.certFile, config.privKeyFile, config.CaListFile = (
        settings.tls_certificate,
        settings.tls_key,
        settings.tls_ca,
    )
    config.verifyClient = bool(settings.tls_ca)
    config.requireClientCert = settings.tls_client_certificate
    config.msecTimeout = round(HANDSHAKE_SECONDS * 1000)
    return config
