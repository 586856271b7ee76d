"""A circuit breaker: when to stop asking a failing server, and when to try it again. Pure: the clock is passed in."""

from __future__ import annotations

FAILURES = 5
"""Failures in a row that open the breaker."""
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0


class Breaker:
    """Closed while the server is asked; open while it is not, except for one probe after each pause."""

    def __init__(self) -> None:
        self.closed = True
        self._failures = 0
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._until = 0.0
        self._probing = False

    def succeeded(self) -> bool:
        """The server answered; returns whether that closed the breaker."""
        opened, self.closed = not self.closed, True
        self._failures, self._pause_seconds, self._probing = 0, FIRST_PAUSE_SECONDS, False
        return opened

    def failed(self, now: float) -> float | None:
        """A question failed; returns the pause in seconds if that opened the breaker. Ignored while it is open."""
        if not self.closed:
            return None
        self._failures += 1
        if self._failures < FAILURES:
            return None
        self.closed = False
        return self._pause(now)

    def rest(self, now: float, seconds: float) -> float | None:
        """The server asks to be left alone for so long; as `failed`, but opens at once. At most the longest pause."""
        if not self.closed:
            return None
        self.closed = False
        pause = min(LONGEST_PAUSE_SECONDS, seconds)
        self._until = now + pause
        return pause

    def due(self, now: float) -> bool:
        """Whether to send a probe; the caller sends it, then calls `succeeded` or `probe_failed`."""
        if self.closed or self._probing or now < self._until:
            return False
        self._probing = True
        return True

    def probe_failed(self, now: float) -> float:
        """The next pause in seconds: double the previous one, up to the longest."""
        self.closed, self._probing = False, False
        return self._pause(now)

    def _pause(self, now: float) -> float:
        pause = self._pause_seconds
        self._until = now + pause
        self._pause_seconds = min(LONGEST_PAUSE_SECONDS, 2 * pause)
        return pause
