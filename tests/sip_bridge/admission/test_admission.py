"""The one door: as tables with a clock of its own, as a machine of requests in any order, then at a running bridge."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from callbus import Role
from sip_bridge.admission.admission import (
    OVERLOAD_LASTS_SECONDS,
    OVERLOAD_SECONDS,
    REQUESTS_PER_SECOND,
    Admission,
    Condition,
    Refused,
    Request,
    overloaded,
)
from sip_bridge.admission.digest import WRONG_AT_ONCE, Digest
from sip_bridge.admission.peers import Peers
from sip_bridge.admission.places import Limits, Place
from sip_bridge.admission.refusal import Refusal
from sip_bridge.request.fork import ForkReader
from sip_bridge.request.metadata import STANDARD
from sip_bridge.request.roles import AgentRules
from testcall import sdp
from testcall.digest import Credentials, authorization, challenge_of
from testcall.sip import Response
from tests.conftest import PrivateRedis
from tests.sip_bridge.running import RunningBridge, bridge, multipart, recorder, until

NEAR, FAR = "192.0.2.1", "203.0.113.9"
URI = "sip:srs@192.0.2.9"
SBC = Credentials("sbc1", "right")
GUESSER = Credentials("sbc1", "wrong")
FINE = Condition()
METADATA = b"<recording xmlns='urn:ietf:params:xml:ns:recording:1'><session session_id='s'/></recording>"


def door(
    calls: int = 50, calls_a_peer: int = 0, forks_per_second: float = 0, digest: Digest | None = None
) -> Admission:
    """A bridge's, that lets in 192.0.2.0/24 and 2001:db8::/32."""
    reader = ForkReader(AgentRules((), (), "callee"), STANDARD, Role.CUSTOMER, "X-Call-ID", "X-Leg")
    peers = Peers(("192.0.2.0/24", "2001:db8::/32"))
    return Admission(peers, digest, Limits(calls, calls_a_peer, 2 * calls), forks_per_second, reader)


def invite(name: str = "", metadata: bool = False, authorized: str = "") -> bytes:
    """An INVITE with one stream. `name`: of the call that it says it is of."""
    offer = sdp.offer(NEAR, [sdp.OfferedStream(4000, "1")], session=1)
    kind, body = "application/sdp", offer
    if metadata:
        kind = "multipart/mixed;boundary=b"
        body = multipart(("application/sdp", offer), ("application/rs-metadata+xml", METADATA))
    lines = [f"INVITE {URI} SIP/2.0", "Call-ID: 1@192.0.2.1", f"Content-Type: {kind}"]
    lines += [f"X-Call-ID: {name}"] if name else []
    lines += [f"Authorization: {authorized}"] if authorized else []
    return "\r\n".join([*lines, "", ""]).encode() + body


def ask(
    by: Admission, raw: bytes = b"", peer: str = NEAR, condition: Condition = FINE, now: float = 0.0
) -> Refusal | None:
    """What is said of an INVITE."""
    refused = by.judge(Request("INVITE", peer, raw or invite()), condition, now)
    return refused.refusal if refused else None


def enter(by: Admission, raw: bytes = b"", peer: str = NEAR, condition: Condition = FINE) -> Place:
    """An INVITE that is let through, answered and acknowledged."""
    assert ask(by, raw, peer, condition) is None
    admitted = by.entered()
    assert admitted
    by.places.acknowledged(admitted.place)
    return admitted.place


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "SUBSCRIBE", "MESSAGE", "REGISTER", "ACK", "anything"])
def test_who_is_not_allowed_is_refused_whatever_the_method(method: str) -> None:
    """403 from outside the allow-list, before a byte of the message is looked at."""
    refused = door().judge(Request(method, FAR, b"\0"), Condition(), 0.0)
    assert refused == Refused(Refusal.FORBIDDEN)


