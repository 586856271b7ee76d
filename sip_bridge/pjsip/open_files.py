"""The process's open files: how many are needed, and how many connections they leave besides the calls."""

from __future__ import annotations

import resource

from service import open_files
from service.settings import ConfigError

FILES_A_CALL = 4
"""Sockets for RTP and RTCP of two streams."""
SPARE_FILES = 256
OWN_FILES = 128
"""Share of the spare files for the process itself, and for connections that have not sent anything yet."""
CONNECTIONS_BESIDE_CALLS = 64


def allow(calls: int) -> None:
    """Raise the limit of open files to what this many calls and their connections need.

    Raises ConfigError if it cannot hold even the calls. If it cannot hold all connections, fewer are accepted.
    """
    count = FILES_A_CALL * calls + SPARE_FILES
    if open_files.allowed() < count:
        raise ConfigError(
            f"bridge.max_calls: needs {count} open files, only {open_files.allowed()} are allowed; raise `ulimit -Hn`"
        )
    open_files.allow(count + _wished_for(calls))


def connections(calls: int) -> int:
    """How many TCP and TLS connections may be open at once, besides this many calls."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    wished_for = _wished_for(calls)
    if soft == resource.RLIM_INFINITY:
        return wished_for
    return max(OWN_FILES, min(wished_for, soft - FILES_A_CALL * calls - OWN_FILES))


def _wished_for(calls: int) -> int:
    """One connection per call plus a reserve, doubled: one peer may hold all calls, and half of the connections."""
    return 2 * (calls + CONNECTIONS_BESIDE_CALLS)
