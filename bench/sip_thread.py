"""`make bench-sip`: how long one message holds the bridge's SIP thread, and what a call costs it.

All SIP waits while the thread reads one message. A bridge runs on one core. Each kind of hostile message (`hostile`) is
sent to it alone, several times, with an OPTIONS from another source right behind it. A message's cost is the thread's
CPU time from before the message until its answer, less that of an idle thread and the OPTIONS. Unlike the round trips,
it does not depend on what else the machine does. The end of a call that the message started is not included.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import socket
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from bench import hostile
from bench.hostile import Dialog, Hostile, Sender
from bench.load import holding, short_calls
from bench.subject import Process, Subject, bridge
from bench.table import Row, row, show
from sip_bridge.pjsip.rtp_source import RtpSources, drops
from testcall.campaign import Tally, allow_many_sockets

TARGET_SECONDS = 0.010
ANSWER_SECONDS = 0.3
"""An answer not there by then will not come; the message was read long before."""
LONG_SECONDS = 5.0
"""Time allowed for the OPTIONS behind a message."""
WARM_UP = 400
"""OPTIONS requests that reveal the SIP thread among the bridge's threads."""
IDLE_SECONDS = 1.0
SHORT_CALLS_PER_SECOND = 50.0
HELD_SECONDS = 4.0
SOURCES = 500
"""Open calls while the RTP sources are measured."""
_PROVISIONAL = re.compile(rb"\ASIP/2\.0 1.*?\r\n\r\n", re.DOTALL)
USERS = '{"recorder": "secret"}'


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost of one kind of message."""

    cpu_seconds: float
    """CPU time of the SIP thread for one message: the median."""
    behind_seconds: float
    """The longest round trip of the OPTIONS behind it, less an idle one."""
    turn_seconds: float
    """Upper bound of the longest turn of the library, from the bridge's own histogram."""
    answer: str
    """The status of its latest answer; `none` without one."""


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="make bench-sip", description=__doc__.partition("\n\n")[0] if __doc__ else "")
    parser.add_argument("--times", type=int, default=7, help="how often each kind is sent (default: %(default)s)")
    parser.add_argument("--only", default="", help="only kinds whose name contains this (default: all)")
    parser.add_argument("--calls", type=int, default=300, help="held beside new ones (default: %(default)s)")
    parser.add_argument("--short-calls", type=int, default=500, help="new calls; 0 for none (default: %(default)s)")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[1:] or cores)
    allow_many_sockets()
    chosen = [kind for kind in hostile.kinds() if options.only in kind.name]
    rows: list[Row] = []
    for digest in (False, True):
        asked = [kind for kind in chosen if kind.digest is digest]
        if asked:
            rows += messages(asked, options.times, **({"DIGEST_USERS": USERS} if digest else {}))
    if rows:
        worst = max(rows, key=lambda each: each.value)
        rows.append(row("the longest of all", worst.value, "ms", worst.metric, at_most=1000 * TARGET_SECONDS))
    if options.short_calls:
        rows += calls(options.calls, options.short_calls)
    rows.append(rtp_sources(SOURCES))
    show(rows)


def messages(kinds: Sequence[Hostile], times: int, **settings: str) -> list[Row]:
    """The rows of these kinds, measured on a bridge with these settings."""
    rows = []
    with bridge(**settings) as subject, attack(subject) as attacker:
        for kind in kinds:
            cost = attacker.cost(kind, times)
            conditions = (
                f"{kind.transport}, {times} times, answer {cost.answer}; turn ≤ {1000 * cost.turn_seconds:g} ms, "
                f"OPTIONS behind it {1000 * cost.behind_seconds:.1f} ms"
            )
            rows.append(row(kind.name, 1000 * cost.cpu_seconds, "ms", conditions, at_most=1000 * TARGET_SECONDS))
            _say(f"{kind.name}: {1000 * cost.cpu_seconds:.2f} ms, {conditions}")
    return rows


