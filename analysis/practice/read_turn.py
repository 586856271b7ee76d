"""A turn as practice reads it: what each party's words tell, with a quote and a rule for each of it. Pure.

Small enough that a call keeps its latest ones: a turn that grows is read again, and replaces its earlier reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from analysis.practice.clauses import quote
from analysis.practice.phrases import SEEN, SURE, Find, Phrases, reading, reading_with, telling
from analysis.turns.reading import READ_ACTS, Act, AgentReading
from analysis.turns.score import Score
from analysis.turns.turn import Turn
from callbus import Core, Evidence
from callbus.messages.leg import MOST_CALL_SECONDS
from callbus.messages.practice import QUOTE_CHARACTERS

LEAST = 0.3
"""A probability below this is not kept."""
RULE_CHARACTERS = 64
NETWORK = "network"
WHOLE_TURN = "network, of the whole turn"
"""No phrase tells which of its clauses."""
UNHAPPY = -0.5
"""At or below this weighted score a customer's turn is unhappy, as for the shift detector."""


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that a turn's words show."""

    probability: float
    quote: str
    rule: str


@dataclass(frozen=True, slots=True)
class AgentPart:
    """What an agent's turn shows."""

    acts: Mapping[str, Sign]
    """By act."""
    hollow: Sign | None = None
    """Formula or gush in place of help."""
    heated: Sign | None = None
    """The agent's own heat."""
    hears_all: bool = True
    """Whether an act that is not seen was not there. Phrases miss too many."""
    asks: bool = False
    """Whether it has a question: what an emergency may need first."""

    def has(self, act: str) -> float:
        """Probability of an act, 0 to 1."""
        return self.acts[act].probability if act in self.acts else 0.0


@dataclass(frozen=True, slots=True)
class CustomerPart:
    """What a customer's turn shows."""

    value: float
    """Weighted log-odds, negative is unhappy."""
    weight: float
    """0 to 1."""
    cores: Mapping[str, float]
    """Feelings by name; they sum to 1. Empty if the scorer reads none."""
    wish: Mapping[str, float]
    urgent: Sign | None
    about: str
    """The clause that says most."""
    telling: float
    """How much it says; 0 for nothing."""

    @property
    def is_unhappy(self) -> bool:
        """By its score."""
        return self.value <= UNHAPPY


@dataclass(frozen=True, slots=True)
class ReadTurn:
    """One turn of a known party."""

    number: int
    start: float
    """Call time."""
    end: float
    words: int
    formal: int
    """Clauses worded formally."""
    casual: int
    quote: str
    """Its beginning."""
    agent: AgentPart | None = None
    customer: CustomerPart | None = None

    def proof(self, sign: Sign, rule: str = "", confidence: float | None = None) -> Evidence:
        """A sign of this turn as evidence; of another rule or confidence, if given."""
        found = sign.probability if confidence is None else confidence
        return evidence(sign.quote, self.number, self.start, rule or sign.rule, found)


def evidence(text: str, turn: int, at: float, rule: str, confidence: float) -> Evidence:
    """Evidence within the bounds of the message; `text` is a quote already."""
    sure = max(0.0, min(1.0, confidence))
    return Evidence(
        text[:QUOTE_CHARACTERS], max(0, turn), max(0.0, min(MOST_CALL_SECONDS, at)), rule[:RULE_CHARACTERS], sure
    )


def agent_turn(
    turn: Turn, found: Mapping[str, Find], read: AgentReading | None, repeated: Sign | None = None
) -> ReadTurn:
    """An agent's turn, by a network's reading if there is one, else by the phrases found in it.

    `repeated`: how much of it other calls have.
    """
    by = reading_with(read, found) if read else reading(found)
    acts = {act.value: sign for act in READ_ACTS if (sign := _sign(turn, act, by.acts.get(act, 0.0), found, read))}
    if repeated:
        acts[Act.REPEATED.value] = repeated
    hollow = _sign(turn, "gush", by.hollow, found, read)
    part = AgentPart(acts, hollow, _found("heated", found), read is not None, asks="?" in turn.text)
    return _read(turn, found, agent=part)


def customer_turn(turn: Turn, score: Score, phrases: Phrases) -> ReadTurn:
    """A customer's turn, by its score and what the scorer has read beside it."""
    found, read = phrases.found(turn.text), score.reading
    about, says = telling(turn.text, phrases)
    urgent = _sign(turn, "urgent", read.urgent, found, read, about) if read else _found("urgent", found)
    known = {*Core, "relief", "gratitude", "none"}
    cores = {name: share for name, share in read.cores.items() if name in known} if read else {}
    wish = {kind.value: share for kind, share in read.wish.items()} if read else {}
    part = CustomerPart(score.value, score.weight, cores, wish, urgent, about, says)
    return _read(turn, found, customer=part)


def _read(
    turn: Turn, found: Mapping[str, Find], agent: AgentPart | None = None, customer: CustomerPart | None = None
) -> ReadTurn:
    formal, casual = (found[name].count if name in found else 0 for name in ("formal", "casual"))
    start, end, text = turn.start_seconds, turn.end_seconds, quote(turn.text)
    return ReadTurn(turn.number, start, end, turn.words, formal, casual, text, agent, customer)


def _sign(
    turn: Turn, name: str, probability: float, found: Mapping[str, Find], read: object | None, otherwise: str = ""
) -> Sign | None:
    """A sign if it is likely enough to keep; quoted by the clause in which a phrase tells of it, if one does."""
    if not probability >= LEAST:
        return None
    find = found.get(name)
    by_phrase = find and (read is None or find.confidence >= max(SURE, probability))
    reader = find.phrase if find and by_phrase else NETWORK if find or otherwise else WHOLE_TURN
    words = find.quote if find else otherwise or quote(turn.text)
    return Sign(min(1.0, probability), words, f"{name}: {reader}"[:RULE_CHARACTERS])


def _found(name: str, found: Mapping[str, Find]) -> Sign | None:
    find = found.get(name)
    return Sign(find.confidence, find.quote, f"{name}: {find.phrase}"[:RULE_CHARACTERS]) if find else None


def seen(sign: Sign | None) -> bool:
    """Whether something counts as seen."""
    return sign is not None and sign.probability >= SEEN
