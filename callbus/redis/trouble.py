"""What keeps Redis from doing what it is asked, told apart by class and code of its errors, never by their text.

redis-py knows the codes of some errors and leaves the others nameless; `Parser` names those that Callvane acts on.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, cast

from redis._parsers import _AsyncRESP2Parser as OwnParser  # of the protocol that `bus` speaks; public is only RESP3's
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
    """NOGROUP: the stream or its consumer group is not there."""


class GroupExists(ResponseError):
    """BUSYGROUP: the consumer group is there already."""


class Unblocked(ResponseError):
    """UNBLOCKED: a blocking read was ended, since the node is a replica now or the key has gone."""


class ScriptRuns(ResponseError):
    """BUSY: somebody's script or function keeps Redis from all else."""


class NotSaving(ResponseError):
    """MISCONF: the last snapshot failed, and Redis takes no writes until one succeeds."""


class TooFewReplicas(ResponseError):
    """NOREPLICAS: min-replicas-to-write are not there."""


class TooManyClients(ConnectionError):
    """Redis takes no further connection (maxclients)."""


_KNOWN = cast("dict[str, Any]", OwnParser.EXCEPTION_CLASSES)


class Parser(OwnParser):
    """redis-py's own, which gives further codes a class of their own."""

    EXCEPTION_CLASSES = {  # noqa: RUF012 - so it is declared
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
    """Why Redis does not do what it is asked."""

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
        """In words, with what to do where waiting does not help."""
        return _SAID[self]

    @property
    def passes(self) -> bool:
        """Whether it may be over at any moment without anybody's doing."""
        return self not in (Trouble.LOCKED_OUT, Trouble.FORBIDDEN, Trouble.REFUSED)


_SAID = {
    Trouble.AWAY: "redis does not answer at redis.url",
    Trouble.LOADING: "redis is loading its data",
    Trouble.SCRIPT: "redis is busy with somebody's script (SCRIPT KILL ends it)",
    Trouble.CROWDED: "redis takes no more connections; raise its maxclients",
    Trouble.FULL: "redis is full; raise its maxmemory, or make room",
    Trouble.READ_ONLY: "redis is a replica and takes no writes; redis.url must name the master",
    Trouble.BEHIND: "redis is a replica that has lost its master",
    Trouble.NOT_SAVING: "redis cannot save its data and takes no writes; look at its log and its disk",
    Trouble.ALONE: "redis has too few replicas to take writes (min-replicas-to-write)",
    Trouble.LOCKED_OUT: "redis does not let us in; check user and password in redis.url",
    Trouble.FORBIDDEN: "redis forbids a command or a key to our user; see docs/operations.md for what is needed",
    Trouble.REFUSED: "redis refuses what it is asked",
}

_OF = (  # the first that fits counts: some are kinds of others
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
"""What an operation on Redis may raise; of timeouts, too."""


def trouble_of(error: Exception) -> Trouble:
    """The trouble that an error of the client tells. Raises the error itself where it is none of Redis'."""
    if not isinstance(error, DataError):  # a value that cannot be sent: ours to mend
        for cls, trouble in _OF:
            if isinstance(error, cls):
                return trouble
    raise error
