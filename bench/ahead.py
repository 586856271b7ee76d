"""What reading ahead of the pause saves and wastes: one call at a time, in real time, with and without it.

`python -m bench.ahead [--model NAME] [--calls N] [CUSTOMER.wav AGENT.wav]` plays the shipped scenarios, or a recorded
call, to a whole Callvane on this machine. The latency is from the last voiced frame to the transcript's publication; in
a recorded call it has a long tail, because speech of 12 s is cut where it was quietest, seconds before.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
import urllib.request
from pathlib import Path

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from callbus import CallState, Phase, Transcript
from callbus.redis.bus import Bus
from callbus.redis.settings import RedisSettings
from callbus.redis.subscription import Subscription
from sip_bridge.settings import BridgeSettings
from testcall import scenario
from testcall.campaign import line_to
from testcall.metadata import Party, load_dialect
from testcall.placed_call import PlacedCall
from testcall.scenario import Scenario
from testcall.stack import Stack
from testcall.target import parse_target

PREFIX = "callvane_"
SHOWN = ("utterances_read_ahead_total", "read_ahead_wasted_seconds_total", "audio_transcribed_seconds_total")
LAST_SECONDS = 10.0
"""For what is still to come after a call's end."""


class Recorded(Scenario, frozen=True, kw_only=True):
    """A call of which there are two WAV files."""

    wavs: dict[Party, Path]

    def audio_path(self, party: Party) -> Path:
        """Its file, for one party."""
        return self.wavs[party]


def main() -> None:
    """Measure without reading ahead, then with it."""
    parser = argparse.ArgumentParser(prog="python -m bench.ahead", description=__doc__)
    parser.add_argument("--model", default="base", help="as analysis.model (default: %(default)s)")
    parser.add_argument("--calls", type=int, default=1, help="calls at a time (default: %(default)s)")
    parser.add_argument("--ahead", type=float, action="append", help="bridge.ahead_seconds (default: 0 and 0.2)")
    parser.add_argument("--scenario", action="append", choices=scenario.names(), help="default: all, one by one")
    parser.add_argument("wavs", type=Path, nargs="*", help="a customer's and an agent's WAV file, 8 kHz mono")
    options = parser.parse_args()
    calls = [scenario.load(name) for name in options.scenario or scenario.names()]
    if options.wavs:
        customer, agent = options.wavs
        first = calls[0]
        fields = {name: getattr(first, name) for name in first.__struct_fields__}
        calls = [Recorded(**fields, wavs={"customer": customer, "agent": agent})]
    for ahead in options.ahead or (0.0, 0.2):
        asyncio.run(_measure(options.model, options.calls, calls, ahead))


async def _measure(model: str, at_a_time: int, calls: list[Scenario], ahead: float) -> None:
    settings = {"CALLVANE_ANALYSIS__MODEL": model, "CALLVANE_BRIDGE__AHEAD_SECONDS": str(ahead)}
    latencies: list[float] = []
    async with Stack(lambda line: None, settings) as stack, Bus(RedisSettings(url=stack.redis_url)) as bus:
        following = asyncio.create_task(_follow(bus, latencies))
        began = time.monotonic()
        for each in calls:
            await asyncio.gather(*(_place(each, stack.target) for _ in range(at_a_time)))
        await asyncio.sleep(LAST_SECONDS)
        seconds = time.monotonic() - began
        following.cancel()
        read = await asyncio.to_thread(figures, stack.metrics_url("analysis"))
        told = await asyncio.to_thread(figures, stack.metrics_url("sip_bridge"))
    p50, p95 = np.percentile(latencies, (50, 95))
    print(f"ahead_seconds = {ahead}: {len(latencies)} transcripts in {seconds:.0f} s, load {os.getloadavg()[0]:.1f}")
    print(f"  end of speech to transcript: p50 {p50:.3f} s, p95 {p95:.3f} s")
    count, total = read["read_ahead_saved_seconds_count"], read["read_ahead_saved_seconds_sum"]
    print(f"  saved: {total / count if count else 0:.3f} s on average, over {count:.0f} utterances")
    for name, value in sorted((read | told).items()):
        if name.startswith(SHOWN) or name.startswith("utterances_told_ahead_total"):
            print(f"  {name} {value:.6g}")


async def _place(call: Scenario, target: str) -> None:
    where, how = parse_target(target), load_dialect("rfc7865")
    async with line_to(where, "tcp") as (endpoint, sender):
        await PlacedCall(call, where, endpoint, sender, how).run()


async def _follow(bus: Bus, latencies: list[float]) -> None:
    opened: dict[str, float] = {}
    async for event in Subscription(bus, [bus.keys.calls, bus.keys.transcripts]).events():
        match event.message if event else None:
            case CallState() as state if state.phase is Phase.ACTIVE:
                opened[state.call_id] = state.opened_at
            case Transcript() as said if said.call_id in opened and not said.dropped:
                spoken_at = opened[said.call_id] + said.end_seconds - BridgeSettings().tail_seconds
                latencies.append(said.published_at - spoken_at)


def figures(url: str) -> dict[str, float]:
    """A process's own metrics, by name and labels."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    return {
        sample.name.removeprefix(PREFIX) + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith(PREFIX) and "le" not in sample.labels
    }


if __name__ == "__main__":
    main()
