"""The library's SIP transports: UDP, TCP, TLS. One of the files that use pjsua2."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from typing import Any

import pjsua2 as pj

from service.settings import ConfigError
from sip_bridge.pjsip import addresses, certificates
from sip_bridge.pjsip.library import Library
from sip_bridge.settings import BridgeSettings

HANDSHAKE_SECONDS = 10.0
"""TLS handshake timeout: a client that connects and stays silent is disconnected."""
ADDRESS_IN_USE = 120098
ANY_V4, ANY_V6 = "0.0.0.0", "::"
ANY = (ANY_V4, ANY_V6)
TRIES = 64
"""To find a port that both UDP and TCP can have."""


@dataclass(frozen=True, slots=True)
class Listening:
    """The ports and transports in use."""

    port: int
    """Port of UDP and TCP."""
    tls_port: int = 0
    """0 without TLS."""
    tls_transports: tuple[int, ...] = ()
    """The library's numbers of the TLS transports, one per IP version."""


def listen(library: Library, settings: BridgeSettings) -> Listening:
    """Open the configured transports. Raises ConfigError if a port is taken or a certificate is unusable."""
    port = settings.port
    if not settings.host:
        addresses.check(settings, settings.host)
    plain = sorted({*settings.transports} - {"tls"})
    if not port and len(plain) > 1:
        port = free_for_both(_hosts(settings)[0])
    for transport in plain:  # one that has no port yet takes what the one before it got
        for host in _hosts(settings):
            _, port = _listen(library, settings, transport, host, port)
    if "tls" not in settings.transports:
        return Listening(port)
    certificates.check(settings)
    tls_port, identities = settings.tls_port, list[int]()
    for host in _hosts(settings):
        identity, tls_port = _listen(library, settings, "tls", host, tls_port)
        identities.append(identity)
    return Listening(port, tls_port, tuple(identities))


def address(settings: BridgeSettings, host: str) -> Any:
    """A transport's configuration: the address to bind, and the one to advertise."""
    config = pj.TransportConfig()
    config.boundAddress = "" if host in ANY else host
    config.publicAddress = settings.public_address
    return config


def media(settings: BridgeSettings) -> Any:
    """Configuration of RTP: the offer's IP version is used if the bridge listens on it."""
    config = pj.AccountMediaConfig()
    config.transportConfig = address(settings, settings.host)
    config.transportConfig.port = settings.rtp_port_min
    config.transportConfig.portRange = settings.rtp_port_max - settings.rtp_port_min
    if settings.host == ANY_V6:
        config.ipv6Use = pj.PJSUA_IPV6_ENABLED_PREFER_IPV4
    else:
        config.ipv6Use = pj.PJSUA_IPV6_ENABLED_USE_IPV6_ONLY if ":" in settings.host else pj.PJSUA_IPV6_DISABLED
    return config


def families(settings: BridgeSettings) -> frozenset[str]:
    """The IP versions over which RTP is received, as SDP names them: IP4, IP6."""
    return frozenset("IP6" if ":" in host else "IP4" for host in _hosts(settings))


def _hosts(settings: BridgeSettings) -> tuple[str, ...]:
    """The addresses to listen on. `::` means all addresses of both IP versions."""
    return (ANY_V4, ANY_V6) if settings.host == ANY_V6 else (settings.host,)


def free_for_both(host: str) -> int:
    """A port that neither UDP nor TCP uses at this moment; 0 if there is none, and the library says why."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(TRIES):
        with (
            contextlib.suppress(OSError),
            socket.socket(family, socket.SOCK_DGRAM) as udp,
            socket.socket(family, socket.SOCK_STREAM) as tcp,
        ):
            udp.bind((host, 0))
            port = int(udp.getsockname()[1])
            tcp.bind((host, port))
            return port
    return 0


def _listen(library: Library, settings: BridgeSettings, transport: str, host: str, port: int) -> tuple[int, int]:
    config = address(settings, host)
    config.port = port
    config.tlsConfig = _tls_config(settings)
    setting, v4, v6 = {
        "udp": ("port", pj.PJSIP_TRANSPORT_UDP, pj.PJSIP_TRANSPORT_UDP6),
        "tcp": ("port", pj.PJSIP_TRANSPORT_TCP, pj.PJSIP_TRANSPORT_TCP6),
        "tls": ("tls_port", pj.PJSIP_TRANSPORT_TLS, pj.PJSIP_TRANSPORT_TLS6),
    }[transport]
    shown = f"[{host}]" if ":" in host else host
    try:
        identity = library.transportCreate(v6 if ":" in host else v4, config)
    except pj.Error as error:
        if error.status != ADDRESS_IN_USE:
            addresses.check(settings, host)
        cause = "is taken" if error.status == ADDRESS_IN_USE else f"cannot be used: {error.reason}"
        cure = "choose another port" + (", above 1023 without root" if 0 < port < 1024 else "")
        raise ConfigError(f"bridge.{setting}: {transport} {shown}:{port} {cause}; {cure}") from None
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
