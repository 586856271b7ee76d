"""The ports that SIP listens on."""

from __future__ import annotations

import socket
from contextlib import ExitStack

from sip_bridge.pjsip.transports import free_for_both


def test_a_free_port_is_free_for_both() -> None:
    """Neither UDP nor TCP has it, however many ports one of them uses."""
    with ExitStack() as held:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            for _ in range(100):
                held.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", 0))
        for _ in range(50):
            port = free_for_both("127.0.0.1")
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                held.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", port))


def test_an_address_of_somebody_else_has_none() -> None:
    """The library is left to say why."""
    assert free_for_both("192.0.2.1") == 0
