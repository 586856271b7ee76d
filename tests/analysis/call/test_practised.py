"""How an agent meets a call, from its utterances to its debrief."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest

from analysis.call.analyst import Analyst, Outcome
from analysis.call.conversation import Conversation
from analysis.call.stored_state import decode, encode
from analysis.practice.phrases import load
from analysis.practice.repeated import Repeats
from analysis.shift.detector import ShiftRules
from analysis.turns.reading import Act, AgentReading, CustomerReading, Wish
from analysis.turns.score import Score
from analysis.turns.turn import Turn
from analysis.words.language import Languages
from analysis.words.recognition import Recognition
from callbus import (
    CallClosed,
    CallOpened,
    CallState,
    Core,
    Debrief,
    FindingKind,
    Leg,
    Practice,
    Question,
    Role,
    ShiftKind,
    Side,
    Transcript,
    Utterance,
    Verdict,
)

LEGS = (Leg("1", Role.AGENT, "Anna"), Leg("2", Role.CUSTOMER))
SAID = [
    (Role.AGENT, "Fixit, hello."),
    (Role.CUSTOMER, "Good morning, it is about the heating in my house, could you have a look at it please."),
    (Role.AGENT, "Of course."),
    (Role.CUSTOMER, "Thank you, it is the big one in the kitchen, on the left side of the door."),
    (Role.AGENT, "You should have rung in the summer."),
    (Role.CUSTOMER, "I rang three times and nobody came, this is terrible and I am really angry about it."),
    (Role.AGENT, "You rang three times and nobody came, I'm sorry you were left like that."),
    (Role.CUSTOMER, "This is terrible service, I am so angry, it is cold and awful in here."),
    (Role.AGENT, "I'm sending an engineer now. Does that help?"),
    (Role.CUSTOMER, "That is great, thank you so much, that is lovely."),
]
UNHAPPY, PLEASED = ("terrible", "angry"), ("great", "lovely")


async def score(turn: Turn, history: Sequence[Turn]) -> Score:
    """By a few words, and as if a network had read the rest."""
    value = -2.5 * any(word in turn.text for word in UNHAPPY) + 2.0 * any(word in turn.text for word in PLEASED)
    cores = {"anger": 0.9, "frustration": 0.1} if value < 0 else {"none": 1.0}
    return Score(value, 1.0, (), CustomerReading(cores, 0.1, {Wish.PLAN: 0.8, Wish.HEARD: 0.2}))


async def read(turn: Turn, history: Sequence[Turn]) -> AgentReading:
    """As a network that sees one act."""
    return AgentReading({Act.OVER_PROMISE: 0.8}, 0.0)


async def nothing(turn: Turn, history: Sequence[Turn]) -> AgentReading:
    """As a network that sees no act."""
    return AgentReading({}, 0.0)


def analyst(languages: Languages | None = None) -> Analyst:
    """One who looks for it."""
    return Analyst(ShiftRules(), 7, languages, load())


def heard(
    work: Analyst,
    said: Sequence[tuple[Role, str]] = SAID,
    *,
    legs: tuple[Leg, ...] = LEGS,
    call_id: str = "c",
    **options: object,
) -> Outcome:
    """The outcome of the last utterance of a call; between two of them the call moves to another worker."""
    outcome = work.opened(CallOpened(call_id, "bridge", 1_000.0, legs), None, 1_000.0)
    for sequence, (role, text) in enumerate(said):
        utterance = replace(spoken(sequence, role), call_id=call_id)
        languages = {str(options["language"]): 1.0} if "language" in options else {}
        recognition = Recognition(text, 0.9, languages=languages, speech_seconds=4.0)
        reader = read if options.get("reads") else nothing if options.get("reads_nothing") else None
        call = decode(encode(outcome.call))
        outcome = asyncio.run(work.heard(utterance, call, recognition, score, lambda: 2_000.0, reader))
    return outcome


def spoken(sequence: int, role: Role, at: float | None = None) -> Utterance:
    """Four seconds, five apart."""
    start = 5.0 * sequence if at is None else at
    leg_id = "1" if role is Role.AGENT else "2"
    return Utterance("c", leg_id, role, sequence, start, start + 4, 1_000 + start, 8_000, b"")


def shown(outcome: Outcome) -> Practice | None:
    """What the call's state says."""
    states = [one for one in outcome.publications if isinstance(one, CallState)]
    return states[-1].practice if states else None


