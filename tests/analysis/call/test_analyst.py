"""What an event makes of its call: state, transcripts, alerts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analysis.call.analyst import Analyst
from analysis.call.conversation import Conversation
from analysis.shift.detector import ShiftRules
from analysis.turns.score import Score
from analysis.words.recognition import Recognition
from callbus import Alert, CallClosed, CallOpened, CallState, Leg, Mood, Phase, Role, Transcript, Utterance
from callbus.messages.wire import Publication
from tests.analysis.deciding import decided

OPENED = CallOpened("c", "bridge", 1_000.0, (Leg("1", Role.AGENT, "Anna"), Leg("2", Role.CUSTOMER)))


def analyst() -> Analyst:
    """With the word list's rules."""
    return Analyst(ShiftRules(), 7)


def utterance(sequence: int, role: Role = Role.CUSTOMER) -> Utterance:
    """Two seconds of a call, ten seconds apart."""
    at = 10.0 * sequence
    return Utterance("c", "1" if role is Role.AGENT else "2", role, sequence, at, at + 2, 1_000 + at + 2, 8_000, b"")


def kinds(publications: tuple[Publication, ...]) -> list[str]:
    """Their types."""
    return [type(publication).__name__ for publication in publications]


def test_a_call_from_its_opening_to_its_end() -> None:
    """Transcripts come with turn and score, the alert with the words that completed it, the state when it changed."""
    work = analyst()
    outcome = work.opened(OPENED, None, 1_000.5)
    assert kinds(outcome.publications) == ["CallState"]
    said = [
        (Role.AGENT, "how can i help you"),
        (Role.CUSTOMER, "good morning i would like to check my bill please"),
        (Role.AGENT, "of course"),
        (Role.CUSTOMER, "thank you it is on the right hand side"),
        (Role.AGENT, "that is the late fee"),
        (Role.CUSTOMER, "that is wrong and i am really frustrated about it"),
        (Role.AGENT, "i can not change it"),
        (Role.CUSTOMER, "this is terrible service and i am very angry now"),
    ]
    for sequence, (role, text) in enumerate(said):
        outcome = decided(work, utterance(sequence, role), outcome.call, Recognition(text, 0.9), 2_000.0 + sequence)
        transcript = outcome.publications[0]
        assert isinstance(transcript, Transcript)
        assert (transcript.text, transcript.turn, transcript.dropped) == (text, sequence, "")
        assert (transcript.score is None) == (role is Role.AGENT)
        assert isinstance(outcome.publications[-1], CallState)
    assert kinds(outcome.publications) == ["Transcript", "Alert", "CallState"]
    alert = outcome.alert
    assert isinstance(alert, Alert)
    assert (alert.spoken_at, alert.raised_at, alert.turn, alert.at_seconds) == (1_072.0, 2_007.0, 7, 72.0)
    closed = work.closed(CallClosed("c", 1_080.0, 80.0, "bye"), outcome.call, 2_100.0)
    (ended,) = closed.publications
    assert closed.call.next_turn == 8
    assert isinstance(ended, CallState)
    assert (ended.phase, ended.turns, ended.mood) == (Phase.ENDED, 8, "worsened")


@pytest.mark.parametrize("reason", ["silence", "hallucination", "overload", "error"])
def test_what_is_dropped_is_told(reason: str) -> None:
    """An utterance without words leaves a transcript that says why, and no turn."""
    outcome = decided(
        analyst(), utterance(4), Conversation("c", 1_000.0, OPENED.legs), Recognition(dropped=reason), 0.0
    )
    (transcript,) = outcome.publications
    assert isinstance(transcript, Transcript)
    assert (transcript.dropped, transcript.text, transcript.score) == (reason, "", None)
    assert outcome.call.next_turn == 0
    assert outcome.call.legs == OPENED.legs


def test_numbers_leave_redacted() -> None:
    """A card number read in two utterances stands in no transcript, turn or alert beyond its first few digits."""
    work = analyst()
    call = work.opened(OPENED, None, 0.0).call
    first = decided(work, utterance(0), call, Recognition("it is four seven two nine", 0.9), 0.0)
    second = decided(work, utterance(1), first.call, Recognition("one one two two thank you", 0.9), 0.0)
    transcript = second.publications[0]
    assert isinstance(transcript, Transcript)
    assert transcript.text == "[digits] thank you"
    assert second.call.turns[0].turn.text == "it is four seven two nine [digits] thank you"


def test_a_scorer_sees_what_was_said_before() -> None:
    """It gets the customer's turn and the turns of both parties before it."""
    seen = []

    class Noting:
        def score(self, turn, history):  # type: ignore[no-untyped-def]
            seen.append((turn.text, [earlier.text for earlier in history]))
            return Score(0.0, 1.0, ())

    work, noting = analyst(), Noting()
    call = work.opened(OPENED, None, 0.0).call
    for sequence, (role, text) in enumerate(
        [(Role.CUSTOMER, "one"), (Role.AGENT, "two"), (Role.CUSTOMER, "three"), (Role.CUSTOMER, "four")]
    ):
        call = decided(work, utterance(sequence, role), call, Recognition(text, 0.9), 0.0, noting).call
    assert seen == [("one", []), ("three", ["one", "two"]), ("three four", ["one", "two"])]


def test_a_close_without_a_call_ends_what_a_screen_shows() -> None:
    """A call whose state is gone ends as it was shown last, mood and legs too; one that nobody shows is silent."""
    closed = CallClosed("c", 1_080.0, 80.0, "rtp_timeout")
    shown = CallState(
        "c", Phase.ACTIVE, 1_000.0, 1_070.0, None, "", (Leg("1", Role.CUSTOMER),), Mood.WORSENED, -3.0, 1.0, 9
    )
    (ended,) = analyst().closed(closed, None, 2_000.0, shown).publications
    assert ended == replace(shown, phase=Phase.ENDED, updated_at=2_000.0, closed_at=1_080.0, reason="rtp_timeout")
    assert analyst().closed(closed, None, 2_000.0).publications == ()


def test_what_analysis_breaks_on_is_passed() -> None:
    """The utterance is told as an error, and its leg is known."""
    outcome = analyst().failed(utterance(2), None, 0.0)
    (transcript,) = outcome.publications
    assert isinstance(transcript, Transcript)
    assert transcript.dropped == "error"
    assert outcome.call.legs == (Leg("2", Role.CUSTOMER),)
