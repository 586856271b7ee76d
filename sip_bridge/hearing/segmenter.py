"""Cuts one leg's audio into utterances. Pure: frames and speech flags in, segments out, no clock of its own.

It sits between the leg's ring (`ring`), which detects speech, and the call (`heard_call`). Time is in frames of 20 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SAMPLE_RATE_HZ = 8_000
FRAME_SECONDS = 0.02
FRAME_SAMPLES = 160
FRAME_BYTES = 2 * FRAME_SAMPLES

SMOOTHING_FRAMES = 3
"""The quietest moment is averaged over 60 ms, because a single quiet frame may lie within a syllable."""


@dataclass(frozen=True, slots=True)
class SpeechLimits:
    """Bounds of an utterance, all in frames."""

    pre_roll: int
    """Frames kept before the first voiced one."""
    hangover: int
    """Unvoiced frames that end an utterance."""
    tail: int
    """Frames of the hangover kept after the last voiced one."""
    minimum: int
    """Speech with fewer voiced frames is dropped as a click; the rest of a split is exempt."""
    maximum: int
    """Frames at which speech is split. Must exceed pre_roll + hangover."""
    ahead: int = 0
    """Unvoiced frames after which speech seems to be over: at least the tail, fewer than the hangover. 0 disables."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One stretch of speech, including pre-roll and tail."""

    start_frame: int
    """Number of its first frame in the leg."""
    pcm: bytes
    """Whole frames, 16-bit little-endian mono at 8 kHz."""
    voiced_frames: int
    ended_at: float
    """When its last voiced frame was due, on the clock of `push`'s `arrived_at`, in seconds."""

    @property
    def frames(self) -> int:
        """Length in frames."""
        return len(self.pcm) // FRAME_BYTES


SPARE_FRAMES = 25
"""Between utterances, this many frames beyond the pre-roll are dropped together, because each drop moves the rest."""


class Segmenter:
    """Cuts one leg. Holds at most `maximum` frames, or the pre-roll and `SPARE_FRAMES`, plus one push."""

    def __init__(self, limits: SpeechLimits, position: int = 0) -> None:
        """`position`: number of the first frame pushed; a leg may join a call late."""
        self.position = position
        """Number of the next frame, counting gaps."""
        self._limits = limits
        self._audio = bytearray()
        self._flags = bytearray()  # one for each frame in _audio
        self._base = position  # number of the first frame in _audio
        self._talking = False
        self._last_voiced = 0
        self._continued = False  # the utterance is the rest of a split one
        self._foretold = -1  # last voiced frame of the latest segment from `ahead`
        self._arrived_at = 0.0  # of the frame before `position`

    def push(self, pcm: bytes, speech: Sequence[int], arrived_at: float) -> list[Segment]:
        """Add frames; return the segments that ended with them, oldest first.

        `pcm`: whole frames, 16-bit mono at 8 kHz. `speech`: 1 or 0 for each frame. `arrived_at`: when the last frame
        was due, in seconds. Raises ValueError if `pcm` is not one frame per flag.
        """
        if len(pcm) != FRAME_BYTES * len(speech):
            raise ValueError(f"{len(pcm)} bytes are not {len(speech)} frames of {FRAME_BYTES}")
        self._audio += pcm
        self._flags.extend(speech)
        first, self.position = self.position, self.position + len(speech)
        self._arrived_at = arrived_at
        segments: list[Segment] = []
        if self._talking or any(speech):
            for number, voiced in enumerate(speech, first):
                if segment := self._step(number, voiced):
                    segments.append(segment)
        if not self._talking and len(self._flags) > self._limits.pre_roll + SPARE_FRAMES:
            self._drop_before(self.position - self._limits.pre_roll)
        return segments

    def skip(self, frames: int) -> list[Segment]:
        """Skip missing frames (lost, or the recording is paused). Speech before them ends here."""
        segments = self.flush()
        self.position += frames
        self._drop_before(self.position)
        self._base = self.position
        return segments

    def flush(self) -> list[Segment]:
        """End the utterance in progress, if any, because the leg ends or pauses."""
        segment = self._finish(self.position) if self._talking else None
        return [segment] if segment else []

    @property
    def goes_on(self) -> tuple[int, bytes]:
        """Number of the first frame that is not in a segment yet, and the audio from there."""
        return self._base, bytes(self._audio)

    def ahead(self) -> Segment | None:
        """The segment that comes next if nobody speaks on, once in each silence of `ahead` frames; else None.

        That segment has the same audio and times: it is not given where the speech would be split before it ends.
        """
        silent = self.position - 1 - self._last_voiced
        if not self._talking or not 0 < self._limits.ahead <= silent or self._foretold == self._last_voiced:
            return None
        end = self._last_voiced + self._limits.hangover
        if end - self._base >= self._limits.maximum or not self._is_enough(end):
            return None
        self._foretold = self._last_voiced
        return self._segment(self._last_voiced + 1 + self._limits.tail)

    def _step(self, number: int, voiced: int) -> Segment | None:
        if voiced:
            if not self._talking:
                self._talking = True
                self._drop_before(number - self._limits.pre_roll)
            self._last_voiced = number
        elif self._talking and number - self._last_voiced >= self._limits.hangover:
            return self._finish(number + 1)
        if self._talking and number + 1 - self._base >= self._limits.maximum:
            return self._split(number + 1)
        return None

    def _finish(self, end: int) -> Segment | None:
        """Close the utterance. `end`: exclusive upper bound of its frames."""
        is_enough = self._is_enough(end)
        self._talking = self._continued = False
        return self._take(min(self._last_voiced + 1 + self._limits.tail, end)) if is_enough else None

    def _is_enough(self, end: int) -> bool:
        """Whether the utterance, if it ends before frame `end`, is more than a click."""
        minimum = 1 if self._continued else max(1, self._limits.minimum)
        return sum(self._flags[: end - self._base]) >= minimum

    def _split(self, end: int) -> Segment:
        """Cut off the first part of the utterance, after the quietest frame of its second half."""
        half = (end - self._base) // 2
        samples = np.frombuffer(self._audio, np.int16, (end - self._base) * FRAME_SAMPLES).reshape(-1, FRAME_SAMPLES)
        loudness = np.abs(samples[half:].astype(np.int32)).mean(axis=1)
        del samples  # while it exports the buffer, the buffer cannot shrink
        smooth = np.convolve(np.pad(loudness, SMOOTHING_FRAMES // 2, "edge"), np.ones(SMOOTHING_FRAMES), "valid")
        self._continued = True
        return self._take(self._base + half + int(smooth.argmin()) + 1)

    def _take(self, end: int) -> Segment:
        """Cut the audio up to frame `end` out of the buffer."""
        segment = self._segment(end)
        self._drop_before(end)
        return segment

    def _segment(self, end: int) -> Segment:
        """The audio up to frame `end`."""
        count = end - self._base
        flags = self._flags[:count]
        last_voiced = self._base + flags.rfind(1)
        return Segment(
            start_frame=self._base,
            pcm=bytes(self._audio[: count * FRAME_BYTES]),
            voiced_frames=sum(flags),
            ended_at=self._arrived_at - (self.position - 1 - last_voiced) * FRAME_SECONDS,
        )

    def _drop_before(self, number: int) -> None:
        count = min(number - self._base, len(self._flags))
        if count > 0:
            del self._audio[: count * FRAME_BYTES]
            del self._flags[:count]
            self._base += count
