"""A stage for the worker: fork events in, publications expected. What is real is all but Whisper, which reads text.

Worker, lanes, recognizer with its guards, batcher, scorer, analyst and Redis run in the test's own event loop. A case
takes some hundredths of a second, so that a new fault costs five lines and no more.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, replace

import numpy as np

from analysis.call.analyst import Analyst
from analysis.call.decision import Decisions
from analysis.lanes.agents import Agents
from analysis.lanes.in_hand import InHand
from analysis.lanes.worker import Worker
from analysis.practice import phrases as practice_phrases
from analysis.practice.load import LoadRules
from analysis.scorers.scoring import Scoring, Threaded, one_by_one
from analysis.words.batcher import Batcher
from analysis.words.features import Spectrogram
from analysis.words.hallucination import SHIPPED_PHRASES, Phrases
from analysis.words.language import Languages, Wanted
from analysis.words.passage import Passage, Words
from analysis.words.recognition import Recognizer
from analysis.words.speech import Speech
from analysis.words.transcriber import Transcriber
from callbus import (
    Alert,
    CallClosed,
    CallEvent,
    CallOpened,
    CallState,
    Condition,
    ConditionKind,
    Role,
    Transcript,
    Unit,
    Utterance,
)
from callbus.messages.wire import ForkEvent, Publication, encode_fork_event
from callbus.redis.bus import Bus
from callbus.redis.contacts import Contacts
from callbus.redis.foretelling import AheadReader
from callbus.redis.fork_reader import ForkReader
from callbus.redis.loads import Loads
from callbus.redis.partition import partition_of
from callbus.redis.settings import RedisSettings
from tests.analysis import spoken
from tests.analysis.process import publish
from tests.breaking import FAULTED, Counted, Fault
from tests.published import published

RATE_HZ = 8_000
WORD_SECONDS = 0.35
PAUSE_SECONDS = 0.5
SECONDS = 20.0
"""Longer than anything here takes on the busiest machine."""
QUEUE_UTTERANCES = 1_024
DAYS = 7.0
"""For which contacts count."""
LETTERS = {"es": "ñ¿¡áíóú", "fr": "çàèêœ"}
"""By which the prompter knows that words are not English."""
INVENTED = "this is terrible i am going to sue you"
"""What it reads in them where it is to read English."""

LINES = tuple((role, text) for role, (text,) in spoken.lines("turns_angry"))
"""What is said in a call, unless a test says otherwise: its twelfth line is worth an alert."""


class Prompter(Transcriber):
    """Reads the words that `says` has put into the audio, in place of a Whisper."""

    def __init__(self) -> None:
        """There is nothing to load."""

    def hear(self, pcm: bytes, rate_hz: int, before: bytes = b"") -> tuple[Spectrogram | None, Speech]:
        """The letters, one a column, and all of it speech; none where there are none."""
        letters = np.frombuffer(pcm, np.uint8)
        features = letters[letters > 0].astype(np.float32).reshape(1, -1) if letters.any() else None
        return features, Speech(len(letters) / 2 / rate_hz, 1.0)

    again = 1

    def context(self, row: Passage) -> int:
        """The same for all: any may share a batch."""
        return 1

    def transcribe(self, rows: Sequence[Passage], frames: int) -> list[Words]:
        """The words of each, read with certainty: in a language that they are not in, as English that nobody said."""
        return [_read(bytes(row.features[0].astype(np.uint8)).decode(), row.language) for row in rows]


def _read(text: str, wanted: Wanted) -> Words:
    language = next((code for code, letters in LETTERS.items() if set(letters) & set(text)), "en")
    sound = {code: 0.97 if code == language else 0.03 / len(LETTERS) for code in ("en", *LETTERS)}
    asked = callable(wanted)
    code = wanted(sound) if callable(wanted) else wanted or "en"
    return Words(text if code == language else INVENTED, 0.9, 0.0, -0.1, code, sound if asked else {})


def says(call_id: str = "whole", lines: Sequence[tuple[Role, str]] = LINES) -> list[Utterance]:
    """The lines of a call, an utterance each, the last one just over. What is said in the faulted call says so."""
    seconds = [WORD_SECONDS * len(text.split()) for _, text in lines]
    begun = time.time() - sum(seconds) - PAUSE_SECONDS * len(lines)
    said, at = [], PAUSE_SECONDS
    for sequence, ((role, text), length) in enumerate(zip(lines, seconds, strict=True)):
        words = (f"{text} {call_id}" if call_id == FAULTED else text).encode()
        pcm = words.rjust(2 * round(length * RATE_HZ), b"\0")
        leg, end = "1" if role is Role.AGENT else "2", at + length
        said.append(Utterance(call_id, leg, role, sequence, at, end, begun + end, RATE_HZ, pcm))
        at = end + PAUSE_SECONDS
    return said


def opens(said: Sequence[Utterance]) -> CallOpened:
    """The opening of a call in which this is said."""
    first = said[0]
    return CallOpened(first.call_id, "bridge", first.ended_at - first.end_seconds, spoken.LEGS)


def closes(said: Sequence[Utterance]) -> CallClosed:
    """Its end."""
    last = said[-1]
    return CallClosed(last.call_id, last.ended_at, last.end_seconds, "bye")


def whole_call(call_id: str = "whole", lines: Sequence[tuple[Role, str]] = LINES) -> list[ForkEvent]:
    """A call with an event of each kind."""
    first, *others = said = says(call_id, lines)
    paused = Condition(ConditionKind.PAUSED, "1", Role.AGENT, 1.0, 0.0, Unit.SECONDS)
    return [opens(said), first, CallEvent(call_id, 1.0, True, paused), *others, closes(said)]


def by_turns(*calls: Sequence[ForkEvent]) -> list[ForkEvent]:
    """Calls of the same length at once: an event of each, then the next one of each."""
    return [event for events in zip(*calls, strict=True) for event in events]


@dataclass(frozen=True, slots=True)
class Told:
    """What everybody is told of one call, each in its order."""

    words: tuple[str, ...] = ()
    """Of each transcript; in brackets why there are none."""
    alerts: tuple[str, ...] = ()
    """Their kinds; a mark that becomes an interruption is one."""
    phases: str = "active, ended"
    """Without repeats."""


def heard(lines: Sequence[tuple[Role, str]] = LINES, alerts: tuple[str, ...] = ("worsened",)) -> Told:
    """What is told of a call in which nothing goes wrong."""
    return Told(tuple(text for _, text in lines), alerts)


def told_of(call_id: str, publications: Sequence[Publication]) -> Told:
    """What these tell of one call."""
    own = [each for each in publications if each.call_id == call_id]
    words = [each for each in own if isinstance(each, Transcript)]
    phases = [str(each.phase) for each in own if isinstance(each, CallState)]
    changes = [phase for before, phase in zip(["", *phases], phases, strict=False) if phase != before]
    return Told(
        tuple(each.text.removesuffix(f" {FAULTED}") or f"({each.dropped})" for each in words),
        tuple(str(each.kind) for each in own if isinstance(each, Alert) and not each.supersedes),
        ", ".join(changes),
    )


class CountedReader(AheadReader):
    """Tells how many utterances the worker has taken from it."""

    taken = 0

    async def utterances(self) -> AsyncGenerator[Utterance]:
        """Counts each when the worker asks for the next."""
        async with aclosing(super().utterances()) as utterances:
            async for utterance in utterances:
                yield utterance
                self.taken += 1


class Stage:
    """A worker at work on an empty Redis."""

    def __init__(
        self,
        bus: Bus,
        name: str,
        ear: Recognizer,
        in_hand: InHand,
        reading: asyncio.Task[None],
        ahead: CountedReader,
    ) -> None:
        self.bus = bus
        self.name = name
        """Of the worker."""
        self.ear = ear
        self.in_hand = in_hand
        self.ahead = ahead
        self._reading = reading
        self._counted = Counted()

    async def play(
        self,
        send: Sequence[ForkEvent],
        expect: Mapping[str, Told],
        faults: Collection[str] = (),
        bridge: str = "bridge",
    ) -> None:
        """Send events as a bridge does; once all are done with, all this has been told, and these faults counted."""
        await self.send(send, bridge)
        await self.idle()
        publications = await published(self.bus)
        told = {
            call_id: told_of(call_id, publications) for call_id in {*expect, *(each.call_id for each in publications)}
        }
        assert told == expect
        assert self.faults.keys() == set(faults)

    async def send(self, events: Sequence[ForkEvent], bridge: str = "bridge") -> None:
        """Send events as a bridge of that name does, and wait until Redis has them."""
        await publish(self.bus, events, bridge)

    async def foretell(self, utterances: Iterable[Utterance], bridge: str = "bridge") -> None:
        """Tell utterances ahead of their end, as a bridge of that name does, and wait until the worker has them."""
        told = self.ahead.taken
        async with asyncio.timeout(SECONDS):
            for each in utterances:
                told += 1
                channel = self.bus.keys.ahead(partition_of(each.call_id, self.bus.settings.partitions))
                payload = encode_fork_event(replace(each, recording_id=bridge))
                while not await self.bus.client.publish(channel, payload):  # the worker does not listen yet
                    await self.step()
            while self.ahead.taken < told:
                await self.step()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let the worker go on until this holds."""
        async with asyncio.timeout(SECONDS):
            while not condition():
                await self.step()

    async def idle(self) -> None:
        """Wait until all that was sent is done with, and acknowledged."""
        async with asyncio.timeout(SECONDS):
            while await self.left() or len(self.in_hand):
                await self.step()
        assert self.in_hand.audio_bytes == 0

    async def left(self) -> int:
        """Events that nobody has acknowledged."""
        async with self.bus.client.pipeline() as pipeline:
            for partition in range(self.bus.settings.partitions):
                pipeline.xlen(self.bus.keys.forks(partition))
            return sum(await pipeline.execute())

    async def until_told(self, call_id: str, expected: Told) -> None:
        """Wait until this is what has been told of a call."""
        async with asyncio.timeout(SECONDS):
            while told_of(call_id, await published(self.bus)) != expected:
                await self.step()

    async def step(self) -> None:
        """Let the worker go on for a moment."""
        if self._reading.done():
            self._reading.result()
        await asyncio.sleep(0.002)

    @property
    def faults(self) -> dict[str, int]:
        """What `callvane_faults_total` has counted since the stage was set, by kind."""
        return self._counted.kinds


