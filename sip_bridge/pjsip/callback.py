"""Guards callbacks from the library, so that a fault in one affects only that callback."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from service.faults import survived

log = logging.getLogger(__name__)

C = TypeVar("C", bound=Callable[..., None])
P = ParamSpec("P")


def guarded(callback: C) -> C:
    """Decorate a callback so that it raises nothing; a fault is counted under its name and logged.

    Without this, the library would only print the fault and continue.
    """

    @wraps(callback)
    def survives(self: Any, *parameters: Any) -> None:
        try:
            callback(self, *parameters)
        except Exception:
            survived(callback.__name__, log, getattr(self, "call_id", ""))

    return cast(C, survives)


def tried(what: str, work: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Run a piece of the SIP thread's own work; a fault is counted under `what` and logged."""
    try:
        work(*args, **kwargs)
    except Exception:
        survived(what, log)
