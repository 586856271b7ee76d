"""Whether there has been too much work for a while. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

SAMPLE_SECONDS = 0.25
TREND_SECONDS = 4.0
"""Over which a backlog is seen to fall."""
FALLING = 0.05
"""Seconds that a backlog loses each second, at least, while it is worked off."""


@dataclass(slots=True)
class Strain:
    """Begins once the load has been above `high` for `after_seconds` without falling below `low`.

    Time in which the backlog falls counts backwards: a burst, as after another worker's death, is worked off however
    long it takes. Ends once the load has been below `low` for `over_seconds`.
    """

    high: float
    low: float
    after_seconds: float
    over_seconds: float = 0.0
    _noted_at: float = 0.0
    """Monotonic seconds, as all times here."""
    _is_high: bool = False
    _behind_seconds: float = 0.0
    _low_since: float | None = None
    _has_begun: bool = False
    _backlogs: deque[tuple[float, float]] = field(default_factory=deque)
    """When, and how much: of the last TREND_SECONDS, and the one before them."""

    def note(self, load: float, now: float, backlog: float | None = None) -> bool:
        """Take in the load of now; whether it is too much. `backlog`: seconds, if that is another figure."""
        falls = self._falls(load if backlog is None else backlog, now)
        passed, self._noted_at = now - self._noted_at, now
        if self._is_high:
            self._behind_seconds = max(0.0, self._behind_seconds + (-passed if falls else passed))
        if load > self.low:
            self._low_since = None
            self._is_high |= load > self.high
        else:
            self._low_since = now if self._low_since is None else self._low_since
            if not self._has_begun or now - self._low_since >= self.over_seconds:
                self._is_high, self._behind_seconds, self._has_begun = False, 0.0, False
        self._has_begun |= self._is_high and self._behind_seconds >= self.after_seconds
        return self._has_begun

    def _falls(self, backlog: float, now: float) -> bool:
        if not self._backlogs or now - self._backlogs[-1][0] >= SAMPLE_SECONDS:
            self._backlogs.append((now, backlog))
        while len(self._backlogs) > 1 and now - self._backlogs[1][0] >= TREND_SECONDS:
            self._backlogs.popleft()
        since, before = self._backlogs[0]
        return backlog < before - FALLING * (now - since)
