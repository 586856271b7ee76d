"""Faults in our own code, put where a test wants them and taken out again: `with Fault(Analyst, "heard"): …`."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from functools import wraps
from types import ModuleType, TracebackType
from typing import Any

from redis.exceptions import ConnectionError as AnswerLost

from service.faults import FAULTS

FAULTED = "faulted"
"""The call, or the fork, that faults strike unless a test says otherwise."""

How = Callable[[Callable[[], Any]], Any]
"""What becomes of a piece of work that is struck."""


def raises(work: Callable[[], Any]) -> Any:
    """It is not done."""
    raise RuntimeError("a fault in our own code")


async def hangs(work: Callable[[], Any]) -> None:
    """It never ends."""
    await asyncio.Event().wait()


async def is_cancelled(work: Callable[[], Any]) -> None:
    """Somebody else than its caller has cancelled it."""
    raise asyncio.CancelledError


async def loses_its_answer(work: Callable[[], Awaitable[Any]]) -> None:
    """It is done, and nobody hears of it."""
    await work()
    raise AnswerLost("the answer never came")


def gives(answer: Any) -> How:
    """It gives this."""
    return lambda work: answer


def of_faulted(*arguments: Any, **options: Any) -> bool:
    """Whether anything that a piece of work is given belongs to the call that faults strike."""
    return any(map(_is_faulted, (*arguments, *options.values())))


def always(*arguments: Any, **options: Any) -> bool:
    """Strikes everything."""
    return True


def _is_faulted(argument: Any) -> bool:
    told = getattr(getattr(argument, "delivery", argument), "event", argument)
    text = getattr(told, "text", "")
    return FAULTED in (told, getattr(told, "call_id", "")) if not text else FAULTED in text


class Fault:
    """While it stands, `owner.name` does `how` instead of its work, where that is struck."""

    def __init__(
        self, owner: type | ModuleType, name: str, how: How = raises, of: Callable[..., bool] = of_faulted
    ) -> None:
        """`of`: whether a call with these arguments is struck."""
        self._owner, self._name, self._how, self._of = owner, name, how, of
        self.struck = 0
        """How often."""

    def __enter__(self) -> Fault:
        self._work = work = getattr(self._owner, self._name)

        @wraps(work)
        def faulty(*arguments: Any, **options: Any) -> Any:
            if not self._of(*arguments, **options):
                return work(*arguments, **options)
            self.struck += 1
            return self._how(lambda: work(*arguments, **options))

        @wraps(work)
        async def faulty_later(*arguments: Any, **options: Any) -> Any:
            outcome = faulty(*arguments, **options)
            return await outcome if inspect.isawaitable(outcome) else outcome

        setattr(self._owner, self._name, faulty_later if inspect.iscoroutinefunction(work) else faulty)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        setattr(self._owner, self._name, self._work)


class Counted:
    """What `service.faults` has counted since this was made."""

    def __init__(self) -> None:
        self._before = _counts()

    @property
    def kinds(self) -> dict[str, int]:
        """How many of each kind; those that there were."""
        return {
            kind: round(count - self._before.get(kind, 0))
            for kind, count in _counts().items()
            if count > self._before.get(kind, 0)
        }


def _counts() -> dict[str, float]:
    (metric,) = FAULTS.collect()
    return {sample.labels["type"]: sample.value for sample in metric.samples if sample.name.endswith("_total")}