def debriefs(work: Analyst, call: Conversation) -> list[Debrief]:
    """What is published of a call at its end."""
    outcome = work.closed(CallClosed("c", 1_060.0, 60.0, "bye"), call, 2_000.0)
    return [one for one in outcome.publications if isinstance(one, Debrief)]


def test_a_call_shows_how_it_is_met() -> None:
    """Its state has the intake, the latest answer and the findings, each with words of the call."""
    practice = shown(heard(analyst()))
    assert practice
    assert practice.intake.ready
    assert practice.intake.cores == (Core.ANGER,)
    assert practice.intake.wish is Wish.PLAN
    assert practice.answer
    assert {done.act for done in practice.answer.acts} >= {Act.NEXT, Act.VERIFY}
    found = {finding.kind: finding.evidence for finding in practice.findings}
    assert found[FindingKind.DEFENSIVE].quote == "You should have rung in the summer."
    assert FindingKind.FEELING_PARAPHRASED in found
    assert FindingKind.CHECKED_IT_LANDED in found
    texts = [text for _, text in SAID]
    assert all(any(proof.quote in text for text in texts) for proof in found.values())


def test_a_call_ends_with_its_debrief() -> None:
    """Once, beside its last state; its turning points are its alerts."""
    work = analyst()
    (told,) = debriefs(work, heard(work).call)
    assert [point.kind for point in told.turning_points] == [ShiftKind.WORSENED, ShiftKind.RECOVERED]
    assert len(told.course) == 5
    verdicts = {reply.question: reply.verdict for reply in told.replies}
    assert verdicts == {
        Question.CORE_MET: Verdict.YES,
        Question.TONE_MATCHED: Verdict.YES,
        Question.CONCRETE_STEP: Verdict.YES,
        Question.VERIFIED: Verdict.YES,
    }


def test_a_reader_of_acts_is_asked() -> None:
    """It is awaited for agents' turns; what it sees counts, and beside it what phrases surely tell."""
    practice = shown(heard(analyst(), reads=True))
    assert practice
    kinds = {finding.kind for finding in practice.findings}
    assert FindingKind.OVER_PROMISE in kinds
    assert FindingKind.DEFENSIVE in kinds
    rules = {finding.kind: finding.evidence.rule for finding in practice.findings}
    assert rules[FindingKind.OVER_PROMISE] == "over_promise: network, of the whole turn"
    assert rules[FindingKind.DEFENSIVE] != "defensive: network"  # by a phrase


def test_what_was_said_on_another_call_too_is_shown() -> None:
    """As an act of the answer and as a note, with the words; only where somebody looks for it, and not for itself."""
    first = [(role, text.replace("cold", "dark")) for role, text in SAID]
    formula = "We always do our very best for all of our valued customers here."
    first[6] = second = (Role.AGENT, formula)
    for repeats, expected in ((Repeats(b"key"), [f"{formula}"]), (None, [])):
        work = Analyst(ShiftRules(), 7, None, load(), repeats=repeats)
        own = shown(heard(work, first))
        other = shown(heard(work, [*SAID[:6], second], call_id="d"))
        assert own
        assert other
        assert other.answer
        assert [done.evidence.quote for done in other.answer.acts if done.act is Act.REPEATED] == expected
        found = [one for one in other.findings if one.kind is FindingKind.REPEATED_TEXT]
        assert [(one.side, one.evidence.quote) for one in found] == [(Side.NOTE, quote) for quote in expected]
        assert FindingKind.REPEATED_TEXT not in {one.kind for one in own.findings}


