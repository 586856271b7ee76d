"""Intake: what the customer's opening tells of feeling, concern, urgency, wish and register. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from analysis.practice.phrases import SEEN
from analysis.practice.read_turn import CustomerPart, ReadTurn, evidence
from callbus import Core, Evidence, Intake, Register, Wish

READY_SECONDS = 30.0
"""Of the customer's speech: the opening is over."""
WORDS_A_SECOND = 170 / 60
"""Of speech: what is written takes no time, and counts as if it were spoken."""
ANSWERED_SECONDS, ANSWERS = 10.0, 2
"""So it is after this much speech and then so many turns of the agent."""
CARRIED = 0.8
"""What stays of the earlier feelings with each turn."""
SHOWN = 0.5
"""Share of the unhappy feelings together from which a turn tells of one."""
ALONE, TIMES_THE_SECOND = 0.55, 2.0
"""One feeling is named alone from this share of them on, if it has so many times the second's."""
FADING = 0.8
"""How much less each later turn tells of what the call is about."""
FEWEST_TURNS = 3
TERSE_WORDS, LONG_WORDS = 4.0, 40.0
"""Mean words of a turn."""
MARKED = 2
"""Clauses worded formally or casually that make a register."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How a party has worded things so far."""

    turns: int = 0
    words: int = 0
    formal: int = 0
    casual: int = 0

    def after(self, turn: ReadTurn) -> Wording:
        """With a further turn."""
        formal, casual = self.formal + turn.formal, self.casual + turn.casual
        return Wording(self.turns + 1, self.words + turn.words, formal, casual)

    @property
    def register(self) -> Register:
        """By titles, courtesies, slang and length alone."""
        if self.formal >= MARKED and self.formal > self.casual:
            return Register.FORMAL
        if self.turns >= FEWEST_TURNS and self.words <= TERSE_WORDS * self.turns:
            return Register.TERSE
        if self.casual >= MARKED and self.casual > self.formal:
            return Register.CASUAL
        return Register.PLAIN

    @property
    def is_long(self) -> bool:
        """Whether turns are long, in the mean."""
        return self.turns >= FEWEST_TURNS and self.words >= LONG_WORDS * self.turns


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known of the opening, and refined after it."""

    seconds: float = 0.0
    """The customer's speech so far."""
    answers: int = 0
    """The agent's turns once ANSWERED_SECONDS were over."""
    cores: Mapping[str, float] = field(default_factory=dict)
    """Weights of the unhappy feelings by name, the latest turns' the highest."""
    wish: Mapping[str, float] = field(default_factory=dict)
    urgency: Evidence | None = None
    about: Evidence | None = None
    telling: float = 0.0
    wording: Wording = field(default_factory=Wording)
    """The customer's."""

    @property
    def is_ready(self) -> bool:
        """Whether enough has been heard."""
        return self.seconds >= READY_SECONDS or self.answers >= ANSWERS

    def heard(self, turn: ReadTurn, customer: CustomerPart) -> Opening:
        """After a customer's turn."""
        spoken = max(0.0, turn.end - turn.start) or turn.words / WORDS_A_SECOND
        changed = replace(self, seconds=self.seconds + spoken, wording=self.wording.after(turn))
        felt = {core.value: share for core in Core if (share := customer.cores.get(core, 0.0)) > 0}
        if sum(felt.values()) >= SHOWN:  # a calm turn does not take back what an earlier one told
            cores = {
                name: CARRIED * self.cores.get(name, 0.0) + customer.weight * felt.get(name, 0.0)
                for name in {*self.cores, *felt}
            }
            changed = replace(changed, cores=cores)
        if customer.wish and not (self.is_ready and self.wish):
            changed = replace(changed, wish=dict(customer.wish))
        sign = customer.urgent
        if sign and (self.urgency is None or sign.probability > self.urgency.confidence):
            changed = replace(changed, urgency=turn.proof(sign))
        telling = customer.telling * FADING**self.wording.turns
        if telling > self.telling and not (self.is_ready and self.about):
            about = evidence(customer.about, turn.number, turn.start, "the clause that says most", 1.0)
            changed = replace(changed, about=about, telling=telling)
        return changed

    def answered(self) -> Opening:
        """After an agent's turn."""
        return replace(self, answers=self.answers + 1) if self.seconds >= ANSWERED_SECONDS else self

    @property
    def wants_to_be_heard(self) -> float:
        """Probability, 0 to 1."""
        return self.wish.get(Wish.HEARD, 0.0)

    def shown(self) -> Intake:
        """As a message has it."""
        urgent = self.urgency.confidence if self.urgency else 0.0
        return Intake(
            cores=self._cores(),
            about=self.about,
            urgent=urgent,
            urgency=self.urgency if urgent >= SEEN else None,
            wish=next((wish for wish in Wish if self.wish.get(wish, 0.0) > SEEN), Wish.UNCLEAR),
            register=self.wording.register,
            ready=self.is_ready,
        )

    def _cores(self) -> tuple[Core, ...]:
        ranked = sorted(((self.cores.get(core, 0.0), core) for core in Core), reverse=True)
        (first, core), (second, other), *_ = ranked
        if first <= 0:
            return ()
        alone = first >= ALONE * sum(weight for weight, _ in ranked) and first >= TIMES_THE_SECOND * second
        return (core,) if alone or second <= 0 else (core, other)
