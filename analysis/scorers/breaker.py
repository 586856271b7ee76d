"""When a server that fails is left alone, and when it is tried again. Pure: the clock is passed in."""

from __future__ import annotations

FAILURES = 5
"""Running, without a success between them, after which a server is left alone."""
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0


class Breaker:
    """Closed while the server is asked; open while it is not, but for a single probe after each pause."""

    def __init__(self) -> None:
        self.closed = True
        self._failures = 0
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._until = 0.0
        self._probing = False

    def succeeded(self) -> bool:
        """The server answered; whether that closed the breaker."""
        opened, self.closed = not self.closed, True
        self._failures, self._pause_seconds, self._probing = 0, FIRST_PAUSE_SECONDS, False
        return opened

    def failed(self, now: float) -> float | None:
        """A question failed; the pause in seconds where that opened the breaker. What was under way then is ignored."""
        if not self.closed:
            return None
        self._failures += 1
        if self._failures < FAILURES:
            return None
        self.closed = False
        return self._pause(now)

    def due(self, now: float) -> bool:
        """Whether a probe is to be sent; the caller sends it, and tells `succeeded` or `probe_failed`."""
        if self.closed or self._probing or now < self._until:
            return False
        self._probing = True
        return True

    def probe_failed(self, now: float) -> float:
        """The next pause in seconds, twice as long as the one before until it is the longest."""
        self.closed, self._probing = False, False
        return self._pause(now)

    def _pause(self, now: float) -> float:
        pause = self._pause_seconds
        self._until = now + pause
        self._pause_seconds = min(LONGEST_PAUSE_SECONDS, 2 * pause)
        return pause
