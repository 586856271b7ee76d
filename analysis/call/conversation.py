"""One call's whole state, from utterance to alert. Pure: the clock is passed in, and nothing is published from here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from analysis.call.audio_health import Health
from analysis.call.contact import introduced, listened, repeat_contact
from analysis.call.party import Party
from analysis.call.recording_state import Recordings
from analysis.call.succession import TakenOver
from analysis.call.written import Wrote
from analysis.languages.lexicon import Lexicon
from analysis.practice.state import State
from analysis.shift.context_terms import in_context
from analysis.shift.detector import Evidence, ShiftRules
from analysis.shift.evidence import Judged, build_alert
from analysis.turns.score import Score
from analysis.turns.turn import Said, Turn, place
from analysis.words.language import Spoken
from analysis.words.voice import Measured, Voice
from callbus import (
    Alert,
    CallOpened,
    Channel,
    Contact,
    Leg,
    Role,
    ShiftKind,
    Tier,
    Utterance,
)
from callbus.messages.call import USUAL_IDLE_SECONDS

RECENT_TURNS = 8
"""Turns of both parties that are kept, beside those that a shift is measured from."""
PARTIES = 8


@dataclass(frozen=True, slots=True)
class Conversation:
    """A call so far."""

    call_id: str
    opened_at: float
    """Unix seconds."""
    legs: tuple[Leg, ...] = ()
    next_turn: int = 0
    turns: tuple[Judged, ...] = ()
    """The turns kept, oldest first."""
    parties: dict[str, Party] = field(default_factory=dict)
    open_digits: dict[str, int] = field(default_factory=dict)
    """By leg: digits that its last utterance ended with; see redaction."""
    health: Health = field(default_factory=Health)
    voices: dict[str, Voice] = field(default_factory=dict)
    """By leg: a customer's own voice, where it is measured."""
    spoken: Spoken = field(default_factory=Spoken)
    """What is known of the call's language."""
    is_judged: bool = True
    """Whether the scorer can judge that language."""
    recordings: Recordings | None = None
    """Kept with it, so that all that is known of a call lies in one place; see succession."""
    queue: str = ""
    """As in CallOpened, and so the next two."""
    channel: Channel = Channel.PHONE
    idle_seconds: float = 0.0
    practice: State | None = None
    """How the agent has met the call; None if nobody looks for it."""
    contact: Contact | None = None
    """As in CallState."""
    interrupted: bool = False
    """Whether the customer has worsened to an interruption."""

    @property
    def ends_after_seconds(self) -> float | None:
        """How long nobody may write before it ends; None for a phone call."""
        return (self.idle_seconds or USUAL_IDLE_SECONDS[self.channel]) if self.channel.is_written else None

    def listened(self, leg_id: str, measured: Measured | None, seconds: float) -> tuple[Conversation, float]:
        """The call with what is known of a leg's voice; how far the utterance lies above that, in deviations."""
        if measured is None or (leg_id not in self.voices and len(self.voices) >= PARTIES):
            return self, 0.0
        voice, above = self.voices.get(leg_id, Voice()).heard(measured, seconds)
        return replace(self, voices={**self.voices, leg_id: voice}), above

    def before(self, turn: Turn) -> tuple[Turn, ...]:
        """The turns of both parties before one, oldest first, as far as they are kept."""
        return tuple(judged.turn for judged in self.turns if judged.turn.number < turn.number)

    def passed(self, utterance: Utterance | Wrote) -> Conversation:
        """The call once an utterance is worked on; its leg is known from here, opening message or not."""
        if any(leg.leg_id == utterance.leg_id for leg in self.legs) or len(self.legs) >= PARTIES:
            return self
        return replace(self, legs=(*self.legs, Leg(utterance.leg_id, utterance.role)))


@dataclass(frozen=True, slots=True)
class Heard:
    """What an utterance's words did to the call."""

    conversation: Conversation
    turn: Turn | None
    """The turn that they made or extended; none where they left the floor to the other party."""
    is_new: bool
    scored: bool
    """Whether the turn is to be scored: a customer's, or in a call without a known customer an unknown party's."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a turn's score did to the call."""

    conversation: Conversation
    score: Score
    """The turn's, with its circumstances."""
    alert: Alert | None


def opened(event: CallOpened, known: Conversation | None, counted: Contact | None = None) -> Conversation:
    """The call after an opening message: new, or with other legs when it is known. `counted`: see `introduced`."""
    contact = introduced(known.contact if known else None, counted, event.crm)
    if known is None:
        return Conversation(
            event.call_id,
            event.opened_at,
            event.legs,
            queue=event.queue,
            channel=event.channel,
            idle_seconds=event.idle_seconds,
            contact=contact,
        )
    health = known.health.renamed(known.legs, event.legs)
    queue = event.queue or known.queue
    return replace(
        known,
        legs=event.legs,
        opened_at=event.opened_at,
        health=health,
        queue=queue,
        channel=event.channel,
        idle_seconds=event.idle_seconds,
        contact=contact,
    )