def test_other_requests_have_a_rate() -> None:
    """A balancer's OPTIONS pass, a flood gets 503 with Retry-After and takes nothing of the peer's forks."""
    by = door(forks_per_second=5)
    answers = [by.judge(Request("OPTIONS", NEAR, b""), Condition(), 0.0) for _ in range(int(REQUESTS_PER_SECOND) + 1)]
    assert answers[:-1] == [None] * int(REQUESTS_PER_SECOND)
    assert answers[-1]
    assert (answers[-1].refusal, answers[-1].headers) == (Refusal.REQUESTS, (("Retry-After", "10"),))
    assert by.places.dialogs == 0
    assert ask(by) is None


def test_new_forks_have_a_rate() -> None:
    """Of each peer, however many places there are."""
    by = door(forks_per_second=2)
    assert [ask(by) for _ in range(3)] == [None, None, Refusal.RATE]
    assert ask(by, peer="192.0.2.2") is None
    assert ask(by, now=1.0) is None


@pytest.mark.parametrize(
    ("condition", "new", "joining"),
    [
        (Condition(), None, None),
        (Condition(draining=True), Refusal.DRAINING, None),
        (Condition(backlogged=True), Refusal.BACKLOG, None),
        (Condition(analysis_overloaded=True), Refusal.ANALYSIS, None),
        (Condition(overloaded=True), Refusal.OVERLOADED, Refusal.OVERLOADED),
    ],
)
def test_half_a_call_is_no_use(condition: Condition, new: Refusal | None, joining: Refusal | None) -> None:
    """What joins a call is taken while the bridge drains, or Redis or analysis is behind; not if it hears no more."""
    by = door()
    enter(by, invite("pbx-1"))
    assert ask(by, invite("pbx-2"), condition=condition) is new
    assert ask(by, invite("pbx-1"), condition=condition) is joining


def test_a_full_bridge_takes_what_joins() -> None:
    """At `max_calls` the second direction of a call is taken, a new call not; with a name it is read no further."""
    by = door(calls=1)
    enter(by, invite("pbx-1"))
    assert ask(by, invite("pbx-2")) is Refusal.CAPACITY
    assert ask(by, invite()) is Refusal.CAPACITY
    enter(by, invite("pbx-1"))
    assert (by.places.calls, by.places.dialogs) == (1, 2)
    assert ask(by, invite("pbx-1")) is Refusal.DIALOGS


def test_metadata_makes_a_fork_a_call_of_its_own() -> None:
    """A header beside recording metadata joins nothing, so it is no way around the limit."""
    by = door(calls=1)
    enter(by, invite("pbx-1"))
    assert ask(by, invite("pbx-1", metadata=True)) is Refusal.CAPACITY


def test_a_fork_that_becomes_no_dialog_gives_its_place_back() -> None:
    """The library may refuse what was let through: with the next request, or the next turn, the place is free."""
    by = door(calls=1)
    assert ask(by) is None
    assert by.places.calls == 1
    assert ask(by) is None
    by.settle()
    assert (by.places.calls, by.places.dialogs, by.entered()) == (0, 0, None)


def test_a_fork_is_read_once() -> None:
    """What was let through brings its offer and its naming to whoever answers it."""
    by = door()
    assert ask(by, invite("pbx-1")) is None
    admitted = by.entered()
    assert admitted
    assert (len(admitted.fork.offer.legs), admitted.fork.naming.call_id) == (1, "pbx-1")
    assert by.entered() is None


@pytest.mark.parametrize(
    "raw", [b"\0", b"INVITE", b"INVITE sip:x SIP/2.0\r\n\r\n", b"\xff" * 100], ids=["nul", "word", "head", "bytes"]
)
def test_what_is_no_invite_is_let_to_the_library(raw: bytes) -> None:
    """Whatever the bytes are, judging them raises nothing; they hold a place for no longer than the library's look."""
    by = door()
    assert ask(by, raw) is None
    by.settle()
    assert by.places.dialogs == 0


def guarded(**limits: float) -> Admission:
    """A door that asks for a password."""
    return door(digest=Digest("callvane", {SBC.user: SBC.password}, ("SHA-256",)), **limits)  # type: ignore[arg-type]


