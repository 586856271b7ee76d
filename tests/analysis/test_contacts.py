"""Callers who call again: what a worker tells of them, with a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest
from prometheus_client import REGISTRY
from redis.commands.core import AsyncScript

from analysis.words.language import Languages
from callbus import Alert, CallClosed, CallOpened, CallState, Contact, CrmRecord, Role
from callbus.messages.wire import ForkEvent
from callbus.redis import contacts as counting
from callbus.redis.contacts import Contacts
from tests.analysis.stage import DAYS, LINES, Stage, Told, heard, stage, whole_call
from tests.breaking import Fault, always, loses_its_answer
from tests.published import published

CALLER = "c" * 32
CRM = CrmRecord(12, "Dr Weber", "short answers")
A, C = Role.AGENT, Role.CUSTOMER
SILENT = tuple(
    (role, text.replace("this is the third time I'm calling about it", "it goes on")) for role, text in LINES
)
"""The same call without a word of earlier ones."""
AGAIN = ((A, "hello how can i help"), (C, "hello i called yesterday about my phone"), (A, "let me see"))


def calls(call_id: str, lines: Sequence[tuple[Role, str]] = SILENT, crm: CrmRecord | None = None) -> list[ForkEvent]:
    """A call by that caller; what the CRM knows of them comes a moment after the call has begun."""
    opening, *rest = whole_call(call_id, lines)
    assert isinstance(opening, CallOpened)
    opening = replace(opening, caller=CALLER)
    return [opening, *([replace(opening, crm=crm)] if crm else []), *rest]


async def states(on: Stage, call_id: str) -> list[CallState]:
    """All of a call."""
    return [each for each in await published(on.bus) if isinstance(each, CallState) and each.call_id == call_id]


async def alerts(on: Stage, call_id: str) -> list[int]:
    """Which contact each alert of a call says that it is."""
    own = [each for each in await published(on.bus) if isinstance(each, Alert) and each.call_id == call_id]
    return [each.repeat_contact for each in own]


async def test_a_third_contact_stands_on_the_card_from_the_first_moment(redis_url: str) -> None:
    """With the time of the latest one; the third call's alerts are more serious, and no others."""
    async with stage(redis_url) as on:
        for call_id in ("one", "two", "three"):
            await on.play(calls(call_id), {call_id: heard(SILENT)} | await so_far(on))
        first = {call_id: (await states(on, call_id))[0].contact for call_id in ("one", "two", "three")}
        serious = [await alerts(on, call_id) for call_id in ("one", "two", "three")]
    assert first["one"] == Contact(1, 0, DAYS)
    last_at = [first[call_id].last_at for call_id in ("two", "three")]  # type: ignore[union-attr] # it is known
    assert first["two"] == Contact(2, 1, DAYS, last_at[0])
    assert first["three"] == Contact(3, 2, DAYS, last_at[1])
    assert serious[0] == serious[1] == [0] * len(serious[0])
    assert serious[2] == [3] * len(serious[0])
    assert serious[2]


async def so_far(on: Stage) -> dict[str, Told]:
    """What earlier calls of the stage have told."""
    return {each.call_id: heard(SILENT) for each in await published(on.bus)}


async def test_an_unknown_caller_has_no_contact(redis_url: str) -> None:
    """Nothing is known, so nothing is said."""
    async with stage(redis_url) as on:
        await on.play(whole_call("whole", SILENT), {"whole": heard(SILENT)})
        assert {each.contact for each in await states(on, "whole")} == {None}


async def test_what_the_crm_knows_comes_while_the_call_goes_on(redis_url: str) -> None:
    """The call has begun before, and what has been counted stays."""
    async with stage(redis_url) as on:
        await on.play(calls("whole", crm=CRM), {"whole": heard(SILENT)})
        first, second, *_, last = await states(on, "whole")
    assert (first.contact, second.contact, last.contact) == (
        *(Contact(1, 0, DAYS), Contact(1, 0, DAYS, crm=CRM), Contact(1, 0, DAYS, crm=CRM)),
    )


