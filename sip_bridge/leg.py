"""One party's audio in a call: from the frames that the library hands over to segments of speech.

The one place where threads meet over audio: `take` runs on the library's clock thread, `pause` and `resume` on its own,
all else on the listener's.
"""

from __future__ import annotations

from collections import deque

from prometheus_client import Counter

from callbus import Role
from sip_bridge.segmenter import FRAME_BYTES, FRAME_SECONDS, Segment, Segmenter, SpeechLimits
from sip_bridge.sound import Sound
from sip_bridge.stream_health import Faults
from sip_bridge.vad import VoiceActivity

FRAMES_RECEIVED = Counter("callvane_frames_received_total", "Audio frames of 20 ms taken from the calls' legs.")
FRAMES_DROPPED = Counter(
    "callvane_frames_dropped_total", "Audio frames of 20 ms dropped, oldest first, because listening fell behind."
)
SPEECH_SECONDS = Counter("callvane_speech_seconds_total", "Seconds of voiced audio heard, by role.", ["role"])

RING_BLOCKS = 50
"""Blocks of 100 ms that wait for the listener: 5 s. Past it a leg loses its own oldest block and delays no other."""


class Leg:
    """A leg's ring, detector and segmenter."""

    def __init__(self, leg_id: str, role: Role, name: str, limits: SpeechLimits, aggressiveness: int) -> None:
        self.leg_id = leg_id
        self.role = role
        self.name = name
        self._ring: deque[tuple[int, bytes | bytearray | None, float]] = deque(maxlen=RING_BLOCKS)
        self._paused_at: float | None = None  # of those who feed the ring
        self._blocks = 0  # written by `take` alone
        self._next_block = 0  # read and written by `segments` alone
        self._block_frames = 0
        self._vad = VoiceActivity(aggressiveness)
        self._segmenter = Segmenter(limits)
        self.sound = Sound()
        """How it sounds; of the listener's thread."""
        self.changed_seconds = 0.0
        """Call time at which it was paused or went on last; of the listener's thread."""
        self.faults: Faults = {}
        """What is the matter with how its packets arrive; replaced as a whole by the library's thread."""

    @property
    def position_seconds(self) -> float:
        """Call time of this leg: seconds of its samples."""
        return self._segmenter.position * FRAME_SECONDS

    def start_at(self, seconds: float) -> None:
        """Begin at this call time: the leg joined late."""
        self._segmenter.skip(max(0, round(seconds / FRAME_SECONDS) - self._segmenter.position))

    def take(self, pcm: bytes | bytearray, arrived_at: float) -> None:
        """Put a block in the ring; empty for one that brought no audio. Never blocks.

        `arrived_at`: unix seconds. Runs on the clock thread, under a lock of the library.
        """
        self._ring.append((self._blocks, pcm, arrived_at))
        self._blocks += 1

    def pause(self, now: float) -> None:
        """Nothing feeds the leg from now on (unix seconds): what was being said ends here.

        By whoever has just ended `take`, as is `resume`, so that the two never run beside it.
        """
        if self._paused_at is None:
            self._paused_at = now
            self._ring.append((self._blocks, None, 0.0))

    def resume(self, now: float) -> None:
        """Something feeds the leg again: its time goes on as if the pause had been silence."""
        if self._paused_at is not None:
            self._ring.append((self._blocks, None, max(0.0, now - self._paused_at)))
            self._paused_at = None

    def segments(self) -> list[Segment]:
        """What ended within the blocks that have come since the last time."""
        found: list[Segment] = []
        ring = self._ring
        while ring:
            number, pcm, arrived_at = ring.popleft()  # without a block, the third is the seconds of a pause
            if number > self._next_block:  # the ring has lost the blocks between
                lost = (number - self._next_block) * self._block_frames
                FRAMES_DROPPED.inc(lost)
                found += self._segmenter.skip(lost)
            if pcm is None:
                self._next_block = number
                self.sound.pause()
                found += self._segmenter.skip(round(arrived_at / FRAME_SECONDS))
                self.changed_seconds = self.position_seconds
                continue
            self._next_block = number + 1
            if not pcm:
                self.sound.take(b"", ())
                found += self._segmenter.skip(self._block_frames)
                continue
            self._block_frames = len(pcm) // FRAME_BYTES
            FRAMES_RECEIVED.inc(self._block_frames)
            block = bytes(pcm)
            flags = self._vad.flags(block)
            self.sound.take(block, flags)
            found += self._segmenter.push(block, flags, arrived_at)
        return self._counted(found)

    def flush(self) -> list[Segment]:
        """End the speech that is going on; the leg is over."""
        return self._counted(self._segmenter.flush())

    def _counted(self, segments: list[Segment]) -> list[Segment]:
        for segment in segments:
            SPEECH_SECONDS.labels(self.role.value).inc(segment.voiced_frames * FRAME_SECONDS)
        return segments
