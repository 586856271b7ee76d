"""What waits for the model: what is read next, and what is left out when there is too much. Pure.

How much is too much is told in seconds of the model's time (`cost`), not in utterances: what counts is how late the
next customer's words will be. The order of leaving out: work that is not due yet, then second readings, then agents'
utterances that have waited too long, the oldest first; customers' only if their own words are more than can be read.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from analysis.words.cost import Costs
from analysis.words.passage import Passage, Words
from analysis.words.strain import Strain
from callbus import Role


class Kind(StrEnum):
    """Why an utterance is read."""

    SAID = "said"
    AGAIN = "again"
    """Its words are in doubt; it is read on a longer context."""
    AHEAD = "ahead"
    """It may not be over: it is read while nothing else waits, in batches of its own."""


BUSY_SECONDS = 0.3
"""Of first readings that wait. Above this nothing is read that is not due yet, and customers go before agents."""
BEHIND_SECONDS = 0.8
"""Above this nothing is read twice; if that lasts, agents' words are left out until less than BUSY_SECONDS waits."""
PATIENCE_SECONDS = 1.0
"""For agents' utterances while there is too much: a customer's next words wait for the agent's before them."""
FULL_SECONDS = 5.0
"""Above this, of customers' own work, the oldest of theirs is left out, if that lasts too."""
STRAIN_SECONDS = 10.0
"""Nothing that was said is left out before it has been behind for so long, nor while the backlog falls: a burst is read
late, and whole."""
SLOW_SECONDS = 0.2
"""If the model takes longer than this for one utterance, all these bounds grow with it: with a few utterances waiting
it is slow, but not behind."""
AHEAD_MOST = 16
"""Utterances that wait to be read ahead of their end."""
AHEAD_SECONDS = 0.4
"""What takes the model longer is not read ahead: what is said meanwhile would wait for it. It is as long as the pause
that ends an utterance, so a reading for nothing is over before the next utterance can be."""
ROOM_SECONDS = 0.25
"""Second readings, and while busy agents' utterances, fill a batch up to this: what comes meanwhile waits for its
end."""


@dataclass(slots=True, eq=False)
class Waiting:
    """An utterance in the queue."""

    row: Passage
    frames: int
    role: Role
    kind: Kind
    due: float
    """Unix seconds."""
    since: float
    """Monotonic seconds."""
    seconds: float
    """Of audio."""
    lag: float
    """Seconds since it was said, when it came."""
    done: asyncio.Future[Words] = field(repr=False)

    @property
    def is_agents(self) -> bool:
        """Whether no alert can come of it."""
        return self.role is Role.AGENT

    @property
    def is_first_reading(self) -> bool:
        """Whether its words are not known at all, and wanted now."""
        return self.kind is Kind.SAID


def most_seconds(kind: Kind) -> float:
    """Of first readings waiting above which no utterance is read for this reason."""
    match kind:
        case Kind.SAID:
            return float("inf")
        case Kind.AGAIN:
            return BEHIND_SECONDS
    return BUSY_SECONDS


