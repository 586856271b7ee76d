"""Turns for practice to read, as a network might have read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analysis.practice.phrases import Phrases, load
from analysis.practice.read_turn import ReadTurn, Sign, agent_turn, customer_turn
from analysis.practice.state import State
from analysis.turns.reading import Act, AgentReading, CustomerReading, Wish
from analysis.turns.score import Score
from analysis.turns.turn import Turn
from callbus import Role

ENGLISH = load()["en"]
SURE = 0.9
WORD_SECONDS = 0.4


def turn(number: int, role: Role, text: str, start: float = 0.0, end: float | None = None) -> Turn:
    """A whole turn."""
    spoken = start + WORD_SECONDS * len(text.split()) if end is None else end
    return Turn(number, role.value, role, text, start, spoken, 0.9, 1)


def customer(
    number: int,
    text: str,
    value: float = 0.0,
    start: float = 0.0,
    end: float | None = None,
    *,
    cores: Mapping[str, float] | None = None,
    urgent: float = 0.0,
    wish: Wish | None = None,
    read: bool = True,
    phrases: Phrases = ENGLISH,
) -> ReadTurn:
    """A customer's turn with a score, and what a network reads in it."""
    reading = CustomerReading(cores or {"none": 1.0}, urgent, {wish: 1.0} if wish else {})
    score = Score(value, 1.0, (), reading if read else None)
    return customer_turn(turn(number, Role.CUSTOMER, text, start, end), score, phrases)


def agent(
    number: int,
    text: str,
    *acts: Act,
    hollow: float = 0.0,
    start: float = 0.0,
    end: float | None = None,
    sure: float = SURE,
    repeated: Sign | None = None,
) -> ReadTurn:
    """An agent's turn in which a network sees these acts. `repeated`: what of it other calls have."""
    said = turn(number, Role.AGENT, text, start, end)
    return agent_turn(said, ENGLISH.of_agent(said, ()), AgentReading(dict.fromkeys(acts, sure), hollow), repeated)


def told(turns: Sequence[ReadTurn]) -> State:
    """A call of these turns."""
    state = State()
    for one in turns:
        state = state.read(one)
    return state


def kinds(state: State) -> set[str]:
    """What is found once nothing more is said."""
    return {finding.kind.value for finding in state.now.ended().marks.findings()}
