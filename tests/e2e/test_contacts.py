"""The whole way of a caller who calls again: real SIP, RTP, Redis, Whisper, and an HTTP server in a CRM's place."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import urllib.request

import pytest

from callbus import Alert, CallState, Contact, CrmRecord
from callbus.redis.bus import Bus
from callbus.redis.settings import RedisSettings
from testcall import scenario, stack
from testcall.campaign import line_to
from testcall.metadata import CallFacts, load_dialect
from testcall.placed_call import PlacedCall
from testcall.stack import PARTS, Stack
from testcall.target import parse_target
from tests.analysis.chat import always, http, model
from tests.e2e.test_scenarios import READING
from tests.kept import kept
from tests.published import until_ended

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

NUMBER = "+4930987654321"
WRITTEN = "sip:+49-30-98.76.54321@example.com"
KEY = "a key that only this test has"
KNOWN = b'{"calls": 12, "who": "Dr Weber", "how": "short answers, call back on +4930 987654321"}'
RECORD = CrmRecord(12, "Dr Weber", "short answers, call back on [digits]")


async def call(running: Stack, name: str, aor: str, seconds: float) -> str:
    """Place a scenario as this caller, for so long; the call's id."""
    target = parse_target(running.target)
    async with line_to(target, "tcp") as (endpoint, sender):
        placed = PlacedCall(scenario.load(name), target, endpoint, sender, load_dialect("rfc7865"))
        placed.facts = dataclasses.replace(placed.facts, customer_aor=aor, session=CallFacts().session)
        calling = asyncio.create_task(placed.run())
        await asyncio.wait([calling], timeout=seconds)
        calling.cancel()
        await asyncio.wait([calling])
        assert placed.outcome.proper, placed.outcome
    return placed.facts.session_id


def metrics(running: Stack) -> str:
    """Those of all parts."""
    pages = []
    for part in PARTS:
        with urllib.request.urlopen(running.metrics_url(part), timeout=20) as page:  # noqa: S310 -- it is ours
            pages.append(page.read().decode())
    return "\n".join(pages)


async def test_a_third_call_of_a_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is known from its first moment, and what the CRM says soon after; the number is in no log, metric or Redis."""
    monkeypatch.setattr(stack, "_UNTOLD", re.compile("(?!)"))  # every line is wanted
    lines: list[str] = []
    async with model(always(http(KNOWN))) as crm:
        settings = {
            **READING,
            "CALLVANE_LOG__LEVEL": "debug",
            "CALLVANE_CONTACTS__KEY": KEY,
            "CALLVANE_CONTACTS__LOOKUP_URL": f"{crm.url}/{{number}}",
            "CALLVANE_CONTACTS__LOOKUP_FIELDS": '{"earlier": "calls", "address": "who", "notes": "how"}',
        }
        async with Stack(lines.append, settings) as running, Bus(RedisSettings(url=running.redis_url)) as bus:
            ids = []
            for aor, seconds in ((f"sip:{NUMBER}@pbx.example.com", 1.0),) * 2 + ((WRITTEN, 120.0),):
                ids.append(await call(running, "turns_angry", aor, seconds))
                published = await until_ended(bus, *ids)
            lines += [await asyncio.to_thread(metrics, running), await asyncio.to_thread(kept, running.redis_url)]
    traces = "\n".join(lines)
    states = [[each for each in published if isinstance(each, CallState) and each.call_id == own] for own in ids]
    first = [each[0].contact for each in states]
    assert [each and (each.number, each.earlier) for each in first] == [(1, 0), (2, 1), (3, 2)]
    assert states[0][-1].contact == Contact(1, 0, 7.0, crm=RECORD)
    last = states[2][-1].contact
    assert last is not None
    assert (last.number, last.earlier, last.crm) == (3, 2, RECORD)
    assert "third time" in last.said
    alerts = [each for each in published if isinstance(each, Alert) and each.call_id == ids[2]]
    assert {each.repeat_contact for each in alerts if each.kind == "worsened"} == {3}
    assert [request.line for request in crm.requests] == ["GET /v1/%2B4930987654321 HTTP/1.1"]
    assert 'callvane_crm_lookups_total{outcome="cached"} 2.0' in traces
    assert 'callvane_first_contacts_total{outcome="repeated"} 1.0' in traces
    digits = re.sub(r"[^0-9]", "", NUMBER)
    assert [each for each in (digits[-9:], WRITTEN[4:22], KEY, "98.76") if each in traces] == []
