"""Results of fold models on dialogues they never saw, for `make eval`: played as the evaluation plays them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.scorers.outputs import ACTS, CORES, WISHES
from analysis.scorers.shipped import FeelingScorer
from analysis.shift.detector import ShiftRules
from analysis.turns.score import Score, certainty
from analysis.turns.turn import Turn
from analysis.turns.wording import plain
from bench.evaluation.dialogues import Dialogue
from bench.evaluation.judges import wording_key
from bench.evaluation.playing import play
from bench.evaluation.sets import Labelled
from callbus import Role
from tools.scorer.examples import Example

WORD_ERRORS = (0.0, 0.1, 0.2)
SEED = 1
"""The evaluation's own seed, so that the word errors are the same."""


class Asked:
    """A judge that records the turns and its results."""

    def __init__(self, scorer: FeelingScorer) -> None:
        self._scorer = scorer
        self.said: dict[str, tuple[float, float]] = {}

    def score(self, dialogue: Dialogue, line: int, turn: Turn, history: Sequence[Turn]) -> Score:
        """See bench.evaluation.playing.Judge."""
        score = self._scorer.score(turn, history)
        counts = score.weight / certainty(turn.confidence)
        self.said[wording_key(turn, history)] = (round(score.log_odds, 4), round(counts, 4))
        return score


def held_out(
    models: Mapping[str, Path], labelled: Iterable[Labelled], fold_of: Mapping[str, str]
) -> dict[str, tuple[float, float]]:
    """Log-odds and weight of every turn of the sets, by its wording, from the model that does not know its group.

    `models`: the folder of each fold's model. `fold_of`: the fold that leaves out a group of dialogues.
    """
    judges = {fold: Asked(FeelingScorer(folder)) for fold, folder in models.items()}
    for one in labelled:
        for rate in WORD_ERRORS:
            for dialogue in one.heard(rate, SEED):
                play(dialogue, judges[fold_of[dialogue.group]], ShiftRules(), 1.0)
    return {key: said for judge in judges.values() for key, said in judge.said.items()}


def readings(
    models: Mapping[str, Path], dialogues: Iterable[Dialogue], fold_of: Mapping[str, str]
) -> dict[str, list[float]]:
    """What is read in turns beside their score, by the turns' wording, by the model that does not know their group.

    An agent's turn has the chances of ACTS and hollow; a customer's those of CORES, urgent and WISHES.
    """
    scorers = {fold: FeelingScorer(folder) for fold, folder in models.items()}
    found: dict[str, list[float]] = {}
    for dialogue in dialogues:
        turns: list[Turn] = []
        for number, line in enumerate(dialogue.lines):
            turn = Turn(number, line.role.value, line.role, " ".join(line.utterances), 0.0, 0.0, 1.0, 1)
            read = _read(scorers[fold_of[dialogue.group]], turn, turns)
            found[wording_key(turn, turns)] = [round(chance, 3) for chance in read]
            turns.append(turn)
    return found


def _read(scorer: FeelingScorer, turn: Turn, history: Sequence[Turn]) -> list[float]:
    if turn.role is Role.AGENT:
        agent = scorer.read(turn, history)
        return [*(agent.acts.get(act, 0.0) for act in ACTS), agent.hollow]
    ((_, customer),) = scorer.feelings([(turn, history)])
    return [*(customer.cores[core] for core in CORES), customer.urgent, *(customer.wish[wish] for wish in WISHES)]


def write(groups: Sequence[str], said: Mapping[str, Sequence[float]], path: Path) -> None:
    """Write a file that the evaluation reads."""
    rows = [[key, *values] for key, values in sorted(said.items())]
    path.write_text(
        f'{{"groups": {json.dumps(groups)}, "scores": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n]}\n",
        "utf-8",
    )


def logits(scorer: FeelingScorer, examples: Sequence[Example]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A model's raw logits of the labelled turns that have words, read as in a call; and the labels' shares.

    Both have the shape (turns, OUTPUTS).
    """
    rows, shares = [], []
    for example in examples:
        turns = [
            Turn(number, role.value, role, text, 0.0, 0.0, 1.0, 1) for number, (role, text) in enumerate(example.turns)
        ]
        for label in example.labels:
            if plain(example.turns[label.turn][1]):
                rows.append(scorer.logits([(turns[label.turn], turns[: label.turn])])[0])
                shares.append(label.shares)
    return np.array(rows, dtype=float), np.array(shares)
