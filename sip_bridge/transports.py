"""Where the library listens for SIP: UDP, TCP, TLS. One of the files that know pjsua2."""

from __future__ import annotations

from typing import Any

import pjsua2 as pj

from service.settings import ConfigError
from sip_bridge import certificates
from sip_bridge.library import Library
from sip_bridge.settings import BridgeSettings

HANDSHAKE_SECONDS = 10.0
"""For TLS: a client that connects and says nothing is let go."""
ADDRESS_IN_USE = 120098


def listen(library: Library, settings: BridgeSettings) -> tuple[int, int]:
    """Listen as the settings say; the port of UDP and TCP, and that of TLS, 0 for none. ConfigError if one is taken."""
    port, tls_port = settings.port, 0
    for transport in sorted({*settings.transports} - {"tls"}):  # TCP's port, where it was free, is then asked of UDP
        port = _listen(library, settings, transport, port)
    if "tls" in settings.transports:
        certificates.check(settings)
        tls_port = _listen(library, settings, "tls", settings.tls_port)
    return port, tls_port


def address(settings: BridgeSettings) -> Any:
    """The address to bind, and the one to tell."""
    config = pj.TransportConfig()
    config.boundAddress = "" if settings.host == "0.0.0.0" else settings.host
    config.publicAddress = settings.public_address
    return config


def _listen(library: Library, settings: BridgeSettings, transport: str, port: int) -> int:
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
    return int(library.transportGetInfo(identity).localName.rpartition(":")[2])


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
