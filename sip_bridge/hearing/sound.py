"""How a call sounds: a leg that nobody hears, speech that is all but silent, speech that is clipped. Pure.

Fed by the legs on the listener's thread, judged once a second. Time is that of the speech itself, so no clock is
needed: what counts for one-way audio is how long the others have spoken since a leg was heard last.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from callbus import ConditionKind
from sip_bridge.hearing.segmenter import FRAME_SAMPLES, FRAME_SECONDS

WINDOW_SECONDS = 10.0
"""Speech that a judgement of the level is of."""
QUIET_RMS = 180.0
"""Of 16-bit samples, -45 dBFS: telephone speech has some -20 to -30."""
CLIPPED_SHARE = 0.01
"""Of a window's samples; loud speech touches the codec's ceiling now and then, overdriven speech stays there."""
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
        self._frames = 0
        self._energy = 0.0
        self._clipped = 0

    def take(self, voiced_frames: int, energy: float, clipped: int) -> None:
        """A stretch of speech: its voiced frames, their samples' squares in sum, those at the codec's ceiling."""
        self.paused = False
        self.voiced_seconds += voiced_frames * FRAME_SECONDS
        self._frames += voiced_frames
        self._energy += energy
        self._clipped += clipped
        if self._frames * FRAME_SECONDS >= WINDOW_SECONDS:
            self._judge(self._frames * FRAME_SAMPLES)

    def _judge(self, samples: int) -> None:
        clipped, rms = self._clipped / samples, (self._energy / samples) ** 0.5
        self.level = None
        if clipped > CLIPPED_SHARE:
            self.level = ConditionKind.CLIPPED, clipped
        elif rms < QUIET_RMS:
            self.level = ConditionKind.NEAR_SILENT, 20 * math.log10(max(1.0, rms) / FULL_SCALE)
        self._frames = self._clipped = 0
        self._energy = 0.0


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
