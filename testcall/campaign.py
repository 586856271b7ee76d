"""Many calls: so many at once, so many a second, once or over and over."""

import asyncio
import itertools
import resource
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import Final

from testcall.dialect import Dialect
from testcall.digest import Credentials
from testcall.endpoint import Endpoint
from testcall.metadata import load_dialect
from testcall.placed_call import Ending, Outcome, PlacedCall
from testcall.rtp import Lateness, RtpSender
from testcall.scenario import Scenario, load
from testcall.target import Target, parse_target

RETRY_SECONDS: Final = 2.0
"""With `repeat`: the wait after a failed call, so that an absent bridge is not asked without pause."""

Say = Callable[[str], None]


@dataclass(slots=True)
class Tally:
    """What a campaign came to, in counts: it may run for weeks."""

    endings: Counter[Ending] = field(default_factory=Counter)
    packets_sent: int = 0
    packets_unsent: int = 0
    lateness: Lateness = field(default_factory=Lateness)
    answering: Lateness = field(default_factory=Lateness)
    """From the INVITE to its 200."""

    @property
    def proper(self) -> bool:
        """True if there were calls and each was answered and ended properly."""
        return bool(self.endings) and set(self.endings) <= {Ending.COMPLETED, Ending.HUNG_UP}

    def add(self, outcome: Outcome) -> None:
        self.endings[outcome.ending] += 1
        if outcome.answered_at is not None:
            self.answering.add(outcome.answered_at - outcome.started_at, 1)
        self.packets_sent += sum(outcome.packets_sent.values())
        self.packets_unsent += outcome.packets_unsent


@dataclass(frozen=True, slots=True)
class Campaign:
    scenarios: Sequence[Scenario]
    target: Target
    dialect: Dialect
    transport: str = "tcp"
    calls: int = 1
    """How many in all; with `repeat`, how many at once."""
    calls_per_second: float = 1.0
    credentials: Credentials | None = None
    repeat: bool = False
    """Replace each call that ends by another one, until cancelled."""

    async def run(self, say: Say, tally: Tally) -> None:
        """Places the calls, telling their progress by lines; cancelled, it hangs up all of them first."""
        numbers = itertools.count(1)
        scenarios = itertools.cycle(self.scenarios)
        async with line_to(self.target, self.transport) as (endpoint, sender):
            tally.lateness = sender.lateness
            try:
                async with asyncio.TaskGroup() as group:
                    began = time.monotonic()
                    for place in range(self.calls):
                        await asyncio.sleep(max(0.0, began + place / self.calls_per_second - time.monotonic()))
                        group.create_task(self._keep_busy(scenarios, numbers, endpoint, sender, say, tally))
            finally:
                tally.packets_sent -= sender.unsent
                tally.packets_unsent += sender.unsent

    async def _keep_busy(
        self,
        scenarios: Iterator[Scenario],
        numbers: Iterator[int],
        endpoint: Endpoint,
        sender: RtpSender,
        say: Say,
        tally: Tally,
    ) -> None:
        while True:
            number = next(numbers)
            call = PlacedCall(next(scenarios), self.target, endpoint, sender, self.dialect, number, self.credentials)
            name = f"call {number} {call.scenario.name}"
            say(f"{name}: calling {self.target.uri} ({call.call_id})")
            try:
                outcome = await call.run()
            finally:
                tally.add(call.outcome)
                say(f"{name}: {_describe(call.outcome)}")
            if not self.repeat:
                return
            if not outcome.proper:
                await asyncio.sleep(RETRY_SECONDS)


async def place_once(name: str, target: str, transport: str = "tcp", dialect: str = "rfc7865") -> Outcome:
    """Places one call of a scenario and returns when it has ended: the whole use of this package in a line."""
    where, scenario, how = parse_target(target), load(name), load_dialect(dialect)
    async with line_to(where, transport) as (endpoint, sender):
        return await PlacedCall(scenario, where, endpoint, sender, how).run()


@asynccontextmanager
async def line_to(target: Target, transport: str) -> AsyncIterator[tuple[Endpoint, RtpSender]]:
    """The endpoint and the running sender that calls share. Should the sender fail, so do they."""
    with closing(RtpSender()) as sender:
        async with Endpoint((target.host, target.port), transport) as endpoint, asyncio.TaskGroup() as group:
            sending = group.create_task(sender.run(), name="rtp-sender")
            try:
                yield endpoint, sender
            finally:
                sending.cancel()


def _describe(outcome: Outcome) -> str:
    """One line about how a call ended."""
    line = f"{outcome.ending}" + (f" ({outcome.detail})" if outcome.detail else "")
    if outcome.answered_at is None or outcome.ended_at is None:
        return line
    packets = ", ".join(f"{party} {count}" for party, count in outcome.packets_sent.items())
    unsent = f", {outcome.packets_unsent} unsent" if outcome.packets_unsent else ""
    return f"{line} after {outcome.ended_at - outcome.answered_at:.1f} s, packets: {packets}{unsent}"


def allow_many_sockets() -> None:
    """Lets this process open as many sockets as the system permits: a call needs one for each leg."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
