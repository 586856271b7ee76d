"""What a worker does about faults of its own: on one event, behind a scorer that stands still, in a part it needs."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import replace
from threading import Event
from typing import Any

import pytest
from redis.commands.core import AsyncScript

from analysis.call.analyst import Analyst
from analysis.lanes import counting, in_hand, lane, worker
from analysis.lanes.in_hand import CALL_EVENTS, InHand
from analysis.practice.state import State
from analysis.scorers.scoring import Threaded, one_by_one
from analysis.turns.score import Asked, Score
from analysis.words import recognition
from analysis.words.batcher import MODEL_ERRORS
from analysis.words.recognition import Recognizer
from callbus import Role, Transcript
from callbus.redis.bus import Bus
from callbus.redis.fork_reader import ForkReader
from callbus.redis.scripts.commit import COMMIT
from callbus.redis.settings import RedisSettings
from tests.analysis import spoken
from tests.analysis.process import analysis, publish
from tests.analysis.process import whole_call as recorded_call
from tests.analysis.stage import LINES, SECONDS, Prompter, Told, by_turns, closes, heard, opens, says, stage, whole_call
from tests.breaking import FAULTED, Fault, always, gives, hangs, is_cancelled, loses_its_answer, of_faulted
from tests.published import published, until_ended

ALL_LOST = Told(("(error)",) * len(LINES))
"""Each utterance is told as one whose words are not known."""
UNSCORED = heard(alerts=())
"""The words are told, and nothing is made of them."""
ALL_KINDS = "call_opened utterance call_event call_closed"


def knows_of_it(analyst: Analyst, event: Any, call: Any, *rest: Any) -> bool:
    """Whether something is known of the faulted call already."""
    return of_faulted(event) and call is not None


def hears_it(model: Prompter, pcm: bytes, rate_hz: int, before: bytes = b"") -> bool:
    """Whether this is audio of the faulted call."""
    return FAULTED.encode() in pcm


def reads_it(model: Prompter, rows: Sequence[Any], frames: int) -> bool:
    """Whether an utterance of the faulted call is in the batch."""
    return any(FAULTED in bytes(row.features[0].astype("u1")).decode() for row in rows)


def tells_of_it(reader: ForkReader, delivery: Any, publications: Sequence[Any] = (), **rest: Any) -> bool:
    """Whether anything is to be told of the faulted call."""
    return any(map(of_faulted, publications))


@pytest.mark.parametrize(
    ("fault", "told", "kinds"),
    [
        pytest.param(Fault(Analyst, "opened"), heard(), "call_opened", id="an opening"),
        pytest.param(Fault(Analyst, "heard"), ALL_LOST, "utterance", id="an utterance"),
        pytest.param(Fault(Analyst, "told"), heard(), "call_event", id="a word of its health"),
        pytest.param(Fault(Analyst, "closed"), heard(), "call_closed", id="a closing"),
        pytest.param(Fault(lane, "step"), ALL_LOST, ALL_KINDS, id="the step"),
        pytest.param(Fault(worker, "encode"), ALL_LOST, ALL_KINDS, id="the state"),
        pytest.param(Fault(worker, "count"), heard(), ALL_KINDS, id="the counting"),
        pytest.param(Fault(ForkReader, "state"), heard(), "", id="the stored state"),
        pytest.param(Fault(ForkReader, "state", gives(b"\xc1")), heard(), "", id="a stored state that is none"),
        pytest.param(
            Fault(ForkReader, "commit", of=tells_of_it),
            Told(phases=""),
            "call_opened utterance call_event",
            id="all of the commit",
        ),
        pytest.param(Fault(Prompter, "hear", of=hears_it), ALL_LOST, "utterance", id="the features"),
        pytest.param(Fault(Prompter, "transcribe", of=reads_it), ALL_LOST, "", id="the model"),
        pytest.param(Fault(recognition, "believed"), ALL_LOST, "utterance", id="the guards"),
        pytest.param(Fault(Recognizer, "listen"), ALL_LOST, "utterance", id="the recognition"),
        pytest.param(Fault(Recognizer, "listen", is_cancelled), ALL_LOST, "utterance", id="a recognition cancelled"),
        pytest.param(Fault(lane.Job, "answer"), UNSCORED, "utterance", id="the wait for a score"),
        pytest.param(Fault(Threaded, "score"), UNSCORED, "utterance", id="the score"),
        pytest.param(Fault(Threaded, "score", is_cancelled), UNSCORED, "utterance", id="a score cancelled"),
        pytest.param(Fault(Threaded, "score", gives(None)), UNSCORED, "utterance", id="no score"),
        pytest.param(Fault(State, "read", of=always), heard(), "practice", id="the practice"),
        *(
            pytest.param(
                Fault(Threaded, "score", gives(Score(float(number), 1.0, ()))), UNSCORED, "utterance", id=number
            )
            for number in ("nan", "-inf")
        ),
    ],
)
async def test_a_fault_costs_no_other_event(redis_url: str, fault: Fault, told: Told, kinds: str) -> None:
    """It is counted and costs its call what it struck; another call has its alert, and nothing comes again."""
    async with stage(redis_url, fault) as played:
        await played.play(by_turns(whole_call(FAULTED), whole_call()), {FAULTED: told, "whole": heard()}, kinds.split())
    assert fault.struck


async def test_a_state_that_breaks_everything_costs_one_call(redis_url: str) -> None:
    """Where nothing can be made of what is known of a call, its words are told as lost, and it ends on the board."""
    breaks = [Fault(Analyst, name, of=knows_of_it) for name in ("opened", "heard", "told", "closed", "failed")]
    kinds = ["utterance", "call_event", "call_closed"]
    async with stage(redis_url, *breaks) as played:
        await played.play(by_turns(whole_call(FAULTED), whole_call()), {FAULTED: ALL_LOST, "whole": heard()}, kinds)


async def test_a_model_that_fails_on_a_batch_reads_the_rest_of_it(redis_url: str) -> None:
    """Each failure is counted: of the batch, and of the utterance that it cannot read."""
    before = MODEL_ERRORS._value.get()
    async with stage(redis_url, Fault(Prompter, "transcribe", of=reads_it)) as played:
        await played.play(by_turns(whole_call(FAULTED), whole_call()), {FAULTED: ALL_LOST, "whole": heard()})
    assert MODEL_ERRORS._value.get() - before > len(LINES)


async def test_lost_answers_of_commits_double_nothing(redis_url: str) -> None:
    """A commit is asked for again until Redis' answer comes, and what it tells is told once."""
    asked = iter(range(1_000))
    lost = Fault(
        AsyncScript, "__call__", loses_its_answer, lambda script, **_: script.script == COMMIT and next(asked) % 5 == 0
    )
    async with stage(redis_url, lost) as played:
        await played.play(whole_call(), {"whole": heard()})
    assert lost.struck > 2


