"""One party's audio in a call: from the stretches that its ring hands over to segments of speech.

`pause` and `resume` run on the library's own thread, all else on the listener's.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import Counter

from callbus import Role
from sip_bridge.hearing.ring import Entry, Kind, Ring
from sip_bridge.hearing.segmenter import FRAME_SECONDS, Segment, Segmenter, SpeechLimits
from sip_bridge.hearing.sound import Sound
from sip_bridge.hearing.stream_health import Faults

SPEECH_SECONDS = Counter("callvane_speech_seconds_total", "Seconds of voiced audio heard, by role.", ["role"])


class Leg:
    """A leg's ring and segmenter."""

    def __init__(
        self,
        leg_id: str,
        role: Role,
        name: str,
        limits: SpeechLimits,
        aggressiveness: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock`: unix seconds, the same that packets are stamped with."""
        self.leg_id = leg_id
        self.role = role
        self.name = name
        self.ring = Ring(limits, aggressiveness, clock)
        """Where its speech waits for the listener."""
        self.sound = Sound()
        """How it sounds; of the listener's thread."""
        self.changed_seconds = 0.0
        """Call time at which it was paused or went on last; of the listener's thread."""
        self.faults: Faults = {}
        """What is the matter with how its packets arrive; replaced as a whole by the library's thread."""
        self._segmenter = Segmenter(limits)
        self._clock = clock

    @property
    def position_seconds(self) -> float:
        """Call time of this leg. Any thread."""
        return self.ring.position * FRAME_SECONDS

    def start_at(self, seconds: float, now: float | None = None) -> None:
        """Begin at this call time. `now`: unix seconds; none for this moment."""
        self.ring.begin(seconds, self._clock() if now is None else now)

    def pause(self, now: float) -> None:
        """Nothing feeds the leg from now on (unix seconds): what was being said ends here."""
        self.ring.pause(now)

    def resume(self, now: float) -> None:
        """Something feeds the leg again: its time goes on as if the pause had been silence."""
        self.ring.resume(now)

    def segments(self) -> list[Segment]:
        """What ended within all that waits in the ring."""
        return [segment for entry in self.ring.take() for segment in self.hear(entry)]

    def hear(self, entry: Entry) -> list[Segment]:
        """What ended with the next thing in the ring."""
        # What lies between two stretches is no speech, or was lost: the ring hands the pre-roll over.
        apart = entry.start_frame - self._segmenter.position
        found = self._segmenter.skip(apart) if apart > 0 else []
        if entry.pcm:
            self.sound.take(sum(entry.flags), entry.energy, entry.clipped)
            found += self._segmenter.push(entry.pcm, entry.flags, entry.due_at)
        if entry.kind is not Kind.SPEECH:
            found += self._segmenter.flush()
        if entry.kind in (Kind.PAUSED, Kind.RESUMED):
            self.sound.paused = entry.kind is Kind.PAUSED
            self.changed_seconds = entry.start_frame * FRAME_SECONDS
        return self._counted(found) if found else found

    def flush(self) -> list[Segment]:
        """End the speech that is going on; the leg is over."""
        return self._counted(self._segmenter.flush())

    def _counted(self, segments: list[Segment]) -> list[Segment]:
        for segment in segments:
            SPEECH_SECONDS.labels(self.role.value).inc(segment.voiced_frames * FRAME_SECONDS)
        return segments
