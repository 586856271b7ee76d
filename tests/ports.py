"""Ports for processes that cannot say which one they took."""

from __future__ import annotations

import random
import socket

RANGE = range(10_000, 16_000)
"""Below those that the kernel gives to connections, and that the tests' own RTP uses: nobody takes one by chance."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    while True:
        port = random.choice(RANGE)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