async def test_a_closing_that_cannot_be_looked_up_ends_its_call(redis_url: str) -> None:
    """Of a call of which nothing is known, not even how it stands on the board, the end is told all the same."""
    async with stage(redis_url, Fault(ForkReader, "shown")) as played:
        await played.play([closes(says(FAULTED))], {FAULTED: Told(phases="ended")}, ["call_closed"])


HANGING = pytest.mark.parametrize("part", [(Recognizer, "listen"), (Threaded, "score")], ids=["recognition", "score"])


@HANGING
async def test_what_hangs_holds_up_no_other_call(redis_url: str, part: tuple[type, str]) -> None:
    """Another call has its alert meanwhile; the worker ends in time, and the next one does what was left."""
    async with stage(redis_url, Fault(*part, hangs), finish_seconds=0.0) as played:
        await played.send(by_turns(whole_call(FAULTED), whole_call()))
        await played.until_told("whole", heard())
        assert await played.left() >= len(LINES)
    async with stage(redis_url) as played:
        await played.play([], {FAULTED: heard(), "whole": heard()})


@HANGING
async def test_a_call_that_hangs_moves_on_past_its_bound(redis_url: str, part: tuple[type, str]) -> None:
    """Its oldest utterance is given up for each event that is too much, and said to be."""
    customer = [line for line in LINES if line[0] is Role.CUSTOMER]
    async with stage(redis_url, Fault(*part, hangs), in_hand=InHand(100, call_events=3), finish_seconds=0.0) as played:
        for event in whole_call(FAULTED, customer):
            await played.send([event])
            while await played.left() > 3:
                await played.step()
        await played.until_told(FAULTED, Told(("(overload)",) * (len(customer) - 2), phases="active"))


