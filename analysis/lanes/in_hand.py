"""Events a worker has taken but not committed, across all its calls. Bounded, whatever the calls wait for.

Openings, health events and closings are few and never shed. A shed utterance keeps its place in the call, without its
audio, and becomes a transcript that says `overload`. A written turn counts as an utterance without audio.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from analysis.lanes.lane import Job, Lane
from callbus import Role, Utterance, WrittenTurn

EVENTS = Gauge("callvane_events_in_hand", "Fork events this worker has taken but not committed.")
AUDIO = Gauge("callvane_audio_in_hand_bytes", "Audio of these events that has not been recognized yet.")
SHED = Counter("callvane_utterances_shed_total", "Utterances dropped because too many waited, by role.", ["role"])

CALL_EVENTS = 64
"""Events per call. Past this the oldest utterance is shed, even if the call is waiting for its score."""
AUDIO_BYTES = 64 * 1024 * 1024
"""Audio across all calls."""


class InHand:
    """Belongs to one event loop. Past `utterances` or `audio_bytes` overall it sheds agents' first, then the oldest."""

    def __init__(self, utterances: int, audio_bytes: int = AUDIO_BYTES, call_events: int = CALL_EVENTS) -> None:
        self._most = utterances
        self._most_audio = audio_bytes
        self._most_of_call = call_events
        self._waiting: dict[Job, int] = {}
        """Utterances still waiting for words or score, oldest first, with the bytes of their audio."""
        self._audio = 0
        self._events = 0
        self._shed_lately = False

    def __len__(self) -> int:
        """Events in hand."""
        return self._events

    @property
    def audio_bytes(self) -> int:
        """Audio in hand."""
        return self._audio

    def has_shed(self) -> bool:
        """Whether an utterance was shed, here or before the features or the model, since this was last asked."""
        shed, self._shed_lately = self._shed_lately, False
        return shed

    def take(self, job: Job, lane: Lane) -> None:
        """Add an event of a call. Sheds what exceeds the bounds, perhaps this event."""
        lane.jobs.append(job)
        self._events += 1
        if isinstance(job.delivery.event, Utterance | WrittenTurn):
            self._waiting[job] = job.audio_bytes
            self._audio += job.audio_bytes
        if len(lane) > self._most_of_call and (
            oldest := next((one for one in lane.jobs if one in self._waiting), None)
        ):
            self._shed(oldest)
        while len(self._waiting) > self._most or self._audio > self._most_audio:
            self._shed(next((one for one in self._waiting if _role(one) is Role.AGENT), next(iter(self._waiting))))
        self._tell()

    def heard(self, job: Job, has_words: bool, is_overload: bool = False) -> None:
        """Recognition is done with the audio. Without words, the utterance waits for nothing more.

        `is_overload`: it was shed before the features or the model.
        """
        if job in self._waiting:
            if is_overload:
                self._count(job)
            self._audio -= self._waiting[job]
            self._waiting[job] = 0
            if not has_words:
                del self._waiting[job]
            job.let_go_of_audio()
        self._tell()

    def let_go(self, job: Job) -> None:
        """It is committed, or another worker's."""
        self._events -= 1
        self._audio -= self._waiting.pop(job, 0)
        self._tell()

    def _shed(self, job: Job) -> None:
        self._audio -= self._waiting.pop(job)
        self._count(job)
        job.shed()

    def _count(self, job: Job) -> None:
        SHED.labels(_role(job)).inc()
        self._shed_lately = True

    def _tell(self) -> None:
        EVENTS.set(self._events)
        AUDIO.set(self._audio)


def _role(job: Job) -> Role:
    event = job.delivery.event
    return event.role if isinstance(event, Utterance | WrittenTurn) else Role.UNKNOWN