def test_a_fault_in_comparing_costs_only_that_turns_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The words are told, and the call goes on."""

    def broken(*_: object) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(Repeats, "heard", broken)
    outcome = heard(Analyst(ShiftRules(), 7, None, load(), repeats=Repeats(b"key")))
    assert isinstance(outcome.publications[0], Transcript)
    assert shown(outcome)


def test_where_nobody_looks_nothing_is_shown() -> None:
    """Neither in the state nor at the end."""
    work = Analyst(ShiftRules(), 7)
    outcome = heard(work)
    assert shown(outcome) is None
    assert debriefs(work, outcome.call) == []


@pytest.mark.parametrize(
    ("languages", "language"),
    [
        (Languages("en", judged=frozenset({"en"})), "es"),
        (Languages("fr", judged=frozenset({"*"})), "fr"),
    ],
    ids=["the scorer does not judge it", "there are no phrases for it"],
)
def test_a_language_that_is_not_judged(languages: Languages, language: str) -> None:
    """The state says so and nothing else; there is no debrief."""
    work = analyst(languages)
    outcome = heard(work, language=language)
    assert outcome.call.practice
    assert outcome.call.practice.practice == Practice(is_judged=False)
    assert debriefs(work, outcome.call) == []


def test_unknown_parties_are_not_judged() -> None:
    """Nobody knows whose words are the agent's."""
    legs = (Leg("1", Role.UNKNOWN), Leg("2", Role.UNKNOWN))
    assert shown(analyst().opened(CallOpened("c", "bridge", 1_000.0, legs), None, 1_000.0)) == Practice(is_judged=False)


def test_swapped_parties_are_not_judged() -> None:
    """What was found goes: it was said by the other."""
    said = [
        (Role.CUSTOMER, "thank you for calling"),
        (Role.AGENT, "i'm calling about my bill"),
        (Role.CUSTOMER, "can i take your name please"),
        (Role.AGENT, "it is ann lee of the old forge"),
    ]
    assert shown(heard(analyst(), said)) == Practice(is_judged=False)


def test_a_call_that_an_earlier_worker_has_stored() -> None:
    """It goes on, and practice is looked for from there on."""
    work = analyst()
    whole = msgspec.msgpack.decode(encode(heard(work, SAID[:7]).call))
    del whole["call"]["practice"]
    call = decode(msgspec.msgpack.encode(whole))
    assert call.practice is None
    recognition = Recognition(SAID[7][1], 0.9)
    outcome = asyncio.run(work.heard(spoken(7, Role.CUSTOMER), call, recognition, score, lambda: 2_000.0))
    practice = shown(outcome)
    assert practice
    assert practice.answer
    assert practice.answer.distress.quote in SAID[7][1]


def test_lost_words_are_no_silence() -> None:
    """Speech whose words an overloaded worker leaves out is speech all the same."""
    work = analyst()
    call = heard(work, SAID[:2]).call
    for sequence, at in ((2, 10.0), (3, 14.0), (4, 18.0)):
        call = work.dropped(spoken(sequence, Role.CUSTOMER, at), call, "overload", 2_000.0).call
    recognition = Recognition("Of course.", 0.9)
    told = work.heard(spoken(5, Role.AGENT, 22.5), call, recognition, score, lambda: 2_000.0)
    practice = asyncio.run(told).call.practice
    assert practice
    assert practice.timing.silences == 0


def test_lost_words_of_an_agent_may_have_been_of_help() -> None:
    """So nothing counts as left undone: no gap, and no "no"."""
    work = analyst()
    said = [(role, "What is the number?" if role is Role.AGENT else text) for role, text in SAID[:9]]
    for lost, verdicts in ((False, {Verdict.NO, Verdict.NOT_SEEN}), (True, {Verdict.NOT_SEEN})):
        call = heard(work, said[:4], reads_nothing=True).call
        if lost:
            call = work.dropped(spoken(4, Role.AGENT), call, "overload", 2_000.0).call
        for sequence, (role, text) in enumerate(said[4:], 5):
            told = work.heard(spoken(sequence, role), call, Recognition(text, 0.9), score, lambda: 2_000.0, nothing)
            call = asyncio.run(told).call
        (debrief,) = debriefs(work, call)
        assert {reply.verdict for reply in debrief.replies} == verdicts
        kinds = {gap.kind for gap in debrief.gaps}
        assert (FindingKind.AGITATION_LEFT in kinds) is not lost


def test_a_closed_call_that_goes_on_has_another_debrief() -> None:
    """The later one holds all that the earlier one held."""
    work = analyst()
    earlier, later = heard(work, SAID[:8]).call, heard(work).call
    (first,), (last,) = debriefs(work, earlier), debriefs(work, later)
    assert last.course[: len(first.course)] == first.course
    assert last.call_id == first.call_id
