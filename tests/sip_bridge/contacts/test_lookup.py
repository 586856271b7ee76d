"""Callers looked up at a real HTTP server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from prometheus_client import REGISTRY

from callbus.contact_settings import ContactsSettings
from callbus.messages.contact import CrmRecord
from service.breaker import FAILURES
from sip_bridge.contacts.choice import chosen_contacts
from sip_bridge.contacts.contacts import MOST_LOOKUPS, Contacts
from tests.analysis.chat import Answer, Model, Request, always, drip, http, late, model, reset

KEY = "0123456789abcdef"
NUMBER = "+4930123456"
KNOWN = http(b'{"count": 3, "who": "Dr Weber", "how": "short answers"}')
RECORD = CrmRecord(3, "Dr Weber", "short answers")
FIELDS = {"earlier": "count", "address": "who", "notes": "how"}
WAIT_SECONDS = 20.0


class Asked:
    """A CRM, and the contacts of a bridge that asks it."""

    def __init__(self, crm: Model, contacts: Contacts) -> None:
        self.crm = crm
        self.contacts = contacts
        self._before = {outcome: _count(outcome) for outcome in OUTCOMES}

    async def about(self, *numbers: str) -> list[CrmRecord]:
        """What is told of these callers, all looked up at once."""
        told: list[CrmRecord] = []
        done = sum(self.outcomes.values()) + len(numbers)
        for number in numbers:
            self.contacts.look_up(self.contacts.hash_of(number), number, told.append)
        async with asyncio.timeout(WAIT_SECONDS):
            while sum(self.outcomes.values()) < done:
                await asyncio.sleep(0.005)
        await asyncio.sleep(0)
        return told

    @property
    def outcomes(self) -> dict[str, int]:
        """Look-ups so far by outcome, without those that there were none of."""
        counted = {outcome: round(_count(outcome) - self._before[outcome]) for outcome in OUTCOMES}
        return {outcome: count for outcome, count in counted.items() if count}


OUTCOMES = ["found", "nothing", "cached", "late", "invalid", "refused", "unreachable", "paused", "busy"]


def _count(outcome: str) -> float:
    return REGISTRY.get_sample_value("callvane_crm_lookups_total", {"outcome": outcome}) or 0.0


@asynccontextmanager
async def asking(answer: Answer, path: str = "/{caller}", **settings: object) -> AsyncIterator[Asked]:
    """A CRM that answers this."""
    async with model(answer) as crm:
        section = ContactsSettings.model_validate(
            {"key": KEY, "lookup_url": f"{crm.url}{path}", "lookup_fields": FIELDS, **settings}
        )
        contacts = chosen_contacts(section, asyncio.get_running_loop())
        assert contacts
        try:
            yield Asked(crm, contacts)
        finally:
            await contacts.close()


async def test_a_caller_is_asked_for_by_hash() -> None:
    """One GET with the operator's headers; the number is not in it."""
    async with asking(always(KNOWN), lookup_headers={"Authorization": "Bearer secret"}) as crm:
        assert await crm.about(NUMBER) == [RECORD]
        (request,) = crm.crm.requests
        assert request.line == f"GET /v1/{crm.contacts.hash_of(NUMBER)} HTTP/1.1"
        assert request.headers["authorization"] == "Bearer secret"
        assert NUMBER[1:] not in f"{request.line}{request.headers}"


async def test_or_by_number_where_the_operator_says_so() -> None:
    """Percent-encoded: what a caller writes cannot lead anywhere else."""
    async with asking(always(KNOWN), "/of?tel={number}&by={caller}") as crm:
        await crm.about(NUMBER, "a/../b?x=y#z&by=@example.com")
        lines = {request.line for request in crm.crm.requests}
    wanted = ("%2B4930123456", "a%2F..%2Fb%3Fx%3Dy%23z%26by%3D%40example.com")
    hashes = [crm.contacts.hash_of(number) for number in (NUMBER, "a/../b?x=y#z&by=@example.com")]
    assert lines == {
        f"GET /v1/of?tel={number}&by={caller} HTTP/1.1" for number, caller in zip(wanted, hashes, strict=True)
    }


async def test_an_answer_counts_for_a_while() -> None:
    """The CRM is asked once, even about callers whom it does not know; without a cache, each time."""
    async with asking(always(KNOWN)) as crm:
        assert await crm.about(NUMBER) + await crm.about(NUMBER) == [RECORD, RECORD]
        assert (len(crm.crm.requests), crm.outcomes) == (1, {"found": 1, "cached": 1})
    async with asking(always(http(b"{}", "404 Not Found"))) as crm:
        assert await crm.about(NUMBER) + await crm.about(NUMBER) == []
        assert (len(crm.crm.requests), crm.outcomes) == (1, {"nothing": 1, "cached": 1})
    async with asking(always(KNOWN), lookup_cache_seconds=0) as crm:
        await crm.about(NUMBER)
        await crm.about(NUMBER)
        assert (len(crm.crm.requests), crm.outcomes) == (2, {"found": 2})


