"""What gives swapped parties away: as a table, and over the dialogues."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.call.analyst import Analyst
from analysis.call.swap import FIRST_TURNS, formulas, suspected
from analysis.languages.lexicon import shipped
from analysis.shift.detector import ShiftRules
from analysis.turns.turn import Turn
from analysis.words.recognition import Recognition
from callbus import CallOpened, CallState, Condition, ConditionKind, Leg, Role, Unit, Utterance
from tests.analysis.deciding import decided

ROOT = Path(__file__).parents[3]
OTHER = {Role.AGENT: Role.CUSTOMER, Role.CUSTOMER: Role.AGENT, Role.UNKNOWN: Role.UNKNOWN}
A, C = Role.AGENT, Role.CUSTOMER


def turns(*said: tuple[Role, str], swapped: bool = False) -> list[Turn]:
    """A call's turns."""
    roles = [OTHER[role] if swapped else role for role, _ in said]
    return [
        Turn(number, role, role, text, 10.0 * number, 10.0 * number + 5, 0.9, 1)
        for number, (role, (_, text)) in enumerate(zip(roles, said, strict=True))
    ]


@pytest.mark.parametrize(
    ("said", "own"),
    [
        ([(A, "Thank you for calling the repair team, how can I help?"), (C, "Hello, my washing machine leaks.")], 3),
        ([(A, "good morning peter speaking"), (C, "hi i'm calling about my bill")], 3),
        ([(A, "Can I have your account number, please?"), (C, "I'd like to cancel my order.")], 3),
        ([(A, "Bear with me."), (C, "I was told somebody would ring.")], 2),
        ([(A, "Yes."), (C, "No."), (A, "Good."), (C, "Thanks.")], 0),
    ],
)
def test_formulas(said: list[tuple[Role, str]], own: int) -> None:
    """Formulas count for the leg they stand on; two more on the other's than on their own are a reason to warn."""
    assert formulas(turns(*said)) == (own, 0)
    assert formulas(turns(*said, swapped=True)) == (0, own)
    assert suspected(turns(*said)) == 0
    assert suspected(turns(*said, swapped=True)) == own


def test_formulas_of_another_language() -> None:
    """They are those of the call's language, whatever its accents; without any there is no reason to warn."""
    said = turns(
        (A, "Gracias por llamar a Termosol, le atiende Bego\u00f1a, \u00bfen qu\u00e9 puedo ayudarle?"),
        (C, "Llamo por mi pedido, que no lleg\u00f3."),
        swapped=True,
    )
    assert suspected(said, shipped("es")) == 5
    assert suspected(said) == 0
    assert suspected(said, shipped("xx")) == 0


@pytest.mark.parametrize(
    "said",
    [
        [(C, "How can I help it if your driver cannot read?")],
        [(A, "I'm calling about your boiler, is now a good time?"), (C, "Who is speaking?")],
        [(A, "Thank you for calling, how can I help?"), (C, "Thank you for calling me back, bear with me.")],
        [(Role.UNKNOWN, "Thank you for calling, how can I help?")],
    ],
    ids=["one", "outbound", "echo", "unknown"],
)
def test_no_reason_to_warn(said: list[tuple[Role, str]]) -> None:
    """One formula alone, an agent who calls the customer, an echo, and a leg of which nobody said whose it is."""
    assert suspected(turns(*said)) == 0


def test_only_the_beginning_counts() -> None:
    """Later on an agent's words in a customer's mouth are a quotation."""
    late = [(C, "yes"), (A, "no")] * (FIRST_TURNS // 2) + [(C, "You said thank you for calling, how can I help?")]
    assert suspected(turns(*late)) == 0


def dialogues(folder: str) -> list[list[tuple[Role, str]]]:
    """Those of the files in a folder."""
    lines = [line for file in sorted((ROOT / folder).glob("*.jsonl")) for line in file.read_text().splitlines()]
    return [[(Role(turn["party"]), turn["text"]) for turn in json.loads(line)["turns"]] for line in lines]


def fires(said: list[tuple[Role, str]], swapped: bool) -> bool:
    """Whether the call is warned of at some moment."""
    heard = turns(*said, swapped=swapped)[:FIRST_TURNS]
    return any(suspected(heard[:count]) for count in range(1, len(heard) + 1))


def test_straight_calls_are_let_be() -> None:
    """At most one straight call in a hundred is warned of; of the swapped ones, how many is printed."""
    calls = dialogues("tests/dialogues")
    straight = sum(fires(said, swapped=False) for said in calls) / len(calls)
    swapped = sum(fires(said, swapped=True) for said in calls) / len(calls)
    print(f"{len(calls)} calls: {straight:.1%} of the straight ones are warned of, {swapped:.1%} of the swapped ones")
    assert straight <= 0.01
    assert swapped >= 0.3


def heard(call_legs: tuple[Leg, ...], *said: tuple[str, str]) -> list[tuple[Condition, ...]]:
    """What stands of a call's health after each of the words, each with its leg's id."""
    work = Analyst(ShiftRules(), 7)
    roles = {leg.leg_id: leg.role for leg in call_legs}
    call = work.opened(CallOpened("c", "b", 1_000.0, call_legs), None, 0.0).call
    stood = []
    for sequence, (leg_id, text) in enumerate(said):
        at = 5.0 * sequence
        utterance = Utterance("c", leg_id, roles[leg_id], sequence, at, at + 2, 1_000.0 + at, 8_000, b"")
        outcome = decided(work, utterance, call, Recognition(text, 0.9), 0.0)
        call = outcome.call
        assert call
        stood.append(call.health.standing)
    return stood


def test_a_suspicion_is_told_once() -> None:
    """It stands of the whole call from the words on that completed it; the roles stay as the recorder said."""
    legs = (Leg("1", Role.CUSTOMER), Leg("2", Role.AGENT, "Anna"))
    stood = heard(
        legs, ("1", "thank you for calling"), ("2", "i'm calling about my bill"), ("1", "can i take your name please")
    )
    swap = Condition(ConditionKind.PARTIES_SWAPPED, "", Role.UNKNOWN, 7.0, 3.0, Unit.PHRASES)
    assert stood == [(), (swap,), (swap,)]


def test_right_roles_end_it_for_good() -> None:
    """Metadata that exchanges the roles ends the suspicion, and the words of before do not raise it again."""
    work = Analyst(ShiftRules(), 7)
    wrong = (Leg("1", Role.CUSTOMER), Leg("2", Role.AGENT))
    right = (Leg("1", Role.AGENT), Leg("2", Role.CUSTOMER))
    call = work.opened(CallOpened("c", "b", 1_000.0, wrong), None, 0.0).call
    said = Utterance("c", "1", Role.CUSTOMER, 0, 0.0, 2.0, 1_002.0, 8_000, b"")
    call = decided(work, said, call, Recognition("thank you for calling how can i help", 0.9), 0.0).call
    assert call
    assert call.health.standing
    put_right = work.opened(CallOpened("c", "b", 1_000.0, right), call, 0.0)
    (state,) = put_right.publications
    assert isinstance(state, CallState)
    assert state.health == ()
    more = Utterance("c", "1", Role.AGENT, 1, 3.0, 4.0, 1_004.0, 8_000, b"")
    after = decided(work, more, put_right.call, Recognition("can i take your name", 0.9), 0.0).call
    assert after
    assert after.health.standing == ()