def prove(by: Admission, credentials: Credentials, now: float, peer: str = NEAR) -> Refused | None:
    """What is said of an INVITE that answers its challenge."""
    challenged = by.judge(Request("INVITE", peer, invite()), Condition(), now)
    assert challenged
    assert challenged.refusal is Refusal.CHALLENGED
    response = Response(401, "Unauthorized", challenged.headers)
    header = authorization(challenge_of(response, credentials), "INVITE", URI, credentials, 1)[1]
    return by.judge(Request("INVITE", peer, invite(authorized=header)), Condition(), now)


def test_guesses_are_slowed_where_they_come_from() -> None:
    """After ten wrong passwords an address gets 503 for the right one too, for some time; others feel nothing."""
    by = guarded()
    for _ in range(int(WRONG_AT_ONCE)):
        refused = prove(by, GUESSER, 0.0)
        assert refused
        assert refused.refusal is Refusal.CREDENTIALS
    for credentials in (GUESSER, SBC):
        assert prove(by, credentials, 0.0) == Refused(Refusal.GUESSES)
    assert Refused(Refusal.GUESSES).headers == (("Retry-After", "10"),)
    assert prove(by, SBC, 0.0, "192.0.2.2") is None
    assert prove(by, SBC, 11.0) is None


def test_challenges_have_a_rate() -> None:
    """Who asks and never proves anything is not challenged without end, and spends none of its forks."""
    by = guarded(forks_per_second=2)
    asked = [ask(by) for _ in range(5)]
    assert asked == [Refusal.CHALLENGED] * 4 + [Refusal.RATE]
    assert by.places.dialogs == 0


@pytest.mark.parametrize(
    ("round_seconds", "ago", "is_overloaded"),
    [
        (0.0, 0.0, False),
        (OVERLOAD_SECONDS, 0.0, False),
        (OVERLOAD_SECONDS + 0.1, 0.0, True),
        (OVERLOAD_SECONDS + 0.1, OVERLOAD_LASTS_SECONDS - 0.1, True),
        (OVERLOAD_SECONDS + 0.1, OVERLOAD_LASTS_SECONDS, False),
        (60.0, 3_600.0, False),
    ],
)
def test_an_overload_is_over_some_time_after_the_last_round(
    round_seconds: float, ago: float, is_overloaded: bool
) -> None:
    """The last round of the last call may have been late: that keeps no fork away for ever."""
    assert overloaded(round_seconds, 1_000.0 - ago, 1_000.0) is is_overloaded