def taken_over(event: TakenOver, call: Conversation) -> Conversation:
    """The call once another recording is heard, whose legs may be named otherwise."""
    legs = event.legs or call.legs
    names = event.names(call.legs)
    return replace(
        call,
        legs=legs,
        health=call.health.handed_over(event.at_seconds),
        voices={names.get(leg_id, leg_id): voice for leg_id, voice in call.voices.items()},
        open_digits={names.get(leg_id, leg_id): digits for leg_id, digits in call.open_digits.items()},
    )


def joined(utterance: Utterance | Wrote) -> Conversation:
    """A call of which nothing is known but this utterance."""
    opened_at = max(0.0, utterance.ended_at - utterance.end_seconds)
    channel = utterance.channel if isinstance(utterance, Wrote) else Channel.PHONE
    return Conversation(utterance.call_id, opened_at, channel=channel)


def hear(call: Conversation, said: Said) -> Heard:
    """Put an utterance's words into their turn."""
    recent = [judged.turn for judged in call.turns[-RECENT_TURNS:]]
    placed = place(said, recent, call.next_turn, solo=len(call.legs) <= 1)
    if placed is None:
        return Heard(call, None, is_new=False, scored=False)
    turn = placed.turn
    scored = turn.role is Role.CUSTOMER or (
        turn.role is Role.UNKNOWN and all(leg.role is not Role.CUSTOMER for leg in call.legs)
    )
    if placed.is_new:
        call = replace(call, next_turn=turn.number + 1, turns=_kept(call, (*call.turns, Judged(turn, None))))
    else:
        turns = tuple(replace(one, turn=turn) if one.turn.number == turn.number else one for one in call.turns)
        call = replace(call, turns=turns)
    return Heard(call, turn, placed.is_new, scored)


def noted(call: Conversation, turn: Turn) -> Conversation:
    """The call with what a customer's turn says of their earlier contacts."""
    return replace(call, contact=listened(call.contact, turn.text))


def weighed(call: Conversation, turn: Turn, score: Score, lexicon: Lexicon | None = None) -> tuple[Score, Evidence]:
    """A turn's score with what no scorer looks at, threats and the circumstances of the turn; and as evidence."""
    weighed, threat = in_context(score, turn, call.before(turn), lexicon, call.channel)
    return weighed, Evidence(turn.number, weighed.log_odds, weighed.weight, turn.end_seconds, threat)


def judge(
    call: Conversation,
    turn: Turn,
    score: Score,
    rules: ShiftRules,
    spoken_at: float,
    now: float,
    lexicon: Lexicon | None = None,
) -> Verdict:
    """Let the detector see a turn's score, in place of the score that its earlier words had.

    `lexicon`: of the call's language; without one, the shipped English one.
    """
    score, evidence = weighed(call, turn, score, lexicon)
    party, shift = call.parties.get(turn.party, Party()).seen(evidence, rules)
    turns = tuple(
        Judged(turn, score.value, score.weight) if judged.turn.number == turn.number else judged
        for judged in call.turns
    )
    call = replace(call, turns=turns, parties=_with(call.parties, turn.party, party))
    if shift is None:
        return Verdict(call, score, None)
    alert = build_alert(
        shift,
        call_id=call.call_id,
        opened_at=call.opened_at,
        legs=call.legs,
        turns={judged.turn.number: judged for judged in turns},
        turn=turn,
        score=score,
        state=party.now,
        spoken_at=spoken_at,
        now=now,
    )
    call = replace(call, interrupted=call.interrupted or alert.tier is Tier.INTERRUPTION)
    if alert.kind is ShiftKind.WORSENED:
        alert = replace(alert, repeat_contact=repeat_contact(call.contact))
    return Verdict(call, score, alert)


def _kept(call: Conversation, turns: tuple[Judged, ...]) -> tuple[Judged, ...]:
    wanted = {
        number
        for party in call.parties.values()
        for state in (party.before, party.now)
        for number in (*state.reference, *state.run, *state.origin, *state.trough)
    }
    recent = {judged.turn.number for judged in turns[-RECENT_TURNS:]}
    return tuple(judged for judged in turns if judged.turn.number in wanted | recent)


def _with(parties: dict[str, Party], name: str, party: Party) -> dict[str, Party]:
    """The parties with one of them renewed; a call with more of them than people is hostile."""
    if name not in parties and len(parties) >= PARTIES:
        return parties
    return {**parties, name: party}
