"""The process's open files: how many there may be, and how many connections that leaves beside the calls."""

from __future__ import annotations

import resource

from service import open_files
from service.settings import ConfigError

FILES_A_CALL = 4
"""Sockets of RTP and RTCP of two streams."""
SPARE_FILES = 256
OWN_FILES = 128
"""Of the spare ones: what the process has open without calls, and connections that have not said anything yet."""
CONNECTIONS_BESIDE_CALLS = 64


def allow(calls: int) -> None:
    """Raise the limit of open files to what so many calls and their connections need.

    ConfigError where not even the calls fit; where the connections do not, fewer are taken.
    """
    count = FILES_A_CALL * calls + SPARE_FILES
    if open_files.allowed() < count:
        raise ConfigError(
            f"bridge.max_calls: {count} open files are needed, {open_files.allowed()} allowed; raise `ulimit -Hn`"
        )
    open_files.allow(count + _wished_for(calls))


def connections(calls: int) -> int:
    """How many TCP and TLS connections there may be at once, beside so many calls."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    wished_for = _wished_for(calls)
    if soft == resource.RLIM_INFINITY:
        return wished_for
    return max(OWN_FILES, min(wished_for, soft - FILES_A_CALL * calls - OWN_FILES))


def _wished_for(calls: int) -> int:
    """A connection for each call and some to spare; one peer may have all of the calls, and half of these."""
    return 2 * (calls + CONNECTIONS_BESIDE_CALLS)
