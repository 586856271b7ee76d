"""How long the model will take for what waits: learned from the batches it has read. Pure.

A batch costs something whatever is in it, and something for each row; how much of either depends on the device, the
model and the audio context. For each context a line through (rows, seconds) follows the latest batches. As long as
batches of one size say nothing of the slope, every row is taken to cost the same: too much is predicted, never too
little, and once more waits the batches grow and tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FIRST_GUESS_SECONDS = 0.1
"""For a row on `GUESSED_FRAMES` before anything was read: a middling Whisper on a CPU."""
GUESSED_FRAMES = 600
DECAY = 0.9
"""Weight of a batch after the next one of its context: the last twenty count."""
STIFFNESS = 0.5
"""How much evidence a slope needs, in rows squared, before it counts more than the guess."""
OUTLIER = 5.0
"""One batch counts at most as so many times what was predicted: a device that hiccups is not a slow one."""


@dataclass(slots=True)
class _Line:
    """Weighted sums over a context's batches."""

    weight: float = 0.0
    rows: float = 0.0
    seconds: float = 0.0
    squares: float = 0.0
    products: float = 0.0

    def learn(self, rows: int, seconds: float) -> None:
        self.weight = DECAY * self.weight + 1
        self.rows = DECAY * self.rows + rows
        self.seconds = DECAY * self.seconds + seconds
        self.squares = DECAY * self.squares + rows * rows
        self.products = DECAY * self.products + rows * seconds

    def at(self, rows: int) -> float:
        mean_rows, mean_seconds = self.rows / self.weight, self.seconds / self.weight
        alike = mean_seconds / mean_rows
        variance = max(0.0, self.squares / self.weight - mean_rows**2)
        covariance = self.products / self.weight - mean_rows * mean_seconds
        slope = (covariance + STIFFNESS * alike) / (variance + STIFFNESS)
        slope = max(0.0, min(alike, slope))
        return mean_seconds + slope * (rows - mean_rows)


class Costs:
    """Predicts the model's time. Seconds throughout."""

    def __init__(self) -> None:
        self._lines: dict[int, _Line] = {}
        """By audio context in frames."""

    def learn(self, frames: int, rows: int, seconds: float) -> None:
        """A batch of `rows` with this audio context took `seconds`."""
        known = frames in self._lines
        if known:
            seconds = min(seconds, OUTLIER * self.batch(frames, rows))
        self._lines.setdefault(frames, _Line()).learn(rows, seconds)

    def batch(self, frames: int, rows: int) -> float:
        """What a batch will take. An unknown context costs as the nearest known one, by its length."""
        if not rows:
            return 0.0
        if not self._lines:
            return FIRST_GUESS_SECONDS * rows * frames / GUESSED_FRAMES
        nearest = min(self._lines, key=lambda known: abs(known - frames))
        return max(0.0, self._lines[nearest].at(rows)) * frames / nearest

    def waiting(self, rows: Mapping[int, int], batch_size: int) -> float:
        """What rows that wait, counted by their audio context, will take in batches of at most `batch_size`."""
        return sum(
            count // batch_size * self.batch(frames, batch_size) + self.batch(frames, count % batch_size)
            for frames, count in rows.items()
        )
