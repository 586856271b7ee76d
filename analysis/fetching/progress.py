"""How far a fetch is: one line that changes on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

TERMINAL_SECONDS = 0.2
LINE_SECONDS = 5.0


class Progress:
    """Of one source. Says nothing of what is over within a few seconds, unless a person watches."""

    def __init__(
        self,
        say: Callable[[str], None],
        *,
        terminal: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`say` gets whole lines; `terminal`, where there is one, the line that changes."""
        self._say, self._terminal, self._clock = say, terminal, clock
        self._what, self._total, self._done = "", 0, 0
        self._began = self._told = clock()

    def begin(self, what: str, total: int) -> None:
        """Something of `total` bytes is about to come."""
        self.end()
        self._what, self._total, self._done = what, total, 0
        self._began = self._told = self._clock()
        if self._terminal:
            self._draw()
        else:
            self._say(f"{what}: {megabytes(total)}")

    def at(self, done: int) -> None:
        """So many bytes are here."""
        self._done = done
        now = self._clock()
        if now - self._told < (TERMINAL_SECONDS if self._terminal else LINE_SECONDS):
            return
        self._told = now
        if self._terminal:
            self._draw()
        else:
            self._say(self._line())

    def add(self, count: int) -> None:
        """So many more bytes are here."""
        self.at(self._done + count)

    def end(self) -> None:
        """Leave the terminal's line, complete as it is."""
        if self._terminal and self._what:
            self._draw()
            self._terminal.write("\n")
            self._terminal.flush()
        self._what = ""

    def say(self, line: str) -> None:
        """A line of its own."""
        self.end()
        self._say(line)

    def _draw(self) -> None:
        if self._terminal:
            self._terminal.write(f"\r\x1b[K{self._line()}")
            self._terminal.flush()

    def _line(self) -> str:
        done = min(self._done, self._total)
        share = 100 * done // self._total if self._total else 100
        seconds = self._clock() - self._began
        speed = f", {megabytes(round(done / seconds))}/s" if seconds >= 1 and done else ""
        return f"{self._what}: {megabytes(done)} of {megabytes(self._total)}, {share} %{speed}"


def megabytes(count: int) -> str:
    """A size as people read it."""
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.2f} GB"