class Queue:
    """Bounded by `limit` utterances too, for the sake of memory. `now`: monotonic seconds."""

    def __init__(self, costs: Costs, batch_size: int, limit: int) -> None:
        self._costs = costs
        self._batch_size = batch_size
        self._limit = limit
        self._all: list[Waiting] = []
        self._rows: Counter[int] = Counter()
        """By audio context."""
        self._first: Counter[int] = Counter()
        """Those of them that are first readings."""
        self._customers: Counter[int] = Counter()
        """Those of these that are not an agent's."""
        self._free_at = 0.0
        """When the batch in the model's hands should be read."""
        self._strain = Strain(BEHIND_SECONDS, BUSY_SECONDS, STRAIN_SECONDS)
        self._in_hand = 0
        """Its audio context; 0 without one."""
        self._speech_a_second = 0.0
        """Of first readings in that batch, in each second that it should take."""
        self._lag = 0.0
        """Of the latest first reading."""

    def __len__(self) -> int:
        return len(self._all)

    def seconds(self, now: float) -> float:
        """Of the model's time until all that waits is read, as predicted."""
        return self._left(now) + self._costs.waiting(self._rows, self._batch_size)

    def load(self, now: float) -> float:
        """The same until all first readings are, to be compared with the bounds above."""
        return (self._left(now) + self._costs.waiting(self._first, self._batch_size)) / self._slowness

    def _speech_seconds(self, now: float) -> float:
        """Of first readings that wait, and of what is left of them in the model's hands."""
        waits = sum(waiting.seconds for waiting in self._all if waiting.is_first_reading)
        return waits + self._left(now) * self._speech_a_second

    def _left(self, now: float) -> float:
        return max(0.0, self._free_at - now)

    def has_room_ahead(self, frames: int, now: float) -> bool:
        """Whether an utterance with this audio context may be read ahead of its end."""
        ahead = sum(waiting.kind is Kind.AHEAD for waiting in self._all)
        quick = self._costs.batch(frames, 1) <= AHEAD_SECONDS
        return quick and ahead < AHEAD_MOST and self.load(now) <= most_seconds(Kind.AHEAD)

    def urge(self, done: asyncio.Future[Words], now: float) -> None:
        """What is read ahead of its end is over: if it still waits, it is as urgent as any other from now on."""
        for waiting in [each for each in self._all if each.done is done]:
            self._leave([waiting])
            waiting.kind, waiting.since = Kind.SAID, now
            self.add(waiting)

    def add(self, waiting: Waiting) -> None:
        """Queue it, whatever waits."""
        self._all.append(waiting)
        if waiting.is_first_reading:
            self._lag = waiting.lag
        for counter in self._counters(waiting):
            counter[waiting.frames] += 1

    def take(self, now: float) -> list[Waiting]:
        """The most urgent utterance, and as many with its audio context as make a batch, most urgent first.

        Others wait for the next batch: in this one they would cost the longer context.
        """
        self._leave([waiting for waiting in self._all if waiting.done.done()])
        if not self._all:
            return []
        busy = self.load(now) > BUSY_SECONDS
        self._all.sort(key=_urgency_while_busy) if busy else self._all.sort(key=_urgency)
        frames, is_ahead = self._all[0].frames, self._all[0].kind is Kind.AHEAD
        batch: list[Waiting] = []
        for waiting in self._all:
            if len(batch) == self._batch_size:
                break
            alike = waiting.frames == frames and (waiting.kind is Kind.AHEAD) is is_ahead
            if alike and self._has_room(batch, waiting, busy):
                batch.append(waiting)
        self._leave(batch)
        takes = self._costs.batch(frames, len(batch))
        self._free_at, self._in_hand = now + takes, frames
        speech = sum(waiting.seconds for waiting in batch if waiting.is_first_reading)
        self._speech_a_second = speech / max(takes, 1e-3)
        return batch

    def read(self, batch: list[Waiting], seconds: float) -> None:
        """The model has taken so long for a batch."""
        self._free_at, self._in_hand = 0.0, 0
        self._costs.learn(batch[0].frames, len(batch), seconds)

    def shed(self, now: float) -> list[Waiting]:
        """Remove and return what is too much, in the order in which it has to go."""
        shed: list[Waiting] = []
        while victim := self._victim(now):
            self._leave([victim])
            shed.append(victim)
        return shed

    def _has_room(self, batch: list[Waiting], waiting: Waiting, busy: bool) -> bool:
        """Whether a batch may grow by this utterance."""
        can_wait = not waiting.is_first_reading or (busy and waiting.is_agents)
        return not (batch and can_wait) or self._costs.batch(waiting.frames, len(batch) + 1) <= ROOM_SECONDS

    def _victim(self, now: float) -> Waiting | None:
        load = self.load(now)
        # In seconds of speech, which do not change with what is known of the model's speed. What comes late is the head
        # of a backlog elsewhere, in Redis or in another worker's hands.
        strained = self._strain.note(load, now, self._speech_seconds(now) + self._lag)
        if load > BUSY_SECONDS:
            if further := [waiting for waiting in self._all if load > most_seconds(waiting.kind)]:
                return min(further, key=_importance)
            if strained:
                oldest = min((waiting for waiting in self._all if waiting.is_agents), key=_age, default=None)
                if oldest and now - oldest.since > PATIENCE_SECONDS * self._slowness:
                    return oldest
        if strained and self._customers_load > FULL_SECONDS:
            return min((each for each in self._all if each.is_first_reading and not each.is_agents), key=_age)
        return min(self._all, key=_importance) if len(self._all) > self._limit else None

    @property
    def _slowness(self) -> float:
        contexts = {*self._first, *([self._in_hand] if self._in_hand else [])}
        return max(1.0, max((self._costs.batch(frames, 1) for frames in contexts), default=0.0) / SLOW_SECONDS)

    @property
    def _customers_load(self) -> float:
        return self._costs.waiting(self._customers, self._batch_size) / self._slowness

    def _counters(self, waiting: Waiting) -> Iterator[Counter[int]]:
        yield self._rows
        if waiting.is_first_reading:
            yield self._first
            if not waiting.is_agents:
                yield self._customers

    def _leave(self, gone: list[Waiting]) -> None:
        taken = set(map(id, gone))
        self._all = [waiting for waiting in self._all if id(waiting) not in taken]
        for waiting in gone:
            for counter in self._counters(waiting):
                counter[waiting.frames] -= 1
                if not counter[waiting.frames]:
                    del counter[waiting.frames]


def _importance(waiting: Waiting) -> tuple[float, bool, float]:
    return most_seconds(waiting.kind), not waiting.is_agents, waiting.since


def _urgency(waiting: Waiting) -> tuple[bool, float]:
    return waiting.kind is Kind.AHEAD, waiting.due


def _urgency_while_busy(waiting: Waiting) -> tuple[bool, bool, bool, float]:
    return waiting.kind is Kind.AHEAD, not waiting.is_first_reading, waiting.is_agents, waiting.due


def _age(waiting: Waiting) -> float:
    return waiting.since
