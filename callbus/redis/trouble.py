"""Reasons why Redis does not work, told apart by the class and code of its errors, never by their text.

redis-py knows only some error codes; `Parser` adds those that Callvane acts on.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, cast

from redis._parsers import _AsyncRESP2Parser as OwnParser  # for the protocol `bus` uses; only RESP3's is public
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    ConnectionError,
    DataError,
    MasterDownError,
    MaxConnectionsError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)


class GroupMissing(ResponseError):
    """NOGROUP: the stream or its consumer group does not exist."""


class GroupExists(ResponseError):
    """BUSYGROUP: the consumer group already exists."""


class Unblocked(ResponseError):
    """UNBLOCKED: a blocking read was ended because the node became a replica or the key is gone."""


class ScriptRuns(ResponseError):
    """BUSY: a script or function blocks Redis."""


class NotSaving(ResponseError):
    """MISCONF: the last snapshot failed; Redis accepts no writes until one succeeds."""


class TooFewReplicas(ResponseError):
    """NOREPLICAS: fewer replicas than min-replicas-to-write."""


class TooManyClients(ConnectionError):
    """Redis accepts no more connections (maxclients)."""


_KNOWN = cast("dict[str, Any]", OwnParser.EXCEPTION_CLASSES)


class Parser(OwnParser):
    """redis-py's parser, with classes for more error codes."""

    EXCEPTION_CLASSES = {  # noqa: RUF012 - declared this way in the base class
        **_KNOWN,
        "ERR": {**_KNOWN["ERR"], "max number of clients reached": TooManyClients},
        "NOGROUP": GroupMissing,
        "BUSYGROUP": GroupExists,
        "UNBLOCKED": Unblocked,
        "BUSY": ScriptRuns,
        "MISCONF": NotSaving,
        "NOREPLICAS": TooFewReplicas,
    }


class Trouble(StrEnum):
    """Why Redis does not work."""

    AWAY = "away"
    LOADING = "loading"
    SCRIPT = "script"
    CROWDED = "crowded"
    FULL = "full"
    READ_ONLY = "read_only"
    BEHIND = "behind"
    NOT_SAVING = "not_saving"
    ALONE = "alone"
    LOCKED_OUT = "locked_out"
    FORBIDDEN = "forbidden"
    REFUSED = "refused"

    @property
    def said(self) -> str:
        """In words, with what to do if waiting does not help."""
        return _SAID[self]

    @property
    def passes(self) -> bool:
        """Whether it can end without an operator."""
        return self not in (Trouble.LOCKED_OUT, Trouble.FORBIDDEN, Trouble.REFUSED)

    @property
    def is_elsewhere(self) -> bool:
        """Whether another server takes the writes: this one is a replica."""
        return self in (Trouble.READ_ONLY, Trouble.BEHIND)


_SAID = {
    Trouble.AWAY: "redis does not answer at redis.url",
    Trouble.LOADING: "redis is loading its data",
    Trouble.SCRIPT: "redis is busy with a script (SCRIPT KILL ends it)",
    Trouble.CROWDED: "redis accepts no more connections; raise its maxclients",
    Trouble.FULL: "redis is out of memory; raise its maxmemory or free some",
    Trouble.READ_ONLY: "redis is a replica and accepts no writes; redis.url must name the master",
    Trouble.BEHIND: "redis is a replica that has lost its master",
    Trouble.NOT_SAVING: "redis cannot save its data and accepts no writes; check its log and its disk",
    Trouble.ALONE: "redis has too few replicas to accept writes (min-replicas-to-write)",
    Trouble.LOCKED_OUT: "redis denies access; check user and password in redis.url",
    Trouble.FORBIDDEN: "redis denies our user a command or a key; docs/operations.md lists what it needs",
    Trouble.REFUSED: "redis rejects a command",
}

_OF = (  # the first match counts: some classes are subclasses of others
    (BusyLoadingError, Trouble.LOADING),
    (TooManyClients, Trouble.CROWDED),
    (MaxConnectionsError, Trouble.CROWDED),
    (AuthenticationError, Trouble.LOCKED_OUT),
    (AuthorizationError, Trouble.LOCKED_OUT),
    (ScriptRuns, Trouble.SCRIPT),
    (OutOfMemoryError, Trouble.FULL),
    (ReadOnlyError, Trouble.READ_ONLY),
    (Unblocked, Trouble.READ_ONLY),
    (MasterDownError, Trouble.BEHIND),
    (NotSaving, Trouble.NOT_SAVING),
    (TooFewReplicas, Trouble.ALONE),
    (NoPermissionError, Trouble.FORBIDDEN),
    (TryAgainError, Trouble.AWAY),
    (ClusterDownError, Trouble.AWAY),
    (ResponseError, Trouble.REFUSED),
    (RedisError, Trouble.AWAY),
    (OSError, Trouble.AWAY),
)

FAILURES = (RedisError, OSError)
"""What an operation on Redis may raise, timeouts included."""


def trouble_of(error: Exception) -> Trouble:
    """The trouble behind an error of the client. Raises the error itself if it is not from Redis."""
    if not isinstance(error, DataError):  # a value that cannot be sent: a fault in Callvane
        for cls, trouble in _OF:
            if isinstance(error, cls):
                return trouble
    raise error
