"""The effect of an event on its call: the new state and what is published. No I/O; the clock is passed in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from analysis.call import practised
from analysis.call.audio_health import Health
from analysis.call.contact import unsaid
from analysis.call.conversation import Conversation, hear, joined, judge, noted, opened, taken_over
from analysis.call.shown_state import state_of
from analysis.call.succession import TakenOver, Told
from analysis.call.written import Wrote, wrote
from analysis.languages.lexicon import ENGLISH, Lexicon, shipped
from analysis.practice.phrases import Phrases
from analysis.practice.repeated import Repeats
from analysis.scorers.listed import LISTED_RULES, listed_score
from analysis.shift.detector import ShiftRules
from analysis.turns.reading import AgentReading
from analysis.turns.score import Score
from analysis.turns.turn import Said, Turn
from analysis.words.language import Languages, Spoken
from analysis.words.recognition import ERROR, OVERLOAD, Recognition
from analysis.words.redaction import redact
from callbus import (
    Alert,
    CallClosed,
    CallEvent,
    CallOpened,
    CallState,
    Channel,
    Contact,
    Phase,
    Role,
    Transcript,
    Utterance,
    WrittenTurn,
)
from callbus.messages.wire import Publication

TRANSCRIPT_CHARACTERS = 10_000
LOST = (OVERLOAD, ERROR)
"""Why speech has no words, though there were some."""
JUDGED, NOT_JUDGED = "judged", "not_judged"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to commit for one event."""

    call: Conversation
    publications: tuple[Publication, ...] = ()
    alert: Alert | None = None
    scored: bool = False
    decided: str = ""
    """`JUDGED` or `NOT_JUDGED` by the scorer, if the call's language was decided now."""


Ask = Callable[[Turn, Sequence[Turn]], Awaitable[Score]]
"""Scores a turn, given the earlier turns of both parties, oldest first."""
Read = Callable[[Turn, Sequence[Turn]], Awaitable[AgentReading | None]]
"""Reads an agent's English turn, given the same; None if it cannot."""
Clock = Callable[[], float]
"""Unix seconds."""


