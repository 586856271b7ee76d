"""An open loop: when utterances arrive, and which load is tried next. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Generator, Sequence

UTTERANCES_PER_CALL_SECOND = 0.2
"""Of a call with two legs: each speaks two fifths of the time, 4 s an utterance."""


def arrivals(calls: int, seconds: float, seed: int) -> list[float]:
    """When the utterances of so many calls arrive within `seconds`: a Poisson process, the same each time."""
    lot = random.Random(seed)
    found: list[float] = []
    at = lot.expovariate(calls * UTTERANCES_PER_CALL_SECOND)
    while at < seconds:
        found.append(at)
        at += lot.expovariate(calls * UTTERANCES_PER_CALL_SECOND)
    return found


def search(first: int, most: int) -> Generator[int, bool, int]:
    """The loads to try, each to be answered by whether it holds: doubled from `first` until one fails, then bisected.

    Returns the most calls that hold, to an eighth; 0 if none do. None is tried twice, or beyond `most`.
    """
    good, bad, calls = 0, most + 1, min(first, most)
    while bad - good > max(1, good // 8):
        if (yield calls):
            good = calls
        else:
            bad = calls
        calls = min(2 * good, most) if bad > most and good < most else (good + bad) // 2
    return good


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of them do not exceed. Raises ValueError if there are none."""
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
