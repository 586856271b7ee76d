"""One party's audio in a call: from the blocks that the library hands over to segments of speech.

`pause` and `resume` run on the library's own thread, all else on the listener's.
"""

from __future__ import annotations

from prometheus_client import Counter

from callbus import Role
from sip_bridge.ring import BLOCK_FRAMES, Entry, Ring
from sip_bridge.segmenter import FRAME_SECONDS, Segment, Segmenter, SpeechLimits
from sip_bridge.sound import Sound
from sip_bridge.stream_health import Faults
from sip_bridge.vad import VoiceActivity

FRAMES_DROPPED = Counter(
    "callvane_frames_dropped_total", "Audio frames of 20 ms dropped, oldest first, because listening fell behind."
)
SPEECH_SECONDS = Counter("callvane_speech_seconds_total", "Seconds of voiced audio heard, by role.", ["role"])


class Leg:
    """A leg's ring, detector and segmenter."""

    def __init__(self, leg_id: str, role: Role, name: str, limits: SpeechLimits, aggressiveness: int) -> None:
        self.leg_id = leg_id
        self.role = role
        self.name = name
        self.ring = Ring()
        """Where its audio waits for the listener."""
        self.sound = Sound()
        """How it sounds; of the listener's thread."""
        self.changed_seconds = 0.0
        """Call time at which it was paused or went on last; of the listener's thread."""
        self.faults: Faults = {}
        """What is the matter with how its packets arrive; replaced as a whole by the library's thread."""
        self._paused_at: float | None = None  # of those who feed the ring
        self._vad = VoiceActivity(aggressiveness)
        self._segmenter = Segmenter(limits)

    @property
    def position_seconds(self) -> float:
        """Call time of this leg: seconds of its samples."""
        return self._segmenter.position * FRAME_SECONDS

    def start_at(self, seconds: float) -> None:
        """Begin at this call time: the leg joined late."""
        self._segmenter.skip(max(0, round(seconds / FRAME_SECONDS) - self._segmenter.position))

    def pause(self, now: float) -> None:
        """Nothing feeds the leg from now on (unix seconds): what was being said ends here.

        By whoever has just ended its feeding, as is `resume`, so that the two never run beside it.
        """
        if self._paused_at is None:
            self._paused_at = now
            self.ring.mark(0.0)

    def resume(self, now: float) -> None:
        """Something feeds the leg again: its time goes on as if the pause had been silence."""
        if self._paused_at is not None:
            self.ring.mark(max(0.0, now - self._paused_at))
            self._paused_at = None

    def segments(self) -> list[Segment]:
        """What ended within all that waits in the ring."""
        return [segment for entry in self.ring.take() for segment in self.hear(entry)]

    def hear(self, entry: Entry) -> list[Segment]:
        """What ended with the next thing in the ring."""
        found: list[Segment] = []
        if entry.lost:
            FRAMES_DROPPED.inc(entry.lost * BLOCK_FRAMES)
            found += self._segmenter.skip(entry.lost * BLOCK_FRAMES)
        if pcm := entry.pcm:
            flags = self._vad.flags(pcm)
            self.sound.take(pcm, flags)
            found += self._segmenter.push(pcm, flags, entry.seconds)
        elif entry.is_mark:
            self.sound.pause()
            found += self._segmenter.skip(round(entry.seconds / FRAME_SECONDS))
            self.changed_seconds = self.position_seconds
        else:
            self.sound.take(b"", ())
            found += self._segmenter.skip(BLOCK_FRAMES)
        return self._counted(found) if found else found

    def flush(self) -> list[Segment]:
        """End the speech that is going on; the leg is over."""
        return self._counted(self._segmenter.flush())

    def _counted(self, segments: list[Segment]) -> list[Segment]:
        for segment in segments:
            SPEECH_SECONDS.labels(self.role.value).inc(segment.voiced_frames * FRAME_SECONDS)
        return segments