class Attacker:
    """Sends messages to one bridge and watches its SIP thread."""

    def __init__(self, subject: Subject, probe: socket.socket) -> None:
        self._process: Process = subject.processes[0]
        self._address = ("127.0.0.1", subject.sip_port)
        self._probe = probe
        self._number = 0
        self._thread = self._found()
        self._idle_share, self._probe_cpu, self._probe_seconds = self._idle()

    def cost(self, kind: Hostile, times: int) -> Cost:
        """The cost of such a message."""
        turns = self._turns()
        sent = [self._sent(kind) for _ in range(times)]
        longer = {bound for bound, count in self._turns().items() if count > turns.get(bound, 0)}
        return Cost(
            statistics.median(cpu for cpu, _, _ in sent) / kind.answers,
            max(behind for _, behind, _ in sent),
            max(longer, default=0.0),
            sent[-1][2],
        )

    def _sent(self, kind: Hostile) -> tuple[float, float, str]:
        with closing(_connected(kind.transport, self._address)) as own:
            sender = self._sender(kind.transport, own)
            dialog = self._begun(own, sender) if kind.within else None
            sender = Sender(kind.transport, sender.host, sender.port, self._next(), dialog)
            message = kind.message(sender)
            self._ask()  # the bridge has finished its pending work
            before, cpu = time.monotonic(), self.cpu()
            own.sendall(message)
            behind = self._ask()
            answer = _answer(own, kind.answers)
            self._ask()
            spent, took = self.cpu() - cpu, time.monotonic() - before
            self._end(own, sender, answer)
        status = re.match(rb"SIP/2.0 (\d+)", answer)
        spent -= 2 * self._probe_cpu + took * self._idle_share
        return max(0.0, spent), max(0.0, behind - self._probe_seconds), status[1].decode() if status else "none"

    def _begun(self, own: socket.socket, sender: Sender) -> Dialog:
        own.sendall(hostile.request("INVITE", sender))
        answer = _answer(own)
        dialog = Dialog(f"hostile-{sender.transport}-{sender.port}-{sender.number}", _tag(answer))
        self._acknowledge(own, sender, answer)
        return dialog

    def _end(self, own: socket.socket, sender: Sender, answer: bytes) -> None:
        """Hang up an answered call."""
        if sender.dialog is None:
            if not re.match(rb"SIP/2.0 200.*CSeq: 1 INVITE", answer, re.DOTALL):
                return
            self._acknowledge(own, sender, answer)
        dialog = sender.dialog or Dialog(f"hostile-{sender.transport}-{sender.port}-{sender.number}", _tag(answer))
        with closing(_connected(sender.transport, self._address)) as another:  # the bridge may have closed ours
            for method in ("ACK", "BYE"):
                request = Sender(sender.transport, sender.host, sender.port, self._next(), dialog)
                another.sendall(hostile.request(method, request))
            _answer(another)

    def _acknowledge(self, own: socket.socket, sender: Sender, answer: bytes) -> None:
        call_id = f"hostile-{sender.transport}-{sender.port}-{sender.number}"
        dialog = Dialog(call_id, _tag(answer), 0)
        own.sendall(hostile.request("ACK", Sender(sender.transport, sender.host, sender.port, self._next(), dialog)))

    def _ask(self) -> float:
        """The round trip of an OPTIONS."""
        sender = self._sender("udp", self._probe)
        began = time.monotonic()
        self._probe.send(hostile.request("OPTIONS", sender))
        self._probe.settimeout(LONG_SECONDS)
        wanted = f"hostile-udp-{sender.port}-{sender.number}\r\n".encode()
        while wanted not in self._probe.recv(65_536):
            pass
        return time.monotonic() - began

    def _idle(self) -> tuple[float, float, float]:
        """The thread's share of a core without messages, and the CPU time and round trip of an OPTIONS, in seconds."""
        cpu, began = self.cpu(), time.monotonic()
        time.sleep(IDLE_SECONDS)
        share = (self.cpu() - cpu) / (time.monotonic() - began)
        cpu, began = self.cpu(), time.monotonic()
        trips = [self._ask() for _ in range(50)]
        spent = self.cpu() - cpu - share * (time.monotonic() - began)
        return share, max(0.0, spent) / len(trips), statistics.median(trips)

    def _found(self) -> int:
        before = self._process.threads()
        for _ in range(WARM_UP):
            self._ask()
        return max(self._process.threads().items(), key=lambda each: each[1] - before.get(each[0], 0.0))[0]

    def cpu(self) -> float:
        """CPU seconds of the SIP thread so far."""
        return self._process.threads()[self._thread]

    def _turns(self) -> dict[float, float]:
        """Turns of the library by the upper bound of their length, each counted once."""
        page = self._process.metrics()
        found = re.findall(r'^callvane_sip_thread_held_seconds_bucket\{le="([^"]+)"\} (\S+)$', page, re.M)
        total, turns = 0.0, {}
        for bound, count in found:
            turns[float(bound)], total = float(count) - total, float(count)
        return turns

    def _sender(self, transport: str, own: socket.socket) -> Sender:
        host, port = own.getsockname()
        return Sender(transport, host, port, self._next())

    def _next(self) -> int:
        self._number += 1
        return self._number


