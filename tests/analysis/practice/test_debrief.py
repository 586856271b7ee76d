"""The debrief at a call's end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from analysis.practice.debrief import debrief
from analysis.practice.read_turn import ReadTurn, agent_turn, evidence
from analysis.practice.state import State, Turning
from analysis.turns.reading import Act
from callbus import Debrief, FindingKind, Question, Role, ShiftKind, Side, Verdict
from callbus.messages.debrief import MOST_POINTS
from callbus.messages.wire import decode_publication, encode_publication
from tests.analysis.practice.speaking import agent, customer, told, turn

LONG = "I have been waiting for this since the second of March and nobody has called me back."
Q = Question
YES, NO, NOT_SEEN = Verdict.YES, Verdict.NO, Verdict.NOT_SEEN


def of(turns: Sequence[ReadTurn]) -> Debrief:
    """That of a call, as it is read from the wire."""
    told_of = debrief(told(turns), "c", 1.0, 2.0, "billing")
    assert told_of
    assert decode_publication(encode_publication(told_of)) == told_of
    return told_of


@pytest.mark.parametrize(
    ("turns", "verdicts"),
    [
        ([customer(0, LONG, 0), agent(1, "Yes.")], [NOT_SEEN, NOT_SEEN, NOT_SEEN, NOT_SEEN]),
        ([customer(0, LONG, -2), agent(1, "Yes."), agent(2, "No.")], [NO, NOT_SEEN, NO, NOT_SEEN]),
        (
            [customer(0, LONG, -2), agent(1, "Since March. I'm on it.", Act.ACK, Act.SPECIFIC, Act.NEXT)],
            [YES, YES, YES, NO],
        ),
        (
            [
                customer(0, LONG, -2),
                agent(1, "Since March. I'm on it. All right?", Act.ACK, Act.SPECIFIC, Act.NEXT, Act.VERIFY),
            ],
            [YES, YES, YES, YES],
        ),
        (
            [customer(0, LONG, -2), agent(1, "We know how it is.", Act.ACK, hollow=0.9), agent(2, "Well.")],
            [NO, NO, NO, NOT_SEEN],
        ),
        (
            [
                customer(0, LONG, -2),
                agent(1, "I told you.", Act.DEFENSIVE),
                agent(2, "I'm sorry, since March.", Act.ACK, Act.SPECIFIC, start=9),
            ],
            [YES, YES, NO, NOT_SEEN],
        ),
        (
            [customer(0, LONG, -2), agent(1, "I'm sorry, I'm on it.", Act.ACK), agent(2, "I told you.", Act.DEFENSIVE)],
            [NO, NO, NO, NOT_SEEN],
        ),
        (
            [
                customer(0, LONG, 0, urgent=0.9),
                agent(1, "I'm calling them.", Act.NEXT),
                agent(2, "All right?", Act.VERIFY),
            ],
            [YES, YES, YES, YES],
        ),
        (
            [customer(0, LONG, -2), agent(1, "I can't. The shop can.", Act.LIMIT, Act.ALTERNATIVE)],
            [NO, NOT_SEEN, YES, NO],
        ),
    ],
    ids=[
        "a calm call",
        "nothing",
        "all but the check",
        "all",
        "hollow",
        "made up for",
        "spoilt",
        "urgent: acting is what meets it",
        "another way is a step",
    ],
)
def test_the_four_questions(turns: Sequence[ReadTurn], verdicts: list[Verdict]) -> None:
    """Core, tone, step, check: answered from the words, with the words that say so where the answer is yes."""
    replies = of(turns).replies
    assert [reply.question for reply in replies] == list(Question)
    assert [reply.verdict for reply in replies] == verdicts
    assert all(reply.evidence for reply in replies if reply.verdict is YES)


def test_nothing_is_denied_where_only_phrases_read() -> None:
    """What no phrase finds is not seen, which is no "no"."""
    said = [agent_turn(turn(number, Role.AGENT, "What's the number?"), {}, None) for number in (1, 2)]
    assert {reply.verdict for reply in of([customer(0, LONG, -2), *said]).replies} == {NOT_SEEN}


def test_an_answer_that_nobody_checked_is_a_gap() -> None:
    """It quotes the step that nobody asked about."""
    told_of = of([customer(0, LONG, -2), agent(1, "I'm on it.", Act.NEXT)])
    (gap,) = [one for one in told_of.gaps if one.kind is FindingKind.NOT_VERIFIED]
    assert gap.evidence.quote == "I'm on it."


def test_each_side_stands_by_itself() -> None:
    """Strengths, gaps and notes, each in the order of the call."""
    told_of = of(
        [
            customer(0, LONG, -2),
            agent(1, "I told you.", Act.DEFENSIVE),
            agent(2, "Since March. I'm on it.", Act.ACK, Act.SPECIFIC, Act.NEXT),
        ]
    )
    for side, found in ((Side.STRENGTH, told_of.strengths), (Side.GAP, told_of.gaps), (Side.NOTE, told_of.notes)):
        assert all(one.side is side for one in found)
    assert told_of.counts.strengths == len(told_of.strengths)
    assert told_of.counts.gaps == len(told_of.gaps)


@pytest.mark.parametrize("turns", [1, MOST_POINTS, MOST_POINTS + 1, 500])
def test_the_course_is_bounded(turns: int) -> None:
    """A long call's is coarser, and still reaches from its first turn to nearly its last."""
    course = of([customer(number, "That is it.", -1, start=float(number)) for number in range(turns)]).course
    assert len(course) <= MOST_POINTS
    assert course[0].at_seconds < 2
    assert course[-1].at_seconds > turns - 1 - turns / MOST_POINTS * 2


def test_turning_points_are_the_shifts() -> None:
    """An interruption takes the place of the mark that it grew from."""
    mark, grown = (Turning(True, evidence(text, 1, 1.0, "shift detector", 0.7)) for text in ("bad", "worse"))
    state = told([customer(0, LONG, -2)]).turned(mark, grown=False).turned(grown, grown=True)
    state = state.turned(replace(mark, is_worse=False), grown=False)
    told_of = debrief(state, "c", 1.0, 2.0, "")
    assert told_of
    shifts = [(point.kind, point.evidence.quote) for point in told_of.turning_points]
    assert shifts == [(ShiftKind.WORSENED, "worse"), (ShiftKind.RECOVERED, "bad")]


def test_a_call_of_which_nothing_is_known_has_none() -> None:
    """One that is not judged, or in which the customer has said nothing."""
    assert debrief(State(), "c", 1.0, 2.0, "") is None
    assert debrief(State(is_judged=False), "c", 1.0, 2.0, "") is None
