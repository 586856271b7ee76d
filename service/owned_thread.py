"""A thread whose end is known, whatever ends it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread


class OwnedThread(Thread):
    """A daemon thread, so that one which hangs cannot keep its process from ending."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self.ended: Future[None] = Future()
        """Done when the thread has ended; with the fault, where one ended it."""

    def run(self) -> None:
        """See Thread."""
        try:
            self._work()
        except BaseException as error:  # SystemExit would end the thread without a word
            self.ended.set_exception(error)
        else:
            self.ended.set_result(None)
