"""What a real bridge says of who calls: over real SIP, with a real HTTP server in the place of a CRM."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from callbus import CallOpened, CrmRecord
from testcall.metadata import CallFacts
from tests.analysis.chat import Answer, Model, always, http, model
from tests.conftest import PrivateRedis
from tests.kept import kept
from tests.sip_bridge.recording import ANNA, heard, recording, talk
from tests.sip_bridge.running import RunningBridge, bridge, opened, recorder

NUMBER = "+4930123456"
KEY = "0123456789abcdef"
HASH = "b2f2726b42a6a7344a9335f03cdcde6f"
"""By `printf NUMBER | openssl dgst -sha256 -hmac KEY`."""
KNOWN = always(http(json.dumps({"count": 3, "who": "Dr Weber", "how": f"call {NUMBER}"}).encode()))
RECORD = CrmRecord(3, "Dr Weber", "call [digits]")
FOUND = 'callvane_crm_lookups_total{outcome="found"}'


@pytest.fixture
def facts() -> CallFacts:
    """A call of that number."""
    return CallFacts(customer_aor=f"sip:{NUMBER}@example.com", agent_name="Anna", agent_aor=ANNA)


@asynccontextmanager
async def asking(redis_url: str, answer: Answer, path: str) -> AsyncIterator[tuple[RunningBridge, Model]]:
    """A bridge that asks a CRM."""
    async with model(answer) as crm:
        fields = '{"earlier": "count", "address": "who", "notes": "how"}'
        contacts = {"key": KEY, "lookup_url": f"{crm.url}{path}", "lookup_fields": fields}
        started = bridge(redis_url, contacts, shutdown_seconds=1)
        running = await asyncio.to_thread(started.__enter__)
        try:
            yield running, crm
        finally:
            await asyncio.to_thread(started.__exit__, None, None, None)


@pytest.mark.parametrize("path", ["/{caller}", "/of?tel={number}"])
async def test_a_caller_is_a_hash_and_what_the_crm_says(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, facts: CallFacts, path: str
) -> None:
    """The opening has the hash, a second one the CRM's answer. The number is in the CRM's request, and nowhere else."""
    monkeypatch.setenv("CALLVANE_LOG__LEVEL", "debug")
    async with asking(redis_url, KNOWN, path) as (running, crm):
        async with recording(running, facts=facts) as recorded:
            await talk(recorded)
        first, second = opened(await heard(running, recorded))
        assert (first.caller, first.crm) == (HASH, None)
        assert second == dataclasses.replace(first, crm=RECORD)
        assert [request.line for request in crm.requests] == [
            f"GET /v1{path.format(caller=HASH, number='%2B4930123456')} HTTP/1.1"
        ]
        traces = "".join(running.lines) + running.get("/metrics")[1] + kept(redis_url)
        assert HASH in traces
        assert [word for word in (NUMBER[-7:], KEY) if word in traces] == []
        assert running.metric(FOUND) == 1


async def test_a_call_that_is_over_is_told_nothing_more_of(redis_url: str, facts: CallFacts) -> None:
    """An answer that comes after its end opens nothing anew: the closing stays the call's last message."""
    answering = asyncio.Event()

    async def late(request: object, writer: asyncio.StreamWriter) -> None:
        await answering.wait()
        writer.write(http(b'{"count": 1}'))

    async with asking(redis_url, late, "/{caller}") as (running, _):
        async with recording(running, facts=facts) as recorded:
            pass
        before = await heard(running, recorded)
        answering.set()
        async with asyncio.timeout(20):
            while not await asyncio.to_thread(running.metric, FOUND):
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)
        assert await heard(running, recorded) == before
        assert len(opened(before)) == 1


@pytest.fixture(scope="module")
def hashing(shared_redis: PrivateRedis) -> Iterator[RunningBridge]:
    """A bridge that has a key and asks nobody."""
    with bridge(shared_redis.url, {"key": KEY}, shutdown_seconds=1) as started:
        yield started


async def test_a_caller_who_is_named_later_is_told_then(hashing: RunningBridge, facts: CallFacts) -> None:
    """Metadata in mid-call brings the number; nothing is told again after that."""
    withheld = dataclasses.replace(facts, customer_aor="sip:anonymous@anonymous.invalid")
    async with recording(hashing, facts=withheld) as recorded:
        recorded.facts = dataclasses.replace(recorded.facts, customer_aor=facts.customer_aor)
        assert (await recorded.ask()).status == 200
        assert (await recorded.ask()).status == 200
    openings = opened(await heard(hashing, recorded))
    assert [each.caller for each in openings] == ["", HASH]


async def test_one_number_is_one_caller_however_it_is_written(hashing: RunningBridge, facts: CallFacts) -> None:
    """Two calls, one hash; a withheld number is nobody's."""
    aors = (facts.customer_aor, "tel:+49-30-12.34.56", "sip:anonymous@anonymous.invalid")
    callers = [(await _opening(hashing, dataclasses.replace(facts, customer_aor=aor))).caller for aor in aors]
    assert callers == [HASH, HASH, ""]


@pytest.mark.parametrize(
    ("order", "callers"), [(("customer", "agent"), [HASH, HASH]), (("agent", "customer"), ["", HASH])]
)
async def test_a_plain_fork_names_its_caller_by_a_header(
    hashing: RunningBridge, order: tuple[str, str], callers: list[str]
) -> None:
    """In an INVITE that opens the call or joins it; the number is not passed on."""
    name = f"plain-{order[0]}"
    async with recorder(hashing, f"{name}-1") as one, recorder(hashing, f"{name}-2") as other:
        for placed, leg in zip((one, other), order, strict=True):
            headers = [("X-Call-ID", name), ("X-Leg", leg)]
            if leg == "customer":
                headers.append(("X-Caller", f'"Dr Weber" <sip:{NUMBER}@pbx.example>'))
            assert (await placed.invite(placed.offer(""), "application/sdp", *headers)).status == 200
        for placed in (one, other):
            assert (await placed.ask("BYE")).status == 200
    openings = opened(await asyncio.to_thread(hashing.closed, name))
    assert [openings[0].caller, openings[-1].caller] == callers
    assert NUMBER[-7:] not in "".join(hashing.lines) + kept(hashing.redis_url)


async def test_without_a_key_nobody_is_known_again(redis_url: str, facts: CallFacts) -> None:
    """It is off unless the operator has chosen one."""
    with bridge(redis_url, shutdown_seconds=1) as running:
        assert (await _opening(running, facts)).caller == ""


async def _opening(running: RunningBridge, facts: CallFacts) -> CallOpened:
    facts = dataclasses.replace(facts, session=CallFacts().session)
    async with recording(running, facts=facts) as recorded:
        pass
    return opened(await heard(running, recorded))[0]
