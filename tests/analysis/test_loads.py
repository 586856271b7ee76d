"""An agent's load: what a worker keeps and shows of it, with a real Redis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from analysis.call.conversation import Conversation
from analysis.call.party import Party
from analysis.lanes.agents import is_hard, load_key
from analysis.settings import LoadSection
from analysis.shift.detector import ShiftState
from callbus import CallOpened, Leg, Mood, Role
from callbus.messages.load import AgentLoad, Suggestion
from callbus.messages.wire import ForkEvent
from callbus.redis.loads import Loads, call_loads
from service.settings import ConfigError
from tests.analysis.stage import LINES, Stage, stage, whole_call
from tests.breaking import Fault, always

KEY = b"a key of sixteen bytes or more"
NAME = "Anna Weber"
CALM = ((Role.AGENT, "hello how can i help"), (Role.CUSTOMER, "hello it is about my phone"), (Role.AGENT, "let me see"))


def call(call_id: str, lines: Sequence[tuple[Role, str]] = LINES, names: tuple[str, ...] = (NAME,)) -> list[ForkEvent]:
    """A call of that agent, or of these."""
    opening, *rest = whole_call(call_id, lines)
    assert isinstance(opening, CallOpened)
    agents = tuple(Leg(f"{3 + number}", Role.AGENT, name) for number, name in enumerate(names[1:]))
    legs = tuple(replace(leg, name=names[0]) if leg.role is Role.AGENT else leg for leg in opening.legs)
    return [replace(opening, legs=(*legs, *agents)), *rest]


async def after(on: Stage, *events: Sequence[ForkEvent]) -> dict[str, AgentLoad]:
    """What is shown of loads once these calls are over, by call."""
    for each in events:
        await on.send(each)
        await on.idle()
    return await call_loads(on.bus, [each[0].call_id for each in events])


async def test_hard_calls_in_a_row_are_shown_on_each_call(redis_url: str) -> None:
    """Whatever way the name is written; the third suggests a debrief, and a call that goes well ends the row."""
    async with stage(redis_url, load_key=KEY) as on:
        names = (NAME, "anna weber", f" {NAME} ")
        found = await after(on, *(call(f"{number}", names=(name,)) for number, name in enumerate(names)))
        calm = await after(on, call("calm", CALM))
    assert [found[call_id].hard_calls for call_id in "012"] == [1, 2, 3]
    assert [found[call_id].suggestion for call_id in "012"] == [Suggestion.NONE, Suggestion.NONE, Suggestion.DEBRIEF]
    assert calm["calm"].hard_calls == 0


async def test_a_call_shows_its_agents_load_when_it_begins(redis_url: str) -> None:
    """Of the calls before it."""
    async with stage(redis_url, load_key=KEY) as on:
        await after(on, call("first"))
        found = await after(on, call("second", CALM)[:1])
    assert found["second"].hard_calls == 1


async def test_nothing_in_redis_names_an_agent(redis_url: str) -> None:
    """Neither the key nor the value of a load; another key is another agent."""
    async with stage(redis_url, load_key=KEY) as on:
        await after(on, call("whole"))
        keys = [key async for key in on.bus.client.scan_iter(f"{on.bus.keys.load('')}*")]
        value = await on.bus.client.get(keys[0])
        shown = await on.bus.client.get(on.bus.keys.call_load("whole"))
    assert len(keys) == 1
    assert not any(word in text.lower() for word in (b"anna", b"weber", b"whole") for text in (keys[0], value))
    assert b"anna" not in shown.lower()


async def test_where_nobody_knows_whose_call_it_is(redis_url: str) -> None:
    """No name, or several: nothing is kept."""
    async with stage(redis_url, load_key=KEY) as on:
        assert await after(on, call("nobody", names=("",)), call("several", names=(NAME, "Ben"))) == {}


async def test_without_a_key_nothing_is_kept(redis_url: str) -> None:
    """As by default."""
    async with stage(redis_url) as on:
        assert await after(on, call("whole")) == {}
        assert [key async for key in on.bus.client.scan_iter("*load*")] == []


async def test_a_fault_costs_no_call(redis_url: str) -> None:
    """It is counted, and the call's words and alerts come as ever."""
    async with stage(redis_url, Fault(Loads, "change", of=always), load_key=KEY) as on:
        assert await after(on, call("whole")) == {}
        assert on.faults.keys() == {"load"}


@pytest.mark.parametrize(
    ("call", "hard"),
    [
        (Conversation("c", 0.0), False),
        (Conversation("c", 0.0, interrupted=True), True),
        (Conversation("c", 0.0, interrupted=True, is_judged=False), False),
        *(
            (Conversation("c", 0.0, parties={"customer": Party(now=ShiftState(mood=mood))}), hard)
            for mood, hard in {
                Mood.CALM: False,
                Mood.RECOVERED: False,
                Mood.WORSENED: True,
                Mood.ARRIVED_UPSET: True,
            }.items()
        ),
    ],
)
def test_what_a_hard_call_is(call: Conversation, hard: bool) -> None:
    """By its customer: an interruption, however it went on, or an end that is not calm again."""
    assert is_hard(call) is hard


def test_a_key_that_can_be_guessed_is_refused(tmp_path: Path) -> None:
    """Names are few. In one line that does not repeat it; without a key there is none."""
    file = tmp_path / "key"
    file.write_text("too short")
    with pytest.raises(ValueError, match="fewer than 16 bytes"):
        LoadSection(key=SecretStr("too short"))
    with pytest.raises(ConfigError, match=r"^load\.key_file: the key has fewer than 16 bytes"):
        load_key(LoadSection(key_file=file))
    assert load_key(LoadSection(key=SecretStr(KEY.decode()))) == KEY
    assert load_key(LoadSection()) == b""
