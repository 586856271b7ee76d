"""What an event makes of its call: new state, and what everybody is told. No I/O; the clock is passed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from analysis.call.audio_health import Health
from analysis.call.conversation import Conversation, hear, joined, judge, opened, state_of, taken_over
from analysis.call.succession import TakenOver
from analysis.shift.detector import ShiftRules
from analysis.turns.score import Score
from analysis.turns.turn import Said, Turn
from analysis.words.recognition import ERROR, Recognition
from analysis.words.redaction import redact
from callbus import Alert, CallClosed, CallEvent, CallOpened, CallState, Phase, Transcript, Utterance
from callbus.messages.wire import ForkEvent, Publication

TRANSCRIPT_CHARACTERS = 10_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to be committed for one event."""

    call: Conversation
    publications: tuple[Publication, ...] = ()
    alert: Alert | None = None
    scored: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A turn that is to be scored before anything can be told of its utterance."""

    turn: Turn
    call: Conversation
    """With the words in it."""
    event: Utterance
    recognition: Recognition
    earlier: CallState
    """What a screen showed before."""

    @property
    def history(self) -> tuple[Turn, ...]:
        """The turns of both parties before it, oldest first."""
        return self.call.before(self.turn)


class Analyst:
    """Turns events into outcomes by the detector's rules and the scores that it is given."""

    def __init__(self, rules: ShiftRules, redacted_digits: int) -> None:
        self._rules = rules
        self._redacted_digits = redacted_digits

    def opened(self, event: CallOpened, call: Conversation | None, now: float) -> Outcome:
        """A call begins, or its legs change."""
        call = opened(event, call)
        return Outcome(call, (state_of(call, now),))

    def taken_over(self, event: TakenOver, call: Conversation | None, now: float) -> Outcome:
        """Another recording of the call is heard from here on."""
        changed = taken_over(event, call or Conversation(event.call_id, max(0.0, now - event.at_seconds)))
        return Outcome(changed, (state_of(changed, now),))

    def told(self, event: CallEvent, call: Conversation | None, now: float) -> Outcome:
        """Something is the matter with a call's audio, or is no more."""
        call = call or Conversation(event.call_id, max(0.0, now - event.at_seconds))
        changed = replace(call, health=call.health.after(event))
        return Outcome(changed, tuple(_news(changed, state_of(call, 0.0), now)))

    def closed(
        self, event: CallClosed, call: Conversation | None, now: float, shown: CallState | None = None
    ) -> Outcome:
        """A call ends, unless another recording of it opens soon.

        `shown`: how a screen shows a call of which nothing else is known; none where it shows none.
        """
        if call is None:
            unknown = Conversation(event.call_id, max(0.0, event.closed_at - event.duration_seconds))
            return Outcome(unknown, (_ended(shown, event, now),) if shown else ())
        ended = replace(call, health=call.health.handed_over(event.duration_seconds))
        return Outcome(ended, (state_of(call, now, event),))

    def heard(
        self, event: Utterance, call: Conversation | None, recognition: Recognition, now: float
    ) -> Outcome | Question:
        """An utterance, with the words that were heard in it; a question where a score decides."""
        call = call or joined(event)
        earlier = state_of(call, 0.0)
        call = call.passed(event)
        if recognition.dropped:
            return Outcome(call, (self._transcript(event, call, recognition, now), *_news(call, earlier, now)))
        clean = redact(recognition.text, self._redacted_digits, call.open_digits.get(event.leg_id, 0))
        call = replace(call, open_digits=_open_digits(call, event.leg_id, clean.open_digits))
        call, arousal = call.listened(event.leg_id, recognition.voice, event.end_seconds - event.start_seconds)
        said = Said(
            event.leg_id,
            event.role,
            clean.text,
            event.start_seconds,
            event.end_seconds,
            recognition.confidence,
            arousal,
        )
        heard = hear(call, said)
        call, turn = heard.conversation, heard.turn
        health = call.health.listened([judged.turn for judged in call.turns], max(0.0, said.end_seconds))
        call = replace(call, health=health)
        recognition = replace(recognition, text=clean.text)
        if turn is None or not heard.scored:
            transcript = self._transcript(event, call, recognition, now, turn=turn.number if turn else None)
            return Outcome(call, (transcript, *_news(call, earlier, now)))
        return Question(turn, call, event, recognition, earlier)

    def answered(self, question: Question, score: Score, now: float) -> Outcome:
        """The utterance behind a question, by its turn's score."""
        turn, event = question.turn, question.event
        verdict = judge(question.call, turn, score, self._rules, event.ended_at, now)
        call = verdict.conversation
        transcript = self._transcript(
            event, call, question.recognition, now, turn=turn.number, score=verdict.score.value
        )
        alerts = (verdict.alert,) if verdict.alert else ()
        publications = (transcript, *alerts, *_news(call, question.earlier, now))
        return Outcome(call, publications, verdict.alert, scored=True)

    def dropped(self, event: Utterance, call: Conversation | None, why: str, now: float) -> Outcome:
        """An utterance whose words are not known, or not waited for any more: it is told as dropped."""
        after = (call or joined(event)).passed(event)
        return Outcome(after, (self._transcript(event, after, Recognition(dropped=why), now),))

    def failed(self, event: ForkEvent | TakenOver, call: Conversation | None, now: float) -> Outcome:
        """An event on which analysis itself broke: a call still ends, its words are told as dropped, the rest stays."""
        match event:
            case Utterance():
                return self.dropped(event, call, ERROR, now)
            case CallClosed():
                known = replace(call or Conversation(event.call_id, event.closed_at), health=Health())
                return Outcome(known, (state_of(known, now, event),))
            case _:
                known = call or Conversation(event.call_id, now)
                return Outcome(known, () if call else (state_of(known, now),))

    def _transcript(
        self,
        event: Utterance,
        call: Conversation,
        recognition: Recognition,
        now: float,
        *,
        turn: int | None = None,
        score: float | None = None,
    ) -> Transcript:
        return Transcript(
            call_id=event.call_id,
            leg_id=event.leg_id,
            role=event.role,
            sequence=event.sequence,
            turn=max(0, call.next_turn - 1) if turn is None else turn,
            start_seconds=event.start_seconds,
            end_seconds=event.end_seconds,
            text=recognition.text[:TRANSCRIPT_CHARACTERS],
            confidence=recognition.confidence,
            score=score,
            published_at=now,
            dropped=recognition.dropped,
        )


def _ended(shown: CallState, event: CallClosed, now: float) -> CallState:
    return replace(shown, phase=Phase.ENDED, updated_at=now, closed_at=event.closed_at, reason=event.reason)


def _news(call: Conversation, earlier: CallState, now: float) -> Sequence[Publication]:
    """The call's state, where a screen would show it otherwise than before."""
    return (state_of(call, now),) if state_of(call, 0.0) != earlier else ()


def _open_digits(call: Conversation, leg_id: str, digits: int) -> dict[str, int]:
    others = {leg: count for leg, count in call.open_digits.items() if leg != leg_id}
    return {**others, leg_id: digits} if digits else others
