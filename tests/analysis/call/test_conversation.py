"""One call's state: the scenarios by their words, turns that come in pieces, storage."""

from __future__ import annotations

from dataclasses import fields, replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.call.audio_health import Health
from analysis.call.conversation import RECENT_TURNS, Conversation, hear, joined, judge, opened, taken_over
from analysis.call.party import SCORES
from analysis.call.shown_state import state_of
from analysis.call.stored_state import STATE_VERSION, StateError, decode, encode
from analysis.call.succession import TakenOver
from analysis.turns.turn import Said
from analysis.words.voice import Voice
from callbus import CallClosed, CallOpened, Condition, ConditionKind, Leg, Mood, Phase, Role, Unit, Utterance
from testcall import scenario
from tests.analysis.spoken import LEGS, RULES, SCORER, declared, lines, misheard, play

SENTENCES = r"(?<=[.?!]) "
PHRASES = r"(?<=[.?!,]) "


@pytest.mark.parametrize("confidence", [0.7, 0.9, 1.0])
@pytest.mark.parametrize("split", ["", SENTENCES, PHRASES], ids=["whole", "sentences", "phrases"])
@pytest.mark.parametrize("name", scenario.names())
def test_scenario_raises_exactly_its_alerts(name: str, split: str, confidence: float) -> None:
    """Each declared alert comes once, in its turn, and no other does, however its turns are cut."""
    assert play(lines(name, split), confidence=confidence).alerts == declared(name)


@pytest.mark.parametrize("name", scenario.names())
def test_word_errors_seldom_change_the_alerts(name: str) -> None:
    """With four words in a hundred misheard, nine calls in ten still raise exactly their alerts."""
    right = sum(play(lines(name, SENTENCES), corrupt=misheard(seed, 4)).alerts == declared(name) for seed in range(100))
    assert right >= 90


def test_calm_calls_stay_calm_when_misheard() -> None:
    """Word errors make no alert out of a calm call full of product words."""
    calm = [play(lines("calm_with_product_words"), corrupt=misheard(seed, 10)).alerts for seed in range(100)]
    assert sum(map(bool, calm)) <= 2


@pytest.mark.parametrize("split", ["", SENTENCES], ids=["whole", "sentences"])
def test_only_who_came_upset_is_marked_so(split: str) -> None:
    """A call that opens upset ends as arrived upset; the calm one as calm."""
    moods = {name: play(lines(name, split)).state.mood for name in scenario.names()}
    assert moods == {
        "arrives_upset": Mood.ARRIVED_UPSET,
        "calm_with_product_words": Mood.CALM,
        "turns_and_recovers": Mood.RECOVERED,
        "turns_angry": Mood.WORSENED,
    }


def test_an_alert_proves_itself() -> None:
    """It quotes the customer's opening and the turns that moved it; its terms are words and sum to its score."""
    (alert,) = play(lines("turns_angry")).evidence
    assert [quote.text.split()[0] for quote in alert.before] == ["hi", "yes"]
    assert [quote.text.split()[0] for quote in alert.after] == ["that's", "this"]
    assert {quote.role for quote in alert.before + alert.after} == {Role.CUSTOMER}
    assert {"terrible", "angry"} <= {term.name for term in alert.terms}
    assert sum(term.value for term in alert.terms) == pytest.approx(alert.score)
    assert alert.score < 0 < alert.baseline
    assert alert.baseline - alert.level >= alert.threshold
    assert 0.5 < alert.confidence <= 1
    assert alert.legs == LEGS


def test_a_recovery_is_measured_from_the_worst() -> None:
    """Its quotes before are the turns that had worsened the call."""
    worsened, recovered = play(lines("turns_and_recovers")).evidence
    assert recovered.before == worsened.after
    assert recovered.score > 0


def test_alerts_are_the_same_for_whoever_finds_them() -> None:
    """The same call gives the same ids; another call, or the same id used again later, gives others."""
    first, second = (play(lines("turns_and_recovers")).evidence for _ in range(2))
    assert [alert.alert_id for alert in first] == [alert.alert_id for alert in second]
    assert len({alert.alert_id for alert in first}) == 2


def test_an_alert_comes_with_the_words_that_complete_it() -> None:
    """A turn of several utterances raises its alert before it is over, and once."""
    dialogue = lines("turns_angry", SENTENCES)
    (alert,) = play(dialogue).evidence
    assert alert.after[-1].text == "this is terrible service"


def test_unknown_roles_are_each_scored_as_customers() -> None:
    """Without a known customer every unknown leg is followed by itself, and the alert says that the role is unknown."""
    legs = (Leg("1", Role.AGENT), Leg("2", Role.UNKNOWN))
    renamed = [(Role.UNKNOWN if role is Role.CUSTOMER else role, said) for role, said in lines("turns_angry")]
    played = play(renamed, legs=legs)
    assert played.alerts == declared("turns_angry")
    assert {quote.role for quote in played.evidence[0].after} == {Role.UNKNOWN}


def test_unknown_legs_beside_a_customer_are_not_scored() -> None:
    """Where the customer is known, nobody else's words count."""
    call = Conversation("c", 0.0, (Leg("1", Role.CUSTOMER), Leg("2", Role.UNKNOWN)))
    assert not hear(call, Said("2", Role.UNKNOWN, "this is terrible", 0, 1, 0.9)).scored
    assert hear(call, Said("1", Role.CUSTOMER, "this is terrible", 0, 1, 0.9)).scored


