"""What is found in a call's turns, by the readings of its turns."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from analysis.practice.findings import KEPT, KINDS, Marks
from analysis.practice.read_turn import ReadTurn, Sign, agent_turn, evidence
from analysis.turns.reading import Act, Wish
from callbus import FindingKind, Role, Side
from tests.analysis.practice.speaking import agent, customer, kinds, told, turn

K = FindingKind
LONG = "I have been waiting for this since the second of March and nobody has called me back, not once, not at all."
AGAIN = "That does not help me at all."

SAME = Sign(0.8, "We know how it is.", "repeated: said in 3 other calls")
"""What other calls have of a turn."""
LITTLE = Sign(0.4, "We know how it is.", "repeated: said in 1 other call")

CALLS: list[tuple[str, Sequence[ReadTurn], set[FindingKind], set[FindingKind]]] = [
    (
        "a feeling named, then nothing",
        [customer(0, LONG, -2), agent(1, "That must be hard.", Act.ACK), customer(2, AGAIN, -2), agent(3, "Hm, yes.")],
        {K.HOLLOW_EMPATHY},
        {K.AGITATION_LEFT},
    ),
    (
        "a formula",
        [customer(0, LONG, -2), agent(1, "We know how it is.", hollow=0.9), agent(2, "Hm, yes.")],
        {K.HOLLOW_EMPATHY},
        set(),
    ),
    (
        "words of other calls",
        [customer(0, LONG, -2), agent(1, "We know how it is.", repeated=SAME), agent(2, "Hm, yes.")],
        {K.REPEATED_TEXT},
        {K.HOLLOW_EMPATHY, K.BRUSH_OFF},
    ),
    (
        "some words of other calls",
        [customer(0, LONG, -2), agent(1, "We know how it is.", repeated=LITTLE), agent(2, "Hm, yes.")],
        set(),
        {K.REPEATED_TEXT},
    ),
    (
        "words of other calls to a calm customer",
        [customer(0, "Hello there.", 0), agent(1, "We know how it is.", repeated=SAME), agent(2, "Hm, yes.")],
        set(),
        set(K),
    ),
    (
        "a formula to a calm customer",
        [customer(0, "Hello there.", 0), agent(1, "We know how it is.", hollow=0.9), agent(2, "Hm, yes.")],
        set(),
        set(K),
    ),
    (
        "a feeling named, and a step in the next turn",
        [customer(0, LONG, -2), agent(1, "So hard.", Act.ACK), customer(2, AGAIN, -2), agent(3, "I'll go.", Act.NEXT)],
        set(),
        {K.HOLLOW_EMPATHY, K.AGITATION_LEFT, K.EMPATHY_ACTION_GAP},
    ),
    (
        "an honest limit with a feeling",
        [customer(0, LONG, -2), agent(1, "There's no copy, I'm sorry.", Act.ACK, Act.LIMIT), agent(2, "I know.")],
        set(),
        {K.HOLLOW_EMPATHY},
    ),
    (
        "all was done and it stays bad",
        [
            customer(0, LONG, -2),
            agent(1, "I hear you, I'm calling now.", Act.ACK, Act.NEXT),
            customer(2, AGAIN, -2),
            agent(3, "I'm on it.", Act.NEXT),
            customer(4, AGAIN, -2),
        ],
        {K.EMPATHY_ACTION_GAP},
        {K.AGITATION_LEFT, K.HOLLOW_EMPATHY},
    ),
    (
        "all was done, and it is good at last",
        [
            customer(0, LONG, -2),
            agent(1, "I hear you, I'm calling now.", Act.ACK, Act.NEXT),
            customer(2, AGAIN, -4),
            agent(3, "I'm on it.", Act.NEXT),
            customer(4, "All right, I hear them coming now.", 0.6),
        ],
        set(),
        {K.EMPATHY_ACTION_GAP, K.AGITATION_LEFT},
    ),
    (
        "nothing was done and it stays bad",
        [
            customer(0, LONG, -2),
            agent(1, "What's the number?"),
            customer(2, AGAIN, -2),
            agent(3, "And the date?"),
            customer(4, AGAIN, -2),
        ],
        {K.AGITATION_LEFT},
        {K.EMPATHY_ACTION_GAP},
    ),
    (
        "nothing was done and it got better",
        [
            customer(0, LONG, -2),
            agent(1, "What's the number?"),
            customer(2, "It's all right now.", 1),
            agent(3, "And the date?"),
            customer(4, "Lovely, thank you.", 1),
        ],
        set(),
        {K.AGITATION_LEFT},
    ),
    (
        "urgent, first a feeling and then a step",
        [
            customer(0, "He swallowed a battery.", 0, urgent=0.9),
            agent(1, "Oh, poor you.", Act.ACK),
            customer(2, "He's blue.", -1, urgent=0.9),
            agent(3, "I'm calling them now.", Act.NEXT),
        ],
        {K.FEELINGS_BEFORE_ACTION},
        {K.URGENCY_MET_AT_ONCE},
    ),
    (
        "urgent, a feeling and a needed question",
        [customer(0, "He swallowed a battery.", 0, urgent=0.9), agent(1, "Oh no. Is he breathing?", Act.ACK)],
        set(),
        {K.FEELINGS_BEFORE_ACTION},
    ),
    (
        "urgent, a formula and a question",
        [customer(0, "He swallowed a battery.", 0, urgent=0.9), agent(1, "Bless you. Your postcode?", hollow=0.9)],
        {K.FEELINGS_BEFORE_ACTION},
        set(),
    ),
    (
        "urgent, and a step at once",
        [customer(0, "He swallowed a battery.", 0, urgent=0.9), agent(1, "I'm calling them now.", Act.NEXT)],
        {K.URGENCY_MET_AT_ONCE},
        {K.FEELINGS_BEFORE_ACTION, K.HOLLOW_EMPATHY},
    ),
    (
        "urgent, and the feeling first",
        [customer(0, "He swallowed a battery.", 0, urgent=0.9), agent(1, "That must be frightening.", Act.ACK)],
        {K.FEELINGS_BEFORE_ACTION},
        {K.URGENCY_MET_AT_ONCE},
    ),
    (
        "urgent, and a needed question",
        [customer(0, "He swallowed a battery.", 0, urgent=0.9), agent(1, "How old is he?")],
        set(),
        {K.FEELINGS_BEFORE_ACTION, K.URGENCY_MET_AT_ONCE},
    ),
    (
        "not urgent, and the feeling first",
        [customer(0, LONG, -2), agent(1, "That must be hard.", Act.ACK)],
        set(),
        {K.FEELINGS_BEFORE_ACTION},
    ),
    (
        "a solution for somebody who wants to be heard",
        [customer(0, "I hardly know where to begin.", 0, wish=Wish.HEARD), agent(1, "I'll cancel it.", Act.NEXT)],
        {K.SOLUTION_BEFORE_HEARING},
        set(),
    ),
    (
        "a solution that takes up what they said",
        [
            customer(0, "I hardly know where to begin.", 0, wish=Wish.HEARD),
            agent(1, "I'll cancel it for the choir.", Act.NEXT, Act.SPECIFIC),
        ],
        {K.SPECIFIC_NEXT_STEP},
        {K.SOLUTION_BEFORE_HEARING},
    ),
    (
        "a solution for somebody who wants a plan",
        [customer(0, "How do I get back in?", 0, wish=Wish.PLAN), agent(1, "I'll reset it.", Act.NEXT)],
        set(),
        {K.SOLUTION_BEFORE_HEARING},
    ),
    (
        "a brush-off",
        [customer(0, LONG, 0), agent(1, "That's our policy.", Act.BRUSH_OFF), agent(2, "Goodbye.")],
        {K.BRUSH_OFF},
        set(),
    ),
    (
        "a brush-off at the end",
        [customer(0, LONG, 0), agent(1, "That's our policy.", Act.BRUSH_OFF)],
        {K.BRUSH_OFF},
        set(),
    ),
    (
        "a brush-off with another way in the next turn",
        [customer(0, LONG, 0), agent(1, "It's policy.", Act.BRUSH_OFF), agent(2, "The shop is open.", Act.ALTERNATIVE)],
        set(),
        {K.BRUSH_OFF},
    ),
    (
        "a limit with another way in the next turn",
        [customer(0, LONG, 0), agent(1, "Not today.", Act.LIMIT), agent(2, "The shop has one.", Act.ALTERNATIVE)],
        {K.HONEST_LIMIT_WITH_ALTERNATIVE},
        set(),
    ),
    (
        "a limit and another way much later",
        [
            customer(0, LONG, 0),
            agent(1, "Not today.", Act.LIMIT),
            agent(2, "So."),
            agent(3, "The shop has one.", Act.ALTERNATIVE),
        ],
        set(),
        {K.HONEST_LIMIT_WITH_ALTERNATIVE},
    ),
    (
        "a feeling in their own specifics",
        [customer(0, LONG, -2), agent(1, "Since March, that's long.", Act.ACK, Act.SPECIFIC)],
        {K.FEELING_PARAPHRASED},
        set(),
    ),
    (
        "heard out, then taken up",
        [
            customer(0, LONG, 0, start=0, end=20),
            agent(1, "Since the second of March.", Act.SPECIFIC, start=20.5, end=23),
        ],
        {K.LISTENING},
        set(),
    ),
    (
        "taken up before the end",
        [
            customer(0, LONG, 0, start=0, end=20),
            agent(1, "Since the second of March.", Act.SPECIFIC, start=15, end=18),
        ],
        set(),
        {K.LISTENING},
    ),
    (
        "whether it helped, after distress",
        [customer(0, LONG, -2), agent(1, "Does that help?", Act.VERIFY)],
        {K.CHECKED_IT_LANDED},
        set(),
    ),
    (
        "whether it helped, without distress",
        [customer(0, LONG, 0), agent(1, "Does that help?", Act.VERIFY)],
        set(),
        {K.CHECKED_IT_LANDED},
    ),
    (
        "by themselves",
        [
            customer(0, LONG, 0),
            agent(1, "I guarantee it.", Act.OVER_PROMISE),
            agent(2, "As I said.", Act.DEFENSIVE),
            agent(3, "What would help most?", Act.RESET),
        ],
        {K.OVER_PROMISE, K.DEFENSIVE, K.RESET_QUESTION},
        set(),
    ),
    (
        "heat for heat",
        [customer(0, LONG, -2), agent(1, "How dare you.")],
        {K.INTENSITY_MIRRORED},
        set(),
    ),
    (
        "a formal customer and a casual agent",
        [
            customer(0, "Good morning, sir. I should be grateful. I wish to complain.", 0),
            agent(1, "Yeah, hiya. No worries, mate. Cool."),
        ],
        {K.REGISTER_MISMATCH},
        set(),
    ),
]


@pytest.mark.parametrize(("turns", "found", "not_found"), [row[1:] for row in CALLS], ids=[row[0] for row in CALLS])
def test_what_a_call_shows(turns: Sequence[ReadTurn], found: set[FindingKind], not_found: set[FindingKind]) -> None:
    """Each finding where its rule says so, and none where it does not."""
    shown = kinds(told(turns))
    assert found <= shown
    assert not not_found & shown


@pytest.mark.parametrize("turns", [row[1] for row in CALLS], ids=[row[0] for row in CALLS])
def test_every_finding_has_its_proof(turns: Sequence[ReadTurn]) -> None:
    """Words that somebody said in a turn of the call, a rule and a confidence."""
    for finding in told(turns).now.ended().marks.findings():
        proof = finding.evidence
        assert proof.quote
        assert proof.rule
        assert 0 < proof.confidence <= 1
        assert proof.turn in {one.number for one in turns}


def test_confidence_is_that_of_the_readings() -> None:
    """The likelier a step, the less sure is hollow empathy; if it is more likely not hollow, it is not told."""
    sure = []
    for step in (0.0, 0.35, 0.45):
        state = told(
            [
                customer(0, LONG, -2),
                agent(1, "Well, well.", Act.ACK, sure=0.8),
                agent(2, "Perhaps.", Act.NEXT, sure=step),
            ]
        )
        sure += [one.evidence.confidence for one in state.now.marks.findings() if one.kind is K.HOLLOW_EMPATHY]
    assert sure == pytest.approx([0.8, 0.8 * 0.65])


def test_nothing_is_missed_where_only_phrases_read() -> None:
    """An act that no phrase finds may well be there, so its absence is no gap."""
    asked = [agent_turn(turn(number, Role.AGENT, "What's the number?"), {}, None) for number in (1, 3)]
    state = told([customer(0, LONG, -2), asked[0], customer(2, AGAIN, -2), asked[1], customer(4, AGAIN, -2)])
    assert K.AGITATION_LEFT not in kinds(state)


def test_every_kind_is_in_the_table() -> None:
    """With its side; what only a note tells is held against nobody."""
    assert KINDS.keys() == set(FindingKind)
    notes = {kind for kind, known in KINDS.items() if known.side is Side.NOTE}
    assert notes == {K.EMPATHY_ACTION_GAP, K.REGISTER_MISMATCH, K.REPEATED_TEXT}


def test_a_kind_is_found_once_a_turn_and_kept_to_its_bound() -> None:
    """The latest stay, and all are counted."""
    marks = Marks()
    for number in (1, 1, 2, 3):
        marks = marks.with_one(K.DEFENSIVE, evidence("no", number, float(number), "rule", 1.0))
    assert [one.evidence.turn for one in marks.findings()] == [2, 3]
    assert len(marks.findings()) == KEPT
    assert marks.count(Side.GAP) == 3


def test_a_kind_that_is_not_known_is_passed_over() -> None:
    """A newer Callvane may have stored it."""
    marks = Marks({"mediation": (evidence("no", 1, 1.0, "rule", 1.0),)}, {"mediation": 1})
    assert marks.findings() == []
    assert marks.count(Side.GAP) == 0
