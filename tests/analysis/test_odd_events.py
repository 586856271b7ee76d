"""Fork events as no bridge should send them: each costs its own call at most what it says, and breaks nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.call.succession import MISNUMBERED, REPEATED
from analysis.lanes.counting import UTTERANCES
from callbus import CallEvent, Condition, ConditionKind, Role, Unit
from callbus.messages.leg import MOST_CALL_SECONDS
from callbus.messages.utterance import MOST_UTTERANCES
from callbus.messages.wire import ForkEvent
from tests.analysis.stage import Told, closes, heard, opens, says, stage, whole_call
from tests.callbus import sample_messages

CALL = "odd"
SAID = says(CALL)
OPENING, FIRST, PAUSE, SECOND, THIRD, *REST = WHOLE = whole_call(CALL)
HEARD = heard()
END_OF_TIME = 1e11


def with_second(**changes: object) -> list[ForkEvent]:
    """The call, its second utterance changed."""
    return [OPENING, FIRST, PAUSE, replace(SAID[1], **changes), THIRD, *REST]  # type: ignore[arg-type]


def without_second(instead: str = "") -> Told:
    """What is told of it where the words of that one are not."""
    first, _, *others = HEARD.words
    return replace(HEARD, words=(first, *([instead] if instead else []), *others))


LATER = replace(SAID[-1], sequence=len(SAID), start_seconds=200.0, end_seconds=202.0)
AGAIN = Told((*HEARD.words, HEARD.words[-1]), HEARD.alerts, "active, ended, active")
OUT_OF_ORDER = replace(HEARD, words=(HEARD.words[0], *HEARD.words[2:]))


@pytest.mark.parametrize(
    ("events", "told"),
    [
        pytest.param([each for each in WHOLE for _ in range(2)], HEARD, id="each twice"),
        pytest.param([*WHOLE, *WHOLE], HEARD, id="all of it twice"),
        pytest.param([OPENING, FIRST, PAUSE, THIRD, SECOND, *REST], OUT_OF_ORDER, id="two in the wrong order"),
        pytest.param(WHOLE[1:], HEARD, id="no opening"),
        pytest.param([*WHOLE[1:-1], OPENING, WHOLE[-1]], HEARD, id="the opening late"),
        pytest.param([WHOLE[-1], *WHOLE[:-1]], replace(HEARD, phases="active"), id="the closing first"),
        pytest.param([*WHOLE, PAUSE], HEARD, id="its health after the closing"),
        pytest.param([*WHOLE, LATER], AGAIN, id="words after the closing"),
        pytest.param([*WHOLE[:4], replace(SAID[1], sequence=MOST_UTTERANCES), *WHOLE[4:]], HEARD, id="a huge number"),
        pytest.param(with_second(sequence=-1), without_second(), id="a number below none"),
        pytest.param(with_second(start_seconds=float("nan")), without_second(), id="no time"),
        pytest.param(with_second(start_seconds=MOST_CALL_SECONDS, end_seconds=0.0), HEARD, id="a time that runs back"),
        pytest.param(with_second(ended_at=END_OF_TIME, end_seconds=MOST_CALL_SECONDS), HEARD, id="the end of time"),
        pytest.param(with_second(sample_rate_hz=16_000), HEARD, id="another rate"),
        pytest.param(with_second(pcm=b""), without_second("(silence)"), id="no audio"),
        pytest.param(with_second(pcm=b"\0"), without_second("(silence)"), id="half a sample"),
        pytest.param([replace(opens(SAID), opened_at=END_OF_TIME), *WHOLE[1:]], HEARD, id="opened at the end of time"),
        pytest.param([*WHOLE[:5], replace(opens(SAID), legs=()), *WHOLE[5:]], HEARD, id="no legs any more"),
        pytest.param(
            [*WHOLE[:-1], replace(closes(SAID), closed_at=0.0, duration_seconds=1e7)], HEARD, id="closed before"
        ),
    ],
)
async def test_odd_events_cost_their_own_call_alone(redis_url: str, events: Sequence[ForkEvent], told: Told) -> None:
    """What can be told of the call is, once; another one has its alert, and none of it is a fault."""
    async with stage(redis_url) as played:
        await played.play([*events, *whole_call()], {CALL: told, "whole": HEARD})


async def test_words_that_are_not_heard_are_counted(redis_url: str) -> None:
    """Those that came before, and those whose number cannot be theirs."""
    repeated, misnumbered = UTTERANCES.labels(REPEATED), UTTERANCES.labels(MISNUMBERED)
    before = repeated._value.get(), misnumbered._value.get()
    async with stage(redis_url) as played:
        await played.play([*WHOLE[:-1], SAID[3], replace(SAID[3], sequence=MOST_UTTERANCES), WHOLE[-1]], {CALL: HEARD})
    assert (repeated._value.get() - before[0], misnumbered._value.get() - before[1]) == (1, 1)


async def test_a_recording_that_nobody_opened_waits(redis_url: str) -> None:
    """Another bridge's words of a call that is heard are not heard too; when that one closes, it goes on."""
    others = [replace(each, leg_id=f"{each.leg_id}'") for each in SAID]
    async with stage(redis_url) as played:
        for own, other in zip(WHOLE[:-3], others[: len(WHOLE) - 3], strict=False):
            await played.send([own])
            await played.send([other], bridge="other")
        await played.play(WHOLE[-3:], {CALL: replace(HEARD, phases="active")})


async def test_times_that_add_up_to_too_much_are_told_all_the_same(redis_url: str) -> None:
    """A call that goes on has its later recording's times after its own: past any call's length they stand there."""
    late = Condition(ConditionKind.PAUSED, "", Role.UNKNOWN, MOST_CALL_SECONDS, 0.0, Unit.SECONDS)
    odd: list[ForkEvent] = [
        replace(opens(SAID), opened_at=SAID[-1].ended_at + 5),
        CallEvent(CALL, MOST_CALL_SECONDS, True, late),
        replace(SAID[0], start_seconds=MOST_CALL_SECONDS, end_seconds=MOST_CALL_SECONDS),
        replace(closes(SAID), duration_seconds=MOST_CALL_SECONDS),
    ]
    told = Told((*HEARD.words, HEARD.words[0]), HEARD.alerts, "active, ended, active, ended")
    async with stage(redis_url) as played:
        await played.play(WHOLE, {CALL: HEARD})
        await played.play(odd, {CALL: told}, bridge="other")


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(sample_messages.fork_events, max_size=40), is_one_call=st.booleans())
def test_whatever_comes_breaks_nothing(redis_url: str, events: list[ForkEvent], is_one_call: bool) -> None:
    """Any events of any calls, or of one: no fault is counted, whatever is told can be read, another call is whole."""

    async def play() -> None:
        async with stage(redis_url) as played:
            await played.send([replace(each, call_id=CALL) if is_one_call else each for each in events])
            await played.send(whole_call())
            await played.idle()
            await played.until_told("whole", HEARD)
            assert not played.faults

    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    asyncio.run(play())
