"""Who reads the turns: the shipped network, models that do not know the hand, phrase lists, a person."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from analysis.practice.phrases import Phrases, load, reading, reading_with
from analysis.scorers.outputs import ACTS, CORES, WISHES
from analysis.scorers.shipped import FeelingScorer
from analysis.turns.reading import AgentReading, CustomerReading
from analysis.turns.turn import Turn
from bench.evaluation.judges import wording_key
from bench.practice.known import Call, Truth
from callbus import Role, Wish


class Reader(Protocol):
    """Reads one turn of a call."""

    def agent(self, call: Call, turn: Turn) -> AgentReading:
        """An agent's turn."""

    def customer(self, call: Call, turn: Turn) -> CustomerReading | None:
        """A customer's; None if it says nothing of those."""


class Network:
    """The shipped network, as in calls."""

    def __init__(self, phrases: Phrases | None = None) -> None:
        """`phrases`: read beside it, as in calls."""
        self._scorer = FeelingScorer()
        self._phrases = phrases

    def agent(self, call: Call, turn: Turn) -> AgentReading:
        """See Reader."""
        return _with(self._scorer.read(turn, call.turns[: turn.number]), call, turn, self._phrases)

    def customer(self, call: Call, turn: Turn) -> CustomerReading:
        """See Reader."""
        ((_, read),) = self._scorer.feelings([(turn, call.turns[: turn.number])])
        return read


class LeftOut:
    """Answers of models that were trained without the hand, as the training left them behind."""

    def __init__(self, path: Path, phrases: Phrases | None = None) -> None:
        """`phrases`: read beside it, as in calls."""
        self._phrases = phrases
        self._known: dict[str, list[float]] = {key: chances for key, *chances in json.loads(path.read_text())["scores"]}

    def agent(self, call: Call, turn: Turn) -> AgentReading:
        """See Reader. Raises KeyError for words that no such model has read."""
        *acts, hollow = self._known[wording_key(turn, call.turns[: turn.number])]
        told = {act: chance for act, chance in zip(ACTS, acts, strict=True) if chance}
        read = AgentReading(told, hollow)
        return _with(read, call, turn, self._phrases)

    def customer(self, call: Call, turn: Turn) -> CustomerReading:
        """See Reader. Raises KeyError as `agent` does."""
        chances = self._known[wording_key(turn, call.turns[: turn.number])]
        cores, urgent, wishes = chances[: len(CORES)], chances[len(CORES)], chances[len(CORES) + 1 :]
        return CustomerReading(dict(zip(CORES, cores, strict=True)), urgent, dict(zip(WISHES, wishes, strict=True)))


class Listed:
    """The phrase lists, which are what reads where no network does."""

    def __init__(self, phrases: Phrases | None = None) -> None:
        self._phrases = phrases or load()["en"]

    def agent(self, call: Call, turn: Turn) -> AgentReading:
        """See Reader."""
        return reading(self._phrases.of_agent(turn, call.turns[: turn.number]))

    def customer(self, call: Call, turn: Turn) -> CustomerReading:
        """See Reader: urgency alone."""
        found = self._phrases.found(turn.text)
        return CustomerReading({}, found["urgent"].confidence if "urgent" in found else 0.0, {})


class Person:
    """The second hand, held against the first: what can be hoped for at most."""

    def agent(self, call: Call, turn: Turn) -> AgentReading:
        """See Reader."""
        truth = _of(call.second, turn)
        return AgentReading({act: float(act in truth.acts) for act in ACTS}, math.nan)  # nobody marked it twice

    def customer(self, call: Call, turn: Turn) -> CustomerReading:
        """See Reader."""
        truth = _of(call.second, turn)
        cores = {core: 1.0 - 0.5 * place for place, core in enumerate(truth.cores)}
        wish = {wish: float(call.second_opening == wish.upper()) for wish in Wish}
        return CustomerReading(cores, float(truth.urgent), wish)


def _with(read: AgentReading, call: Call, turn: Turn, phrases: Phrases | None) -> AgentReading:
    return reading_with(read, phrases.of_agent(turn, call.turns[: turn.number])) if phrases else read


def _of(truths: Sequence[Truth] | None, turn: Turn) -> Truth:
    return truths[turn.number] if truths else Truth()


def readings(call: Call, reader: Reader) -> tuple[dict[int, AgentReading], dict[int, CustomerReading]]:
    """All that a reader says of a call, by the turn's number."""
    agents: dict[int, AgentReading] = {}
    told: dict[int, CustomerReading] = {}
    for turn in call.turns:
        if turn.role is Role.AGENT:
            agents[turn.number] = reader.agent(call, turn)
        elif turn.role is Role.CUSTOMER and (read := reader.customer(call, turn)):
            told[turn.number] = read
    return agents, told


def top(cores: Mapping[str, float], among: Sequence[str], count: int) -> tuple[str, ...]:
    """The likeliest cores."""
    return tuple(sorted((core for core in among if core in cores), key=lambda core: -cores[core])[:count])
