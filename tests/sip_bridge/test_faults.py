"""What a bridge does about faults of its own: a callback that raises, a thread or task that dies or stands still."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import signal
import time

import pjsua2 as pj
import pytest

from callbus import CallClosed
from sip_bridge.pjsip.account import Account
from sip_bridge.pjsip.dialog import Dialog
from sip_bridge.pjsip.door import Door
from sip_bridge.pjsip.library import Library
from testcall.endpoint import Endpoint
from tests.sip_bridge.running import WAIT_SECONDS, Recorder, RunningBridge, program, recorder, told, until, utterances
from tests.sip_bridge.speaking import sentence

RAISING = """
import functools, sys
from service.process import main
from sip_bridge.pjsip import callback

guarded, fault = callback.guarded, sys.argv[1]

def broken(callback):
    @functools.wraps(callback)
    def raises(self, *parameters):
        if callback.__name__ == fault and getattr(self, "peer", "127.0.0.2") == "127.0.0.2":
            raise RuntimeError("a fault in our own code")
        return callback(self, *parameters)
    return guarded(raises)

callback.guarded = broken
from sip_bridge import bridge
from sip_bridge.request import description
from sip_bridge.pjsip import door
from sip_bridge.pjsip.endpoint import Endpoint
from sip_bridge.settings import SipBridgeSettings

def no(*arguments): raise RuntimeError("a fault in our own code")

def once(work):
    times = []
    def breaks(*arguments):
        times.append(1)
        return no() if len(times) == 1 else work(*arguments)
    return breaks

if fault == "onDescription": description.readable = no
if fault == "onRequest":
    judge = Endpoint.judge
    Endpoint.judge = lambda self, request: no() if request.address == "127.0.0.2" else judge(self, request)
if fault == "inspection":
    from sip_bridge.pjsip.dialog import Dialog
    inspect = Dialog.inspect
    Dialog.inspect = lambda self, now: no() if self.peer == "127.0.0.2" else inspect(self, now)
if fault == "settling":
    from sip_bridge.admission.admission import Admission
    Admission.settle = once(Admission.settle)
if fault == "report":
    from sip_bridge.pjsip.library import Library
    Library.report = no
if fault == "command":
    from sip_bridge.pjsip.account import Account
    taken = Account._answer
    Account._answer = lambda self, dialog: (taken(self, dialog), self._context.later(no))
if fault == "listening":
    from sip_bridge.hearing.heard_call import Call
    Call.utterances = no
if fault == "publishing":
    from callbus.redis.fork_writer import ForkWriter
    ForkWriter.publish = once(ForkWriter.publish)
sys.exit(main("sip_bridge", "", SipBridgeSettings, bridge.run, 0, []))
"""
"""A bridge with a fault in one place, for the dialogs of 127.0.0.2 where it is one dialog's."""

CALLBACKS = (
    "onCallState", "onCallTsxState", "onCallRxOffer", "onCallMediaState", "onCallSdpCreated", "onStreamDestroyed",
    "onTransportState", "onRequest",
)  # fmt: skip
OWN = ("inspection", "settling", "report", "command", "onDescription")


def faults(running: RunningBridge, kind: str) -> float:
    """How many have been survived."""
    return running.metric(f'callvane_faults_total{{type="{kind}"}}')


@pytest.mark.parametrize("fault", [*CALLBACKS, *OWN])
async def test_a_fault_costs_no_other_call(redis_url: str, fault: str) -> None:
    """It is counted and logged; another call is heard to its end, and nothing is left of the call that it struck."""
    with program(("-c", RAISING, fault), redis_url, rtp_timeout_seconds=0) as running:
        async with (
            Endpoint(running.address, "tcp", "127.0.0.2") as afar,
            recorder(running, "goes-on") as placed,
        ):
            response = await placed.invite(placed.offer(""))
            await afar.transport.connect()
            with contextlib.closing(Recorder(afar, "struck")) as struck:
                if (await struck.invite(struck.offer(""))).status == 200:
                    await struck.invite(struck.offer(""))
                    while fault == "inspection" and not faults(running, fault):
                        await asyncio.sleep(0.1)
                    await struck.ask("BYE")
            await asyncio.to_thread(until, lambda: faults(running, fault) > 0, running.lines)
            await placed.play(response, sentence("customer"))
            assert (await placed.ask("BYE")).status == 200
            events = await asyncio.to_thread(running.closed, "goes-on")
        assert utterances(events)
        until(lambda: running.metric("callvane_calls_active") == 0, running.lines)
        assert sum(f"{fault} failed" in line for line in running.lines) == 1
        assert any("a fault in our own code" in line for line in running.lines)
        assert running.stop() == 0


def test_every_callback_is_guarded() -> None:
    """Whatever the library calls of ours; two of the door answer in the place of what broke."""
    for director in (Account, Dialog, Door, Library):
        for name, method in vars(director).items():
            if name.startswith("on") and inspect.isfunction(method):
                assert hasattr(method, "__wrapped__") or director is Door, f"{director.__name__}.{name}"
                assert any(hasattr(base, name) for base in (pj.Account, pj.Call, pj.Door, pj.Endpoint)), name