async def test_behind_a_scorer_that_stands_still_what_is_in_hand_is_bounded(redis_url: str) -> None:
    """Words that need no score come through; what is too much has a transcript that says `overload`, and is counted."""
    gate, calls, many, most = Event(), [f"call-{number}" for number in range(4)], 100, 40

    def scores(asked: Sequence[Asked]) -> Sequence[Score]:
        gate.wait(SECONDS)
        return one_by_one(spoken.SCORER)(asked)

    (angry,) = says("", [(Role.CUSTOMER, "I am very angry now.")])
    agents = [line for line in LINES if line[0] is Role.AGENT]
    shed, told = in_hand.SHED.labels("customer"), counting.UTTERANCES.labels("overload")
    before = shed._value.get(), told._value.get()
    async with stage(redis_url, scoring=Threaded(scores), in_hand=InHand(most), partition_length=4_096) as played:
        for number in range(many):
            said = replace(angry, sequence=number, start_seconds=3.0 * number, end_seconds=3.0 * number + 2)
            await played.send([replace(said, call_id=call_id) for call_id in calls])
            assert len(played.in_hand) <= CALL_EVENTS * len(calls) + 64  # what one reading may bring
            assert played.in_hand.audio_bytes <= most * len(angry.pcm)
            if number == 0:
                await played.send([opens(says("other")), *says("other", agents)])
                await played.until_told("other", replace(heard(agents, alerts=()), phases="active"))
        gate.set()
        await played.idle()
        transcripts = [each for each in await published(played.bus) if isinstance(each, Transcript)]
    overloads = sum(each.dropped == "overload" for each in transcripts)
    assert len({(each.call_id, each.sequence) for each in transcripts}) == many * len(calls) + len(agents)
    assert overloads >= many * len(calls) - most - len(calls)
    assert (shed._value.get() - before[0], told._value.get() - before[1]) == (overloads, overloads)


DYING = """
import signal, sys
from analysis import __main__ as program
from analysis.settings import AnalysisSettings
from analysis.words.batcher import Batcher
from callbus.redis.fork_reader import ForkReader
from service.process import main

part, struck = sys.argv[1], []
signal.signal(signal.SIGUSR1, lambda *_: struck.append(1))

def no(): raise RuntimeError("a fault in our own code")

def strikes(work):
    return lambda *arguments: no() if struck else work(*arguments)

class Watched:
    def __init__(self, bus): self.bus = bus
    unready = property(lambda self: no() if struck else self.bus.unready)

match part:
    case "the reader": ForkReader._read = strikes(ForkReader._read)
    case "the batcher": Batcher._take = strikes(Batcher._take)
    case "the watch":
        watch = program._watch
        program._watch = lambda bus, *rest: watch(Watched(bus), *rest)
sys.exit(main("analysis", "", AnalysisSettings, program.work, 0, []))
"""
"""A worker of which one part dies from SIGUSR1 on."""


@pytest.mark.parametrize("part", ["the reader", "the batcher", "the watch"])
async def test_a_part_that_dies_ends_the_worker(redis_url: str, part: str) -> None:
    """It says what died, gives its partitions back at once and ends with 1; another worker finishes its calls."""
    events, of_both = recorded_call("turns_angry", "handed-over"), {"redis__url": redis_url}
    async with Bus(RedisSettings(url=redis_url)) as bus:
        async with analysis("-c", DYING, part, **of_both, redis__lease_seconds="30") as first:
            first.signal(signal.SIGUSR1)
            await publish(bus, events)
            assert await first.ended() == 1
            named = f"{part} died of RuntimeError: a fault in our own code"
            assert any(f"{named}; stopping" in line for line in first.lines)
            assert first.lines[-1].endswith(f"analysis ended: {named}")
        async with analysis(**of_both, redis__lease_seconds="1.0"):
            told = await until_ended(bus, "handed-over")
    heard = [each.sequence for each in told if isinstance(each, Transcript) and each.text]
    assert heard == list(range(len(events) - 2))
