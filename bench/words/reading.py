"""What a reader made of a clip."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read in a clip."""

    text: str
    utterances: int
    """Cut out of the clip, or segments of it."""
    dropped: tuple[str, ...]
    """Why utterances have no words, one reason each."""
    cpu_seconds: float