async def test_an_answer_counts_no_longer_than_that() -> None:
    """What the CRM learns meanwhile is then told."""
    async with asking(always(KNOWN), lookup_cache_seconds=0.2) as crm:
        await crm.about(NUMBER)
        await asyncio.sleep(0.25)
        crm.crm.answer = always(http(b'{"count": 4}'))
        assert await crm.about(NUMBER) == [CrmRecord(4)]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (late, "late"),
        (drip, "late"),
        (reset, "unreachable"),
        (always(http(b"{}", "500 Oops")), "refused"),
        (always(http(b"", "302 Found", "Location: http://127.0.0.1:1/\r\n")), "refused"),
        (always(http(b"<html>")), "invalid"),
        (always(http(b'{"count": "many"}')), "invalid"),
        (always(http(b'"' + b"x" * 70_000 + b'"')), "invalid"),
        (always(http(b"{}")), "nothing"),
    ],
)
async def test_whatever_goes_wrong_nothing_is_told(answer: Answer, outcome: str) -> None:
    """In time, and counted."""
    async with asking(answer, lookup_seconds=0.3) as crm:
        assert await crm.about(NUMBER) == []
        assert crm.outcomes == {outcome: 1}


async def test_a_failing_crm_is_left_alone_and_found_again() -> None:
    """After some failures it is not asked for a while; one probe finds that it answers."""
    async with asking(always(http(b"{}", "500 Oops"))) as crm:
        for index in range(FAILURES):
            await crm.about(f"{NUMBER}{index}")
        crm.crm.answer = always(KNOWN)
        assert await crm.about(NUMBER) == []
        assert crm.outcomes == {"refused": FAILURES, "paused": 1}
        await asyncio.sleep(1.1)
        assert await crm.about(NUMBER) == [RECORD]
        assert await crm.about(f"{NUMBER}9") == [RECORD]


async def test_a_probe_that_is_cut_off_is_not_the_last() -> None:
    """A failing probe leaves the next one due."""
    async with asking(always(http(b"{}", "500 Oops")), lookup_seconds=0.2) as crm:
        for index in range(FAILURES):
            await crm.about(f"{NUMBER}{index}")
        crm.crm.answer = late
        await asyncio.sleep(1.1)
        await crm.about(NUMBER)
        crm.crm.answer = always(KNOWN)
        await asyncio.sleep(2.1)
        assert await crm.about(NUMBER) == [RECORD]


async def test_callers_beyond_the_bound_are_not_asked_about() -> None:
    """A slow CRM holds no more than so many look-ups, and those go with the bridge."""
    async with asking(late, lookup_seconds=10) as crm:
        told: list[CrmRecord] = []
        for index in range(MOST_LOOKUPS + 3):
            crm.contacts.look_up(crm.contacts.hash_of(str(index)), str(index), told.append)
        await asyncio.sleep(0.2)
        assert (crm.outcomes, told) == ({"busy": 3}, [])


async def test_a_fault_in_telling_costs_that_alone() -> None:
    """It is counted; the next caller is told of."""

    def broken(_crm: CrmRecord) -> None:
        raise RuntimeError

    async with asking(always(KNOWN)) as crm:
        before = REGISTRY.get_sample_value("callvane_faults_total", {"type": "lookup"}) or 0.0
        crm.contacts.look_up(crm.contacts.hash_of("1"), "1", broken)
        assert await crm.about(NUMBER) in ([RECORD], [])
        assert await crm.about("2") == [RECORD]
        assert REGISTRY.get_sample_value("callvane_faults_total", {"type": "lookup"}) == before + 1


async def test_nothing_of_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """No number, no hash, no answer and no header, even at the finest level and while it fails."""
    caplog.set_level(logging.DEBUG)

    async def answers(request: Request, writer: asyncio.StreamWriter) -> None:
        wanted = always(KNOWN if "1" in request.line[-12:] else http(b'{"count": "Weber"}'))
        await wanted(request, writer)

    async with asking(answers, "/{number}/{caller}", lookup_headers={"X-Key": "geheim"}) as crm:
        for index in range(2 * FAILURES):
            await crm.about(f"{NUMBER}{index}")
        secret = (NUMBER[1:], crm.contacts.hash_of(f"{NUMBER}0"), "Weber", "geheim", "short answers")
    said = "\n".join(record.getMessage() + str(record.exc_info or "") for record in caplog.records)
    assert not [word for word in secret if word in said]