@pytest.mark.parametrize("fault", ["listening", "publishing"])
async def test_a_call_whose_words_break_still_ends(redis_url: str, fault: str) -> None:
    """Its last message comes, whatever broke before it: no board shows it for ever."""
    with program(("-c", RAISING, fault), redis_url) as running:
        async with recorder(running, "broken-words") as placed:
            await placed.invite(placed.offer(""))
            await placed.ask("BYE")
        assert isinstance(running.closed("broken-words")[-1], CallClosed)
        assert faults(running, fault) > 0


DYING = """
import signal, sys, time
from threading import Event
from service.process import main
from sip_bridge import bridge
from sip_bridge.hearing.listener import Listener
from sip_bridge.settings import SipBridgeSettings

part, struck = sys.argv[1], Event()
signal.signal(signal.SIGUSR1, lambda *_: struck.set())

def strikes(work, how=None):
    def works(*arguments):
        if struck.is_set():
            how() if how else exec("raise RuntimeError('a fault in our own code')")
        return work(*arguments)
    return works

def strikes_later(work):
    async def works(self, *arguments):
        if struck.is_set(): raise RuntimeError("a fault in our own code")
        return await work(self, *arguments)
    return works

if part == "the sip thread": bridge.Endpoint._turn = strikes(bridge.Endpoint._turn)
if part == "the listener": Listener._obey = strikes(Listener._obey)
if part == "the listener, silent": Listener._obey = strikes(Listener._obey, sys.exit)
if part == "the watch": bridge._stalled = strikes(bridge._stalled)
if part == "the writer to redis": bridge.ForkWriter._write = strikes_later(bridge.ForkWriter._write)
if part == "the loop":
    import asyncio
    def ends(): sys.exit(0)
    start = bridge.Endpoint.start
    async def exits():
        while not struck.is_set(): await asyncio.sleep(0.02)
        sys.exit(0)
    drain, run = bridge._drain, bridge.run
    async def runs(settings, process):
        task = asyncio.create_task(exits())
        await run(settings, process)
    bridge.run = runs
if part == "hangs":
    bridge.STALL_SECONDS, going = 1.0, Event()
    signal.signal(signal.SIGUSR2, lambda *_: going.set())
    Listener._obey = strikes(Listener._obey, going.wait)
sys.exit(main("sip_bridge", "", SipBridgeSettings, bridge.run, 0, []))
"""
"""A bridge of which one part breaks at SIGUSR1."""


@pytest.mark.parametrize(
    ("part", "line", "reason"),
    [
        ("the sip thread", "the sip thread died of RuntimeError: a fault in our own code", "shutdown"),
        ("the listener", "the listener died of RuntimeError: a fault in our own code", "shutdown"),
        ("the listener, silent", "the listener died of SystemExit: ", "shutdown"),
        ("the watch", "the watch died of RuntimeError: a fault in our own code", "shutdown"),
        ("the writer to redis", "the writer to redis died of RuntimeError: a fault in our own code", ""),
        ("the loop", "unexpected error, exiting", "shutdown"),
    ],
)
async def test_a_part_that_dies_ends_the_bridge_and_its_calls(
    redis_url: str, part: str, line: str, reason: str
) -> None:
    """The PBX gets its BYE, analysis what was said and the end, the log the part's name, the shell status 1."""
    with program(("-c", DYING, part), redis_url, drain_seconds=600) as running:
        async with recorder(running, "hung-up") as placed, recorder(running, "second") as other:
            response = await placed.invite(placed.offer(""))
            await placed.play(response, sentence("customer"))
            await asyncio.to_thread(until, lambda: utterances(running.events("hung-up")), running.lines)
            running.process.send_signal(signal.SIGUSR1)
            if part == "the writer to redis":
                await other.invite(other.offer(""))
            assert await asyncio.to_thread(running.process.wait, WAIT_SECONDS) == 1
            assert [request.method for request in placed.received] == ["BYE"]
        assert part == "the loop" or any(f"{line}; stopping" in said for said in running.lines)
        assert line in "".join(running.lines)
        last = running.events("hung-up")[-1]
        assert not reason or (isinstance(last, CallClosed) and last.reason == reason)


async def test_a_listener_that_stands_still_is_told(redis_url: str) -> None:
    """Both /healthz and /readyz say 503 and why, until it goes on; an idle one is none that stands still."""
    with program(("-c", DYING, "hangs"), redis_url) as standing:
        await asyncio.to_thread(time.sleep, 1.5)
        assert told(standing, 200, "ok")
        async with recorder(standing, "unheard") as placed:
            await placed.invite(placed.offer(""))
            standing.process.send_signal(signal.SIGUSR1)
            await asyncio.to_thread(until, lambda: told(standing, 503, "the listener is stuck"), standing.lines)
            standing.process.send_signal(signal.SIGUSR2)
            await asyncio.to_thread(until, lambda: told(standing, 200, "ok"), standing.lines)
            await placed.ask("BYE")
        assert standing.stop() == 0