@contextmanager
def attack(subject: Subject) -> Iterator[Attacker]:
    """An attacker with a socket for its OPTIONS."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.connect(("127.0.0.1", subject.sip_port))
        yield Attacker(subject, probe)


def calls(held: int, short: int) -> list[Row]:
    """The thread's cost of new calls beside held ones."""
    _say(f"{short} new calls beside {held}")
    with bridge() as subject, attack(subject) as attacker:
        thread, tally = asyncio.run(beside(subject, attacker, held, short))
    endings = ", ".join(f"{count} {ending}" for ending, count in sorted(tally.endings.items()))
    conditions = (
        f"{short} calls of a second, {SHORT_CALLS_PER_SECOND:g} a second, beside {held} held: {endings}, "
        f"answered within {1000 * tally.answering.quantile_seconds(0.99):.0f} ms (p99)"
    )
    return [row("a call: set up, watched, ended", 1000 * thread, "ms", conditions)]


async def beside(subject: Subject, attacker: Attacker, held: int, short: int) -> tuple[float, Tally]:
    """The thread's CPU time for a new call, less that of the held ones; how the new ones ended."""
    async with holding(subject, held):
        cpu, began = attacker.cpu(), time.monotonic()
        await asyncio.sleep(HELD_SECONDS)
        share = (attacker.cpu() - cpu) / (time.monotonic() - began)
        cpu, began = attacker.cpu(), time.monotonic()
        tally, _ = await short_calls(subject, short, SHORT_CALLS_PER_SECOND)
        spent = attacker.cpu() - cpu - share * (time.monotonic() - began)
    return spent / short, tally


def rtp_sources(count: int) -> Row:
    """Cost of setting and checking the source of a call's two streams once, among the sockets of many calls."""
    with ExitStack() as held:
        opened = [held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(2 * count)]
        for each in opened:
            each.bind(("127.0.0.1", 0))
        began = time.thread_time()
        for first, second in zip(opened[::2], opened[1::2], strict=True):
            sources = RtpSources("strict")
            for index, each in enumerate((first, second)):
                sources.expect(index, each.fileno(), "127.0.0.1:4000")
                sources.inspect(index, "127.0.0.1:4000", drops(each))
        spent = (time.thread_time() - began) / count
    conditions = f"two streams each, told and looked at once, {count} calls open"
    return row("rtp_source, a call", 1000 * spent, "ms", conditions, at_most=0.2)


def _connected(transport: str, address: tuple[str, int]) -> socket.socket:
    if transport == "tcp":
        return socket.create_connection(address)
    own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    own.connect(address)
    return own


def _answer(own: socket.socket, count: int = 1) -> bytes:
    """What comes back until `count` final responses, or silence."""
    found, deadline = b"", time.monotonic() + ANSWER_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        own.settimeout(left)
        try:
            chunk = own.recv(262_144)
        except OSError:
            break
        if not chunk:
            break
        found = _PROVISIONAL.sub(b"", found + chunk)
        if found.count(b"\r\n\r\n") >= count:
            break
    return found


def _tag(answer: bytes) -> str:
    found = re.search(rb"^To:.*;tag=([^;\s]+)", answer, re.M | re.I)
    return found[1].decode() if found else "none"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