class Asking(RuleBasedStateMachine):
    """Requests of all sorts, of which some become dialogs, which are acknowledged and end, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.door = door(calls=6, calls_a_peer=4, forks_per_second=30)
        self.now = 0.0
        self.held: list[Place] = []
        self.waits = False

    @rule(
        method=st.sampled_from(["INVITE", "INVITE", "INVITE", "OPTIONS"]),
        peer=st.sampled_from([NEAR, "192.0.2.2", "2001:db8::1", "2001:db8::2", FAR]),
        name=st.sampled_from(["", "a", "b"]),
        metadata=st.booleans(),
        condition=st.builds(Condition, *[st.booleans()] * 3),
    )
    def ask(self, method: str, peer: str, name: str, metadata: bool, condition: Condition) -> None:
        """A request comes."""
        refused = self.door.judge(Request(method, peer, invite(name, metadata)), condition, self.now)
        assert refused is None or refused.refusal.status in (403, 503)
        assert refused is None or refused.refusal.status == 403 or refused.headers
        self.waits = method == "INVITE" and refused is None

    @rule()
    def enter(self) -> None:
        """What was let through becomes a dialog."""
        admitted = self.door.entered()
        assert (admitted is not None) is self.waits
        self.waits = False
        if admitted:
            self.held.append(admitted.place)

    @rule()
    def turn(self) -> None:
        """The library has done its turn."""
        self.door.settle()
        self.waits = False

    @precondition(lambda self: self.held)
    @rule(data=st.data(), acknowledged=st.booleans())
    def go(self, data: st.DataObject, acknowledged: bool) -> None:
        """A dialog ends, acknowledged or not."""
        place = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        if acknowledged:
            self.door.places.acknowledged(place)
        self.door.places.give_back(place)

    @rule(seconds=st.floats(0, 2))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    @invariant()
    def counts_are_exact(self) -> None:
        """A place for each dialog and for what waits to become one; no limit is exceeded."""
        places = self.door.places
        assert places.dialogs == len(self.held) + self.waits <= 12
        assert places.calls <= 6
        assert all(places.of(peer)[0] <= 4 for peer in (NEAR, "192.0.2.2", "2001:db8::1"))

    def teardown(self) -> None:
        """All end: nothing is left."""
        for place in self.held:
            self.door.places.give_back(place)
        self.door.settle()
        places = self.door.places
        assert (places.dialogs, places.calls, places.half_open, len(places)) == (0, 0, 0, 0)


TestAsking = Asking.TestCase


@pytest.fixture(scope="module")
def small(shared_redis: PrivateRedis) -> Iterator[RunningBridge]:
    """A bridge for sixteen calls, of which one peer may leave four unacknowledged."""
    with bridge(shared_redis.url, max_calls=16, shutdown_seconds=0.5) as started:
        yield started


async def test_forks_that_are_never_acknowledged_stop_at_their_share(small: RunningBridge) -> None:
    """A train of INVITEs without ACK gets 503 with Retry-After above a quarter, never 486; all places come back."""
    async with AsyncExitStack() as stack:
        statuses = []
        for number in range(12):
            placed = await stack.enter_async_context(recorder(small, f"silent-{number}", "udp"))
            request = placed.dialog.request("INVITE", (("Content-Type", "application/sdp"),), placed.offer(""))
            with placed.endpoint.transaction(request) as inviting:
                response = await inviting.final(30)
            statuses.append((response.status, response.first("Retry-After")))
            if response.status == 200:
                placed.dialog.answered(response)
                stack.push_async_callback(placed.ask, "BYE")
        assert statuses == [(200, "")] * 4 + [(503, "10")] * 8
        assert small.metric('callvane_forks_total{outcome="refused_peer_half_open"}') == 8
    until(lambda: small.metric("callvane_calls_active") == 0, small.lines)
    async with recorder(small, "after", "udp") as placed:
        assert (await placed.invite(placed.offer(""))).status == 200
        await placed.ask("BYE")


async def test_joining_is_bounded_at_a_running_bridge(small: RunningBridge) -> None:
    """However many dialogs name one call: sixteen are taken, the others get 503; the call is one."""
    async with AsyncExitStack() as stack:
        forks = [await stack.enter_async_context(recorder(small, f"join-{number}", "tcp")) for number in range(18)]
        named = ("X-Call-ID", "one-call"), ("X-Leg", "customer")
        statuses = [(await each.invite(each.offer(""), "application/sdp", *named)).status for each in forks]
        assert statuses == [200] * 16 + [503] * 2
        until(lambda: small.metric("callvane_calls_active") == 1, small.lines)
        for each in forks[:16]:
            assert (await each.ask("BYE")).status == 200
    until(lambda: small.metric("callvane_calls_active") == 0, small.lines)


async def test_without_rtp_ports_a_fork_is_refused_and_the_log_says_why(redis_url: str) -> None:
    """Somebody else has every port of the range: counted by its own name, told in one line that names the settings."""
    with ExitStack() as taken:
        first = next(port for port in range(20_000, 30_000, 4) if _took(taken, port))
        with bridge(redis_url, max_calls=1, rtp_port_min=first, rtp_port_max=first + 3) as running:
            for number in range(3):
                async with recorder(running, f"portless-{number}") as placed:
                    assert (await placed.invite(placed.offer(""))).status == 503
            until(lambda: running.metric('callvane_forks_total{outcome="refused_no_media"}') == 3, running.lines)
            line = await asyncio.to_thread(
                running.logged,
                r"because no RTP port or socket was free: check what else uses",
            )
            assert line
            assert sum("no RTP port or socket was free" in each for each in running.lines) == 1
            assert running.metric("callvane_calls_active") == 0


def _took(taken: ExitStack, first: int) -> bool:
    """Whether four ports from this one on were free; they are taken now."""
    with ExitStack() as stack, contextlib.suppress(OSError):
        for port in range(first, first + 4):
            stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).bind(("127.0.0.1", port))
        taken.push(stack.pop_all())
        return True
    return False