class Analyst:
    """Turns events into outcomes, using the detector's rules and the given scores."""

    def __init__(
        self,
        rules: ShiftRules,
        redacted_digits: int,
        languages: Languages | None = None,
        phrases: Mapping[str, Phrases] | None = None,
        lexicons: Mapping[str, Lexicon] | None = None,
        by_lists: Collection[str] = (),
        repeats: Repeats | None = None,
    ) -> None:
        """`phrases`: by language, what is looked for in how the agent meets a call; None to look for nothing.

        `lexicons`: by language, what callers say outright; None for the shipped English one. `by_lists`: languages in
        which only these score turns. `repeats`: learns what agents say, and knows what was said on other calls; None
        to look for no repeated text.
        """
        self._rules = rules
        self._listed_rules = replace(LISTED_RULES, refractory_seconds=rules.refractory_seconds)
        self._redacted_digits = redacted_digits
        self._languages = languages or Languages(detects=False)
        self._phrases = phrases
        self._lexicons = {ENGLISH: shipped()} if lexicons is None else lexicons
        self._by_lists = by_lists
        self._repeats = repeats

    def opened(
        self, event: CallOpened, call: Conversation | None, now: float, counted: Contact | None = None
    ) -> Outcome:
        """A call starts, or its legs or what is known of its caller change. `counted`: the caller's contacts."""
        call = self._settled(opened(event, call, counted))
        return Outcome(call, (state_of(call, now),))

    def taken_over(self, event: TakenOver, call: Conversation | None, now: float) -> Outcome:
        """Another recording of the call is heard from now on."""
        changed = taken_over(event, call or Conversation(event.call_id, max(0.0, now - event.at_seconds)))
        return Outcome(changed, (state_of(changed, now),))

    def told(self, event: CallEvent, call: Conversation | None, now: float) -> Outcome:
        """An audio fault starts or ends."""
        call = call or Conversation(event.call_id, max(0.0, now - event.at_seconds))
        changed = replace(call, health=call.health.after(event))
        return Outcome(changed, tuple(_news(event, changed, state_of(call, 0.0), now)))

    def closed(
        self, event: CallClosed, call: Conversation | None, now: float, shown: CallState | None = None
    ) -> Outcome:
        """A call ends, unless another recording of it opens soon.

        `shown`: the call as the board shows it, if nothing else is known of it; None if it is not on the board.
        """
        if call is None:
            unknown = Conversation(event.call_id, max(0.0, event.closed_at - event.duration_seconds))
            return Outcome(unknown, (_ended(shown, event, now),) if shown else ())
        ended = replace(call, health=call.health.handed_over(event.duration_seconds))
        told = practised.debriefed(call, event)
        return Outcome(ended, (state_of(call, now, event), *((told,) if told else ())))

    async def heard(
        self,
        event: Utterance | Wrote,
        call: Conversation | None,
        recognition: Recognition,
        ask: Ask,
        clock: Clock,
        read: Read | None = None,
    ) -> Outcome:
        """An utterance with its recognized words, or a written turn.

        `ask` is awaited if a turn needs a score, and `read` if it is an agent's; without `read`, phrases tell what an
        agent does.
        """
        call = call or joined(event)
        earlier, was_open = state_of(call, 0.0), not call.spoken.language
        spoken = self._languages.heard(call.spoken, recognition.languages, recognition.speech_seconds)
        if self._is_listed(call.spoken) is not self._is_listed(spoken):
            call = replace(call, parties={})  # what was scored another way cannot be compared
        call = self._settled(replace(call.passed(event), spoken=spoken))
        outcome = await self._read(event, call, earlier, recognition, ask, clock, read)
        decided = was_open and spoken.language
        return replace(outcome, decided=JUDGED if call.is_judged else NOT_JUDGED) if decided else outcome

    async def _read(
        self,
        event: Utterance | Wrote,
        call: Conversation,
        earlier: CallState,
        recognition: Recognition,
        ask: Ask,
        clock: Clock,
        read: Read | None,
    ) -> Outcome:
        if recognition.dropped:
            if recognition.dropped in LOST:
                call = practised.missed(call, _said(event, recognition, 0.0))
            now = clock()
            return Outcome(call, (self._transcript(event, call, recognition, now), *_news(event, call, earlier, now)))
        call, recognition, arousal = self._listened(event, call, recognition)
        said = _said(event, recognition, arousal)
        placed = hear(call, said)
        call, turn = placed.conversation, placed.turn
        call = replace(
            call,
            health=call.health.listened(
                [each.turn for each in call.turns], max(0.0, event.end_seconds), self._lexicon_of(call)
            ),
        )
        is_judged, phrases = self._languages.is_to_be_scored(call.spoken), self._phrases_of(call)
        if turn and placed.scored and self._languages.presumed(call.spoken) == ENGLISH:
            call = noted(call, turn)
        if not call.channel.is_written and (turn is None or placed.scored or turn.role is Role.AGENT):
            call = practised.spoke(call, said, turn, phrases)
        if turn is None or not placed.scored or not is_judged:
            if turn and is_judged and turn.role is Role.AGENT and call.practice:
                is_english = self._languages.presumed(call.spoken) == ENGLISH
                found = await read(turn, call.before(turn)) if read and is_english else None
                call = practised.answered(call, turn, found, phrases, self._repeats, clock())
            now = clock()
            transcript = self._transcript(event, call, recognition, now, turn=turn.number if turn else None)
            return Outcome(call, (transcript, *_news(event, call, earlier, now)))
        lexicon, is_listed = self._lexicon_of(call), self._is_listed(call.spoken)
        score = listed_score(turn, lexicon) if is_listed else await ask(turn, call.before(turn))
        now = clock()
        rules = self._listed_rules if is_listed else self._rules
        verdict = judge(call, turn, score, rules, event.ended_at, now, lexicon)
        call, alert = verdict.conversation, verdict.alert
        call = practised.scored(call, turn, verdict.score, alert, phrases)
        transcript = self._transcript(event, call, recognition, now, turn=turn.number, score=verdict.score.value)
        publications = (transcript, *((alert,) if alert else ()), *_news(event, call, earlier, now))
        return Outcome(call, publications, alert, scored=True)

    def _settled(self, call: Conversation) -> Conversation:
        """The call, by what is settled of its language. What invented words led to goes once they are known as such."""
        is_judged = self._languages.is_judged(call.spoken.language or self._languages.expected)
        contact = call.contact if call.spoken.language in ("", ENGLISH) else unsaid(call.contact)
        call = replace(call, is_judged=is_judged, parties=call.parties if is_judged else {}, contact=contact)
        if self._phrases is None:
            return replace(call, practice=None)
        language = self._languages.presumed(call.spoken)
        return practised.watched(call, is_readable=not language or language in self._phrases)

    def _phrases_of(self, call: Conversation) -> Phrases:
        """Those of the call's language; none where there are none."""
        return (self._phrases or {}).get(self._languages.presumed(call.spoken)) or Phrases()

    def _lexicon_of(self, call: Conversation) -> Lexicon:
        """That of the call's language; an empty one where there is none."""
        language = self._languages.presumed(call.spoken)
        return self._lexicons.get(language, Lexicon(language))

    def _is_listed(self, spoken: Spoken) -> bool:
        """Whether lists alone score what is said now."""
        return self._languages.presumed(spoken) in self._by_lists

    def _listened(
        self, event: Utterance | Wrote, call: Conversation, recognition: Recognition
    ) -> tuple[Conversation, Recognition, float]:
        """The call after this speech; the words without long digit runs; the voice's arousal above the caller's own."""
        clean = redact(recognition.text, self._redacted_digits, call.open_digits.get(event.leg_id, 0))
        call = replace(call, open_digits=_open_digits(call, event.leg_id, clean.open_digits))
        call, arousal = call.listened(event.leg_id, recognition.voice, event.end_seconds - event.start_seconds)
        return call, replace(recognition, text=clean.text), arousal

    def dropped(self, event: Utterance | Wrote, call: Conversation | None, why: str, now: float) -> Outcome:
        """An utterance or written turn without words, or no longer worth waiting for: published as dropped."""
        after = (call or joined(event)).passed(event)
        if why in LOST:
            after = practised.missed(after, _said(event, Recognition(), 0.0))
        return Outcome(after, (self._transcript(event, after, Recognition(dropped=why), now),))

    def failed(self, event: Told, call: Conversation | None, now: float) -> Outcome:
        """An event that raised a fault in analysis: a call still ends, words are dropped, all else stays."""
        match event:
            case Utterance() | Wrote():
                return self.dropped(event, call, ERROR, now)
            case WrittenTurn():
                return self.dropped(wrote(None, event, now), call, ERROR, now)
            case CallClosed():
                known = replace(call or Conversation(event.call_id, event.closed_at), health=Health())
                return Outcome(known, (state_of(known, now, event),))
            case _:
                known = call or Conversation(event.call_id, now)
                return Outcome(known, () if call else (state_of(known, now),))

    def _transcript(
        self,
        event: Utterance | Wrote,
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


def _said(event: Utterance | Wrote, recognition: Recognition, arousal: float) -> Said:
    start, end = event.start_seconds, event.end_seconds
    channel = event.channel if isinstance(event, Wrote) else Channel.PHONE
    return Said(event.leg_id, event.role, recognition.text, start, end, recognition.confidence, arousal, channel)


def _ended(shown: CallState, event: CallClosed, now: float) -> CallState:
    return replace(shown, phase=Phase.ENDED, updated_at=now, closed_at=event.closed_at, reason=event.reason)


def _news(event: Told, call: Conversation, earlier: CallState, now: float) -> Sequence[Publication]:
    """The call's state, if the page would show it differently from before; after a written turn in any case."""
    state = state_of(call, 0.0)
    return (replace(state, updated_at=now),) if isinstance(event, Wrote) or state != earlier else ()


def _open_digits(call: Conversation, leg_id: str, digits: int) -> dict[str, int]:
    others = {leg: count for leg, count in call.open_digits.items() if leg != leg_id}
    return {**others, leg_id: digits} if digits else others
