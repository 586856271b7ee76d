"""`make demo`: everything on this machine with synthetic calls; `make demo ONCE=1`: one call that turns, its alert."""

import argparse
import asyncio
import json
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from callbus import Alert
from callbus.messages.wire import encode_publication
from callbus.redis.bus import Bus
from callbus.redis.settings import RedisSettings
from callbus.redis.subscription import Subscription
from testcall import scenario
from testcall.campaign import Campaign, Tally, place_once
from testcall.metadata import load_dialect
from testcall.stack import Stack, StackError
from testcall.target import parse_target

ONCE_SCENARIO = "turns_angry"
LAST_ALERT_SECONDS = 5.0
"""How long after a call's end its last alert may still arrive."""


def main() -> int:
    """0 in order (with --once: the expected alerts and no other came), 1 otherwise."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="one call, its alert as JSON on standard output")
    parser.add_argument("--calls", type=int, default=4, metavar="N", help="calls at once (default: %(default)s)")
    options = parser.parse_args()
    status = 1
    try:
        status = asyncio.run(_until_signal(_once() if options.once else _demo(options.calls)))
    except* StackError as group:
        _say(str(group.exceptions[0]))
    return status


async def _until_signal(work: Coroutine[Any, Any, int]) -> int:
    """Run `work`; Ctrl-C and SIGTERM cancel it, which stops all that it started."""
    task = asyncio.create_task(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return 130


async def _demo(calls: int) -> int:
    sip_port, console_port = _if_free(5060, socket.SOCK_DGRAM), _if_free(8080, socket.SOCK_STREAM)
    async with Stack(_say, sip_port=sip_port, console_port=console_port) as stack:
        _say(f"the console is at {stack.console_url}")
        _say(f"to read yourself there, dial {stack.softphone} with a softphone on this machine, and speak")
        _say(f"placing {calls} calls at a time to {stack.target}; Ctrl-C stops everything")
        campaign = Campaign(
            [scenario.load(name) for name in scenario.names()],
            parse_target(stack.target),
            load_dialect("rfc7865"),
            calls=calls,
            calls_per_second=0.2,
            repeat=True,
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(campaign.run(_say, Tally()))
                tasks.create_task(_tell(stack))
                tasks.create_task(_watch(stack))
        finally:
            _say("stopping")
    return 0


async def _watch(stack: Stack) -> None:
    raise StackError(f"{await stack.until_one_dies()} ended by itself; see its lines above")


async def _once() -> int:
    expected = list(scenario.load(ONCE_SCENARIO).alerts)
    async with Stack(_say) as stack:
        found: list[Alert] = []
        listening = asyncio.create_task(_collect(stack, found))
        await asyncio.sleep(0.5)  # the subscription stands
        _say(f"placing {ONCE_SCENARIO}, which should raise: {', '.join(expected)}")
        outcome = await place_once(ONCE_SCENARIO, stack.target)
        deadline = time.monotonic() + LAST_ALERT_SECONDS
        while len(found) < len(expected) and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
        listening.cancel()
        await asyncio.wait([listening])
    for alert in found:
        fields = json.loads(encode_publication(alert))
        print(json.dumps({**fields, "latency_seconds": round(alert.raised_at - alert.spoken_at, 3)}, indent=2))
    kinds = [str(alert.kind) for alert in found if not alert.supersedes]
    if not outcome.proper:
        _say(f"the call failed: {outcome.ending} {outcome.detail}")
    if kinds != expected:
        _say(f"expected {', '.join(expected) or 'no alert'}, got {', '.join(kinds) or 'no alert'}")
    return 0 if outcome.proper and kinds == expected else 1


async def _collect(stack: Stack, found: list[Alert]) -> None:
    async for alert in _alerts(stack):
        found.append(alert)


async def _tell(stack: Stack) -> None:
    async for alert in _alerts(stack):
        quote = alert.after[-1].text if alert.after else ""
        _say(f"ALERT {alert.kind} ({alert.tier}) {alert.raised_at - alert.spoken_at:.2f} s after the words: {quote!r}")


async def _alerts(stack: Stack) -> AsyncIterator[Alert]:
    async with Bus(RedisSettings(url=stack.redis_url)) as bus:
        async for event in Subscription(bus, [bus.keys.alerts]).events():
            if event is not None and isinstance(event.message, Alert):
                yield event.message


def _if_free(port: int, kind: socket.SocketKind) -> int:
    """The port, or 0 where somebody has it on loopback."""
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port


def _say(line: str) -> None:
    print(f"demo: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
