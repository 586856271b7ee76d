"""How a call sounds: one-way audio, near-silent speech, clipped speech. Pure.

Fed by the legs on the listener's thread, checked once a second. Time is measured in speech, so no clock is needed:
one-way audio depends on how long the others have spoken since a leg was last heard.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from callbus import ConditionKind
from sip_bridge.hearing.segmenter import FRAME_SAMPLES, FRAME_SECONDS

WINDOW_SECONDS = 10.0
"""Amount of speech over which the level is measured."""
QUIET_RMS = 180.0
"""RMS of 16-bit samples, -45 dBFS; telephone speech is at about -20 to -30."""
CLIPPED_SHARE = 0.01
"""Share of a window's samples. Loud speech touches the codec's ceiling now and then; overdriven speech stays there."""
FULL_SCALE = 32_768.0


class Sound:
    """How one leg sounds."""

    def __init__(self) -> None:
        self.voiced_seconds = 0.0
        """Speech so far."""
        self.paused = False
        """Whether the leg is on hold, so that nothing feeds it."""
        self.level: tuple[ConditionKind, float] | None = None
        """Fault of the latest window: near silent (dBFS) or clipped (share of samples); None if there is none."""
        self._frames = 0
        self._energy = 0.0
        self._clipped = 0

    def take(self, voiced_frames: int, energy: float, clipped: int) -> None:
        """Add a stretch of speech: voiced frames, sum of their squared samples, number of samples at full scale."""
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
    """The others' speech when this leg was last heard."""


class CallSound:
    """Compares the legs of one call."""

    def __init__(self, one_way_seconds: float) -> None:
        """`one_way_seconds`: speech of the others after which a silent leg is reported. 0 disables."""
        self._one_way_seconds = one_way_seconds
        self._legs: dict[str, _Heard] = {}

    def faults(self, sounds: Mapping[str, Sound]) -> list[tuple[str, ConditionKind, float]]:
        """The current faults as (leg id, kind, value). `sounds`: by leg id."""
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
