"""One party's audio in a call: turns the stretches from its ring into segments of speech.

`pause` and `resume` run on the library's thread, everything else on the listener's.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import Counter

from callbus import Role
from sip_bridge.hearing.echo import Lately, Samples
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
        """`clock`: unix seconds, the clock that packets are stamped with."""
        self.leg_id = leg_id
        self.role = role
        self.name = name
        self.ring = Ring(limits, aggressiveness, clock)
        """Holds its speech until the listener takes it."""
        self.sound = Sound()
        """How it sounds. Listener's thread only."""
        self.changed_seconds = 0.0
        """Call time in seconds at which it was last paused or resumed. Listener's thread only."""
        self.faults: Faults = {}
        """Faults in how its packets arrive. The library's thread replaces the whole mapping."""
        self._segmenter = Segmenter(limits)
        self._lately = Lately()
        self._clock = clock

    @property
    def position_seconds(self) -> float:
        """Call time of this leg in seconds. Any thread."""
        return self.ring.position * FRAME_SECONDS

    def start_at(self, seconds: float, now: float | None = None) -> None:
        """Start at this call time. `now`: unix seconds; None means the present."""
        self.ring.begin(seconds, self._clock() if now is None else now)

    def pause(self, now: float) -> None:
        """Nothing feeds the leg from now on; speech in progress ends here. `now`: unix seconds."""
        self.ring.pause(now)

    def resume(self, now: float) -> None:
        """The leg is fed again; the pause counts as silence. `now`: unix seconds."""
        self.ring.resume(now)

    def segments(self) -> list[Segment]:
        """The segments that ended within the ring's contents."""
        return [segment for entry in self.ring.take() for segment in self.hear(entry)]

    def hear(self, entry: Entry) -> list[Segment]:
        """The segments that ended with this entry of the ring."""
        # Anything between two stretches was not speech, or was lost; the ring includes the pre-roll.
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
        return self._kept(found) if found else found

    def ahead(self) -> Segment | None:
        """The segment that ends next if nobody speaks on; see `segmenter.Segmenter.ahead`."""
        return self._segmenter.ahead()

    def flush(self) -> list[Segment]:
        """End the speech in progress. The leg has ended."""
        return self._kept(self._segmenter.flush())

    def lately(self, begin: int, end: int) -> Samples:
        """Its latest speech from frame `begin` to `end`; see `echo.Lately`."""
        return self._lately.between(begin, end, self._segmenter.goes_on)

    def _kept(self, segments: list[Segment]) -> list[Segment]:
        for segment in segments:
            self._lately.add(segment)
            SPEECH_SECONDS.labels(self.role.value).inc(segment.voiced_frames * FRAME_SECONDS)
        return segments
