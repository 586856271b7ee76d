"""The utterances of many calls, written to Redis as a bridge writes them, and the transcripts that come of them.

Open loop: an utterance is sent when it is due, whatever became of the earlier ones. The parties of a call take turns;
between two utterances lie their own length and a pause of random length, as in a conversation that does not overlap.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from callbus import CallClosed, CallOpened, Leg, Role, Transcript, Utterance
from callbus.messages.wire import decode_publication
from callbus.redis.bus import Bus
from callbus.redis.fork_writer import ForkWriter
from testcall import scenario, ulaw, wav

RATE_HZ = 8_000
UTTERANCES_A_SECOND = 0.2
"""Of a two-leg call: half of them the customer's."""
HANGOVER_SECONDS = 0.4
"""After the end of speech a bridge hands an utterance over."""
MARGIN_SECONDS = 0.2
OPENING_SECONDS = 2.0
LAST_SECONDS = 8.0
"""The last transcripts are awaited for so long."""
LEGS = (Leg("1", Role.AGENT, "agent"), Leg("2", Role.CUSTOMER))


@dataclass(slots=True)
class Heard:
    """What became of the utterances of a measured time."""

    seconds: float = 0.0
    sent: int = 0
    latencies: dict[Role, list[float]] = field(default_factory=lambda: {Role.CUSTOMER: [], Role.AGENT: []})
    """From the end of speech until its transcript arrives here."""
    left_out: dict[Role, int] = field(default_factory=lambda: {Role.CUSTOMER: 0, Role.AGENT: 0})
    unanswered: int = 0
    late: list[float] = field(default_factory=list)
    """How much later than due each utterance was sent."""

    def quantile(self, role: Role, share: float) -> float:
        """Of a role's latencies; nan without any."""
        found = sorted(self.latencies[role])
        return found[int(share * (len(found) - 1))] if found else float("nan")

    def left_out_percent(self, role: Role) -> float:
        """Of a role's utterances, those without words for overload."""
        told = len(self.latencies[role]) + self.left_out[role]
        return 100 * self.left_out[role] / told if told else 0.0


def clips() -> list[bytes]:
    """The utterances of the scenarios as PCM, 8 kHz."""
    found = []
    for name in sorted(scenario.load_manifest().scenarios):
        spoken = scenario.load_manifest().scenarios[name].turns
        audio = {party: ulaw.decode(wav.read(scenario.load(name).audio_path(party))) for party in scenario.PARTIES}
        for turn in spoken:
            start, end = turn.start_seconds - MARGIN_SECONDS, turn.end_seconds + MARGIN_SECONDS
            found.append(audio[turn.party][int(start * RATE_HZ) : int(end * RATE_HZ)].astype("<i2").tobytes())
    return [clip for clip in found if RATE_HZ < len(clip) < 10 * RATE_HZ]


@dataclass(slots=True)
class _Call:
    call_id: str
    opened_at: float
    first: int
    """Which leg speaks first: calls do not begin all with their agents."""
    sequence: int = 0


class Talk:
    """One bridge's calls. Times are Unix seconds."""

    def __init__(self, bus: Bus, seed: int = 1) -> None:
        self._bus = bus
        self._writer = ForkWriter(bus)
        self._clips = clips()
        self._dice = random.Random(seed)
        self._round = 0
        self._name = secrets.token_hex(4)
        self._due: dict[tuple[str, int], float] = {}
        """When the speech of utterances without a transcript ended."""
        self._answered = asyncio.Event()
        self._measured = Heard()
        self._window = (0.0, 0.0)

    async def play(self, calls: int, settle_seconds: float, seconds: float) -> Heard:
        """Hold so many calls, and tell of the utterances of the last `seconds` of them."""
        self._round += 1
        self._measured, self._due = Heard(seconds), {}
        began = time.time()
        self._window = began + OPENING_SECONDS + settle_seconds, began + OPENING_SECONDS + settle_seconds + seconds
        subscription = self._bus.client.pubsub()
        await subscription.subscribe(self._bus.keys.transcripts)
        tasks = [asyncio.create_task(self._writer.run()), asyncio.create_task(self._listen(subscription))]
        try:
            open_calls = await self._talk([f"{self._name}-{self._round}-{number}" for number in range(calls)])
            self._answered.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_SECONDS):
                    await self._answered.wait()
            self._measured.unanswered = sum(self._is_measured(ended_at) for ended_at in self._due.values())
            for call in open_calls:
                now = time.time()
                self._writer.publish(CallClosed(call.call_id, now, now - call.opened_at, "bye"))
            await self._writer.flush(10)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await subscription.aclose()
        return self._measured

    async def _talk(self, call_ids: Sequence[str]) -> list[_Call]:
        """Open the calls one after the other, and let them speak until the measured time is over."""
        begun = time.time()
        waiting = [
            (begun + OPENING_SECONDS * number / len(call_ids), number, call_id)
            for number, call_id in enumerate(call_ids)
        ]
        heapq.heapify(waiting)
        calls: dict[str, _Call] = {}
        while waiting[0][0] < self._window[1] + HANGOVER_SECONDS:
            at, number, call_id = heapq.heappop(waiting)
            if (left := at - time.time()) > 0:
                await asyncio.sleep(left)
            if call_id in calls:
                clip = self._dice.choice(self._clips)
                self._say(calls[call_id], clip, at - HANGOVER_SECONDS)
                apart = max(0.5, 1 / UTTERANCES_A_SECOND - len(clip) / 2 / RATE_HZ)
                later = len(clip) / 2 / RATE_HZ + self._dice.expovariate(1 / apart)
            else:
                calls[call_id] = _Call(call_id, at, self._dice.randrange(2))
                self._writer.publish(CallOpened(call_id, "bench", at, LEGS))
                later = self._dice.uniform(1.0, 1 / UTTERANCES_A_SECOND)
            heapq.heappush(waiting, (at + later, number, call_id))
        return list(calls.values())

    def _say(self, call: _Call, clip: bytes, ended_at: float) -> None:
        speaks = LEGS[(call.first + call.sequence) % 2]
        end = ended_at - call.opened_at
        start = max(0.0, end - len(clip) / 2 / RATE_HZ)
        self._writer.publish(
            Utterance(call.call_id, speaks.leg_id, speaks.role, call.sequence, start, end, ended_at, RATE_HZ, clip)
        )
        self._due[call.call_id, call.sequence] = ended_at
        call.sequence += 1
        if self._is_measured(ended_at):
            self._measured.sent += 1
            self._measured.late.append(max(0.0, time.time() - ended_at - HANGOVER_SECONDS))

    def _is_measured(self, ended_at: float) -> bool:
        return self._window[0] <= ended_at < self._window[1]

    async def _listen(self, subscription: object) -> None:
        async for message in subscription.listen():  # type: ignore[attr-defined]
            if message["type"] != "message":
                continue
            words = decode_publication(message["data"])
            if not isinstance(words, Transcript):
                continue
            ended_at = self._due.pop((words.call_id, words.sequence), None)
            if not self._due:
                self._answered.set()
            if ended_at is None or not self._is_measured(ended_at):
                continue
            if words.dropped == "overload":
                self._measured.left_out[words.role] += 1
            else:
                self._measured.latencies[words.role].append(time.time() - ended_at)
