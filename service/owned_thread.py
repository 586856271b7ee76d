"""A thread that reports how it ended."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread


class OwnedThread(Thread):
    """A daemon thread, so that a hung one cannot keep the process from exiting."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self.ended: Future[None] = Future()
        """Done when the thread has ended; carries the exception that ended it, if any."""

    def run(self) -> None:
        """See Thread."""
        try:
            self._work()
        except BaseException as error:  # SystemExit would end the thread silently
            self.ended.set_exception(error)
        else:
            self.ended.set_result(None)
