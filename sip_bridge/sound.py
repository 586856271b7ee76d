"""How a call sounds: a leg that nobody hears, speech that is all but silent, speech that is clipped. Pure.

Fed by the legs on the listener's thread, judged once a second. Time is that of the speech itself, so no clock is
needed: what counts for one-way audio is how long the others have spoken since a leg was heard last.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from callbus import ConditionKind
from sip_bridge.segmenter import FRAME_SECONDS

MEASURED_EVERY = 4
"""One block of so many with speech is measured: it costs some microseconds."""
WINDOW_BLOCKS = 25
"""Measured blocks that a judgement is of: 10 s of speech."""
QUIET_RMS = 180.0
"""Of 16-bit samples, -45 dBFS: telephone speech has some -20 to -30."""
CLIPPED_SAMPLE = 32_000
"""G.711's largest are 32,124 (µ-law) and 32,256 (A-law)."""
CLIPPED_SHARE = 0.01
"""Of a window's samples; loud speech touches the ceiling now and then, overdriven speech stays there."""


FULL_SCALE = 32_768.0


class Sound:
    """One leg's."""

    def __init__(self) -> None:
        self.voiced_seconds = 0.0
        """Speech so far."""
        self.paused = False
        """Whether nothing feeds the leg: it is on hold."""
        self.level: tuple[ConditionKind, float] | None = None
        """What was wrong with the level of the latest window: near silent (dBFS) or clipped (share of samples)."""
        self._blocks = 0
        self._energy: list[float] = []
        self._clipped: list[float] = []

    def take(self, pcm: bytes, flags: Sequence[bool]) -> None:
        """A block (16-bit mono) and whether each of its frames is speech; both empty for one without audio."""
        self.paused = False
        voiced = sum(flags)
        if not voiced:
            return
        self.voiced_seconds += voiced * FRAME_SECONDS
        self._blocks += 1
        if self._blocks % MEASURED_EVERY == 0 and 2 * voiced > len(flags):
            self._measure(np.frombuffer(pcm, "<i2").astype(np.float64))

    def pause(self) -> None:
        """Nothing is fed until the next block."""
        self.paused = True

    def _measure(self, samples: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
        self._energy.append(float(samples @ samples) / len(samples))
        self._clipped.append(int(np.count_nonzero(np.abs(samples) >= CLIPPED_SAMPLE)) / len(samples))
        if len(self._energy) < WINDOW_BLOCKS:
            return
        clipped, rms = sum(self._clipped) / WINDOW_BLOCKS, (sum(self._energy) / WINDOW_BLOCKS) ** 0.5
        self.level = None
        if clipped > CLIPPED_SHARE:
            self.level = ConditionKind.CLIPPED, clipped
        elif rms < QUIET_RMS:
            self.level = ConditionKind.NEAR_SILENT, 20 * math.log10(max(1.0, rms) / FULL_SCALE)
        self._energy.clear()
        self._clipped.clear()


@dataclass(slots=True)
class _Heard:
    voiced_seconds: float = -1.0
    others_seconds: float = 0.0
    """The others' speech when this leg was heard last."""


class CallSound:
    """One call's legs, looked at together."""

    def __init__(self, one_way_seconds: float) -> None:
        """`one_way_seconds`: speech of the others within which a leg must be heard; 0 for never."""
        self._one_way_seconds = one_way_seconds
        self._legs: dict[str, _Heard] = {}

    def faults(self, sounds: Mapping[str, Sound]) -> list[tuple[str, ConditionKind, float]]:
        """What is wrong now with which leg, and its value. `sounds`: of the legs by their ids."""
        found = []
        total = sum(sound.voiced_seconds for sound in sounds.values())
        for leg_id, sound in sounds.items():
            heard = self._legs.setdefault(leg_id, _Heard())
            others = total - sound.voiced_seconds
            if sound.paused or sound.voiced_seconds != heard.voiced_seconds:
                heard.voiced_seconds, heard.others_seconds = sound.voiced_seconds, others
            if sound.level:
                found.append((leg_id, *sound.level))
            silence = others - heard.others_seconds
            if 0 < self._one_way_seconds <= silence:
                found.append((leg_id, ConditionKind.ONE_WAY, silence))
        return found
