"""Why the library cannot listen: it names neither the setting at fault nor a cure."""

from __future__ import annotations

import socket
from ipaddress import ip_address

from service.settings import ConfigError
from sip_bridge.settings import BridgeSettings


def check(settings: BridgeSettings, host: str) -> None:
    """Raise ConfigError, naming the setting, if `host` or the public address is unusable.

    `host`: the address to listen on, one of those that `settings.host` stands for.
    """
    version = 6 if ":" in host else 4
    if fault := _host_fault(host, version):
        raise ConfigError(
            f"bridge.host: {host!r} {fault}; use an IP address of this machine without brackets or port, "
            "or 0.0.0.0 for all of them"
        )
    if settings.public_address and not _is_address(settings.public_address, version):
        beyond = ' (host "::" needs both versions; use 0.0.0.0)' if settings.host == "::" else ""
        raise ConfigError(
            f"bridge.public_address: {settings.public_address!r} is no IPv{version} address, as host {host} needs "
            f"one{beyond}; give the IP address at which PBXes reach the bridge, without brackets or port"
        )


def _host_fault(host: str, version: int) -> str:
    if not _is_address(host, version):
        return "is not an IP address"
    try:
        with socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except OSError as error:
        return f"cannot be listened on: {error.strerror or error}"
    return ""


def _is_address(text: str, version: int) -> bool:
    """Names do not count: the library resolves none."""
    try:
        return ip_address(text).version == version
    except ValueError:
        return False