def test_a_long_call_stays_small() -> None:
    """Turns and scores kept are bounded, and with them the stored state."""
    call = Conversation("c", 0.0, LEGS)
    for number in range(500):
        role, leg = (Role.AGENT, "1") if number % 2 else (Role.CUSTOMER, "2")
        heard = hear(call, Said(leg, role, "some words about a terrible bill " * 60, number, number + 0.5, 0.9))
        call = heard.conversation
        if heard.turn and heard.scored:
            call = judge(call, heard.turn, SCORER.score(heard.turn, ()), RULES, 0, 0).conversation
    assert call.next_turn == 500
    assert len(call.turns) <= RECENT_TURNS + 4
    assert len(state_of(call, 0).scores) == SCORES
    assert len(encode(call)) < 50_000


def test_state_survives_storage_at_any_moment() -> None:
    """A call taken over after each utterance gives the same alerts as one that never moved."""
    call = Conversation("call-1", 1_000.0, LEGS)
    alerts = []
    at = 0.0
    for index, (role, utterances) in enumerate(lines("turns_and_recovers", SENTENCES)):
        for text in utterances:
            call = decode(encode(call))
            said = Said("2" if role is Role.CUSTOMER else "1", role, text, at, at + 3, 0.9)
            at += 4
            heard = hear(call, said)
            call = decode(encode(heard.conversation))
            if heard.turn and heard.scored:
                verdict = judge(call, heard.turn, SCORER.score(heard.turn, ()), RULES, 0, 0)
                call = verdict.conversation
                if verdict.alert:
                    alerts.append((index, str(verdict.alert.kind)))
    assert alerts == declared("turns_and_recovers")


STATE_FIELDS = [each.name for each in fields(Conversation)]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        b"not msgpack",
        msgspec.msgpack.encode([1, 2]),
        msgspec.msgpack.encode({"version": 999, "call": {}}),
        msgspec.msgpack.encode({"version": STATE_VERSION, "call": {"call_id": 5}}),
        encode(Conversation("c", 0.0))[:-3],
        b"\x91" * 100_000,
        b"\x81\xa4call" * 2_000,
    ],
)
def test_broken_state_is_told(payload: bytes) -> None:
    """Stored state of another version, cut off or of another shape is refused."""
    with pytest.raises(StateError):
        decode(payload)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(0, 9), inner),
    max_leaves=8,
)


@given(st.binary() | values.map(msgspec.msgpack.encode), st.sampled_from(STATE_FIELDS), values)
def test_any_state_is_read_or_told(payload: bytes, name: str, value: object) -> None:
    """Any bytes, and any value for any part of a state, raise StateError and nothing else."""
    stored_call = msgspec.msgpack.decode(encode(Conversation("c", 0.0, (Leg("2", Role.CUSTOMER),))))
    stored_call["call"][name] = value
    for stored in (payload, msgspec.msgpack.encode(stored_call)):
        try:
            call = decode(stored)
        except StateError:
            continue
        assert encode(call)


def utterance(sequence: int) -> Utterance:
    """One of a customer's."""
    return Utterance("c", "2", Role.CUSTOMER, sequence, 9.0, 10.0, 1_010.0, 8_000, b"")


def test_a_call_met_in_its_middle() -> None:
    """It began where its first utterance says, and its leg is known."""
    call = joined(utterance(7)).passed(utterance(7))
    assert call.opened_at == 1_000.0
    assert call.legs == (Leg("2", Role.CUSTOMER),)


def test_opening_again_changes_the_legs_and_nothing_else() -> None:
    """What was heard stays, also where the opening message comes late and puts the beginning right."""
    grown = replace(opened(CallOpened("c", "bridge", 1_000.0, LEGS[:1], queue="billing"), None), next_turn=5)
    assert state_of(grown, 0.0).queue == "billing"
    assert opened(CallOpened("c", "bridge", 940.0, LEGS), grown) == replace(grown, legs=LEGS, opened_at=940.0)


def test_another_recording_keeps_what_is_known_of_each_party() -> None:
    """A customer's voice and open digits follow them to the leg that carries them now; faults of the old legs end."""
    loss = Condition(ConditionKind.LOSS, "2", Role.CUSTOMER, 5.0, 0.1, Unit.SHARE)
    swap = Condition(ConditionKind.PARTIES_SWAPPED, "", Role.UNKNOWN, 6.0, 2.0, Unit.PHRASES)
    voice = Voice()
    call = Conversation(
        "c", 1_000.0, LEGS, next_turn=4, health=Health((loss, swap)), voices={"2": voice}, open_digits={"2": 4, "1": 1}
    )
    legs = (Leg("2", Role.AGENT, "Anna"), Leg("9", Role.CUSTOMER))
    after = taken_over(TakenOver("c", 20.0, legs), call)
    assert (after.legs, after.next_turn, after.opened_at) == (legs, 4, 1_000.0)
    assert (after.voices, after.open_digits) == ({"9": voice}, {"9": 4, "2": 1})
    assert after.health.standing == (swap,)
    assert taken_over(TakenOver("c", 20.0, ()), call).legs == LEGS


def test_the_state_shown_ends_with_the_call() -> None:
    """A closing message gives phase, time and reason."""
    shown = state_of(Conversation("c", 5.0), 9.0, CallClosed("c", 8.5, 3.5, "bye"))
    assert (shown.phase, shown.closed_at, shown.reason) == (Phase.ENDED, 8.5, "bye")