async def test_a_caller_who_says_so_is_serious_too(redis_url: str) -> None:
    """Whatever is counted: they may call from another telephone, or have written."""
    async with stage(redis_url) as on:
        await on.play(calls("whole", LINES), {"whole": heard()})
        told = await states(on, "whole")
        assert await alerts(on, "whole") == [3]
    said = "That's wrong, and this is the third time I'm calling about it."
    assert (told[0].contact, told[-1].contact) == (Contact(1, 0, DAYS), Contact(3, 0, DAYS, said=said))


async def test_what_the_customer_says_of_it_is_kept(redis_url: str) -> None:
    """Their words, from the turn in which they say them; an agent's words are not theirs."""
    async with stage(redis_url) as on:
        await on.play(whole_call("whole", AGAIN), {"whole": heard(AGAIN, alerts=())})
        await on.play(
            whole_call("agents", [(A, text) for _, text in AGAIN]),
            {"whole": heard(AGAIN, alerts=()), "agents": heard([(A, text) for _, text in AGAIN], alerts=())},
        )
        before, *_, after = await states(on, "whole")
        agents = await states(on, "agents")
    assert before.contact is None
    assert after.contact == Contact(2, said="hello i called yesterday about my phone")
    assert {each.contact for each in agents} == {None}


async def test_words_read_in_the_wrong_language_are_taken_back(redis_url: str) -> None:
    """Once the call's language is decided, what was invented before says nothing of earlier contacts."""
    foreign = ((C, "i called yesterday"), *[(C, "llamo porque mi teléfono no funciona ¿por qué? " * 3)] * 4)
    async with stage(redis_url, languages=Languages("en", judged=frozenset({"en"}))) as on:
        await on.send(whole_call("foreign", foreign))
        await on.idle()
        told = await states(on, "foreign")
    assert told[-1].language == "es"
    assert any(each.contact and each.contact.said for each in told)
    assert told[-1].contact == Contact()


@pytest.mark.parametrize("how", ["answer lost", "too slow"])
async def test_trouble_costs_the_count_alone(redis_url: str, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """The call is told as ever; an opening that is told again counts it after all, as the call that it is."""
    monkeypatch.setattr(counting, "ANSWER_SECONDS", 0.2)
    struck: list[str] = []

    def first(script: object, *arguments: object, **options: object) -> bool:
        is_first = getattr(script, "script", "") == counting._COUNT and not struck
        struck.extend(["once"] * is_first)
        return is_first

    async def slow(work: Callable[[], Awaitable[object]]) -> object:
        await asyncio.sleep(60)
        return await work()

    fault = Fault(AsyncScript, "__call__", loses_its_answer if how == "answer lost" else slow, first)
    async with stage(redis_url, fault) as on:
        await on.play(calls("whole", crm=CRM), {"whole": heard(SILENT)})
        told = await states(on, "whole")
    assert (told[0].contact, told[1].contact) == (None, Contact(1, 0, DAYS, crm=CRM))


async def test_a_fault_in_counting_costs_no_call(redis_url: str) -> None:
    """One of our own is counted, and the call's words and alerts come as ever."""
    async with stage(redis_url, Fault(Contacts, "count", of=always)) as on:
        await on.play(calls("whole"), {"whole": heard(SILENT)}, faults=("call_opened",))


async def test_a_calls_length_is_counted_at_its_end(redis_url: str) -> None:
    """In seconds from its opening: what a recorder hears of handle time."""
    names = ("callvane_call_seconds_count", "callvane_call_seconds_sum")
    before = [REGISTRY.get_sample_value(name) or 0.0 for name in names]
    whole = whole_call("whole", AGAIN)
    closing = whole[-1]
    assert isinstance(closing, CallClosed)
    async with stage(redis_url) as on:
        await on.play(whole, {"whole": heard(AGAIN, alerts=())})
    count, seconds = ((REGISTRY.get_sample_value(name) or 0.0) - old for name, old in zip(names, before, strict=True))
    assert count == 1
    assert seconds == pytest.approx(closing.duration_seconds, abs=0.01)
