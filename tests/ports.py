"""Ports for programs that can neither take port 0 nor say which one they got."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

RANGE = range(10_000, 16_000)
"""Below those that the kernel gives to connections and to whoever asks for port 0, and those of a bridge's RTP."""


@contextmanager
def held_port() -> Iterator[int]:
    """A port that nobody has, over UDP and TCP, and that no other test on this machine is given meanwhile.

    What holds it is a socket of another family with the port's number in its name, which only one process can have and
    the kernel takes back when that process ends: the port itself stays free for the program.
    """
    for port in random.sample(RANGE, len(RANGE)):
        with socket.socket(socket.AF_UNIX) as name:
            try:
                name.bind(f"\0callvane-test-port-{port}")
            except OSError:  # another test holds it
                continue
            if _is_free(port):
                yield port
                return
    raise OSError(f"no port of {RANGE.start} to {RANGE.stop - 1} is free")


def _is_free(port: int) -> bool:
    """Whether nobody has it, on any address."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            free = False
            with suppress(OSError):
                probe.bind(("", port))
                free = True
        if not free:
            return False
    return True
