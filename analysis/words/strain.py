"""Whether there has been too much work for a while. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Strain:
    """Begins once the load has been above `high` for `after_seconds` without falling below `low`.

    Ends once it has been below `low` for `over_seconds`. A burst that is soon worked off is no strain.
    """

    high: float
    low: float
    after_seconds: float
    over_seconds: float = 0.0
    _since: float | None = None
    """When the load rose above `high`; monotonic seconds, as all times here."""
    _low_since: float | None = None
    _has_begun: bool = False

    def note(self, load: float, now: float) -> bool:
        """Take in the load of now; whether it is too much."""
        if load > self.low:
            self._low_since = None
            if load > self.high and self._since is None:
                self._since = now
        else:
            self._low_since = now if self._low_since is None else self._low_since
            if not self._has_begun or now - self._low_since >= self.over_seconds:
                self._since, self._has_begun = None, False
        self._has_begun |= self._since is not None and now - self._since >= self.after_seconds
        return self._has_begun