@asynccontextmanager
async def stage(
    redis_url: str,
    *breaks: Fault,
    scoring: Scoring | None = None,
    in_hand: InHand | None = None,
    finish_seconds: float = SECONDS,
    languages: Languages | None = None,
    model: Prompter | None = None,
    load_key: bytes = b"",
    **settings: float,
) -> AsyncIterator[Stage]:
    """A worker with these faults, which has finished what was in hand within `finish_seconds` in the end.

    `languages`: without them none is detected. `model`: in place of a plain Prompter. `load_key`: with
    one, agents' loads are kept. `settings`: of Redis. Whatever was broken, no task is left behind.
    """
    before = asyncio.all_tasks()
    with ExitStack() as broken:
        for fault in breaks:
            broken.enter_context(fault)
        async with Bus(RedisSettings.model_validate({"url": redis_url, **settings})) as bus:
            await bus.client.set(bus.keys.beginning, 0)  # this Redis has long been there: partitions are free at once
            judge = scoring or Threaded(one_by_one(spoken.SCORER))
            model = model or Prompter()
            batcher = Batcher(model, 16, QUEUE_UTTERANCES)
            ear = Recognizer(
                model,
                batcher,
                Phrases.read(SHIPPED_PHRASES),
                feature_threads=1,
                limit=QUEUE_UTTERANCES,
                languages=languages,
            )
            name = f"worker-{secrets.token_hex(4)}"
            reader, held = ForkReader(bus, name), InHand(4 * QUEUE_UTTERANCES) if in_hand is None else in_hand
            decisions = Decisions(Analyst(spoken.RULES, 7, languages, practice_phrases.load()), judge)
            agents = Agents(Loads(bus), load_key, LoadRules()) if load_key else None
            worker = Worker(reader, ear, decisions, held, Contacts(bus, DAYS), agents)
            transcribing, reading = asyncio.create_task(batcher.run()), asyncio.create_task(worker.read())
            told = CountedReader(bus, lambda: reader.held)
            ahead = asyncio.create_task(worker.read_ahead(told))
            try:
                yield Stage(bus, name, ear, held, reading, told)
            finally:
                reading.cancel()
                ahead.cancel()
                await asyncio.wait([reading, ahead])
                await worker.finish(finish_seconds)
                transcribing.cancel()
                await asyncio.wait([transcribing])
                await reader.release()
                await judge.close()
                ear.close()
    assert asyncio.all_tasks() == before
