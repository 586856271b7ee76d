"""The shipped scorer: a small network that reads a turn together with those before it. ONNX on the CPU, no torch."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from analysis.cues import cues
from analysis.scorer import MOST_LOG_ODDS, Score
from analysis.shift import ShiftRules
from analysis.turn import Turn
from analysis.wording import Wording, latest, plain
from callbus import Term

FEELING_RULES = ShiftRules(
    threshold=1.4,
    interruption=2.2,
    relief=1.2,
    fallen=0.7,
    within_turns=3,
    arrived_upset=-1.2,
    unhappy=-1.6,
    pleased=0.3,
)
"""The detector's rules that go with this scorer; `make eval` says what they give."""
SHIPPED_FEELING = Path(__file__).parent / "models" / "feeling"
HISTORY_TURNS = 6
"""Turns before the one judged that are looked at: as many as every worker that takes the call over still has."""
FULL_WORDS = 3
"""Words from which on a turn counts whole; what was said before makes a short answer plain."""
OTHER_TERM = "other feelings"
MOSTLY = 0.5
"""Pleased more than this, a turn's harsh words are not meant for us."""
LEAST_SHARE = 0.1
"""A core with less of the feeling than this is not named."""


@dataclass(frozen=True, slots=True)
class Feeling:
    """Probabilities of a turn, calibrated."""

    unhappy: float
    neutral: float
    pleased: float
    cores: dict[str, float]
    """By name, `none` among them; they sum to 1."""

    @property
    def log_odds(self) -> float:
        """Of pleased against unhappy, -3 to 3; 0 is neutral.

        A neutral turn's share goes half to each side, and pleased counts as far as it outweighs all else: what may be
        thanks and may be scorn is not calm.
        """
        odds = _leaning(max(0.0, 2 * self.pleased - 1)) - _leaning(self.unhappy)
        return max(-MOST_LOG_ODDS, min(MOST_LOG_ODDS, odds))


def _leaning(share: float) -> float:
    """Log-odds of one side that has this share, the rest going half to each."""
    return math.log((1 + share) / max(1e-9, 1 - share))


class FeelingScorer:
    """Judges turns by a folder of model.onnx, tokenizer.json and feeling.json."""

    def __init__(self, folder: Path = SHIPPED_FEELING, threads: int = 1) -> None:
        """Load the model. Raises OSError or ValueError where the folder holds none."""
        about: dict[str, Any] = json.loads((folder / "feeling.json").read_text("utf-8"))
        self._cores: list[str] = about["cores"]
        self._temperature: float = about["temperature"]
        self._biases = np.array(about["biases"], np.float32)
        self._tokens: int = about["tokens"]
        self._tokenizer = Tokenizer.from_str((folder / "tokenizer.json").read_text("utf-8"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            (folder / "model.onnx").read_bytes(), options, providers=["CPUExecutionProvider"]
        )

    def score(self, turn: Turn, history: Sequence[Turn]) -> Score:
        """See analysis.scorer.Scorer."""
        (feeling,) = self.feelings([(turn, history)])
        words = plain(turn.text)
        outright = cues(words) if feeling.pleased < MOSTLY else ()
        said = sum(cue.value for cue in outright)
        log_odds = max(-MOST_LOG_ODDS, min(MOST_LOG_ODDS, feeling.log_odds + said))
        counts = turn.confidence * min(1.0, len(words.split()) / FULL_WORDS)
        terms = (
            *_terms(feeling, (log_odds - said) * counts),
            *(Term(cue.name, cue.value * counts) for cue in outright if counts),
        )
        return Score(log_odds, counts, terms)

    def feelings(self, turns: Sequence[tuple[Turn, Sequence[Turn]]]) -> list[Feeling]:
        """The probabilities of turns, each given with its history, in one run of the network."""
        logits = self.logits(turns)
        probabilities = [_shares((row + self._biases) / self._temperature) for row in logits[:, :3]]
        cores = [_shares(row) for row in logits[:, 3:]]
        return [
            Feeling(row[0], row[1], row[2], dict(zip(self._cores, of, strict=True)))
            for row, of in zip(probabilities, cores, strict=True)
        ]

    def logits(self, turns: Sequence[tuple[Turn, Sequence[Turn]]]) -> NDArray[np.float32]:
        """What the network says before calibration, shape (turns, 3 feelings and the cores)."""
        wordings = [
            latest(
                self._tokenizer,
                [*((other.role, other.text) for other in history[-HISTORY_TURNS:]), (turn.role, turn.text)],
                self._tokens,
            )
            for turn, history in turns
        ]
        logits: NDArray[np.float32] = self._session.run(None, _batch(wordings))[0]
        return logits


def _batch(wordings: Sequence[Wording]) -> dict[str, NDArray[np.int64]]:
    """The network's inputs, shape (wordings, tokens); past a wording's end its turn is -1."""
    longest = max(len(wording.ids) for wording in wordings)
    inputs = {
        "ids": np.zeros((len(wordings), longest), np.int64),
        "kinds": np.zeros((len(wordings), longest), np.int64),
        "turns": np.full((len(wordings), longest), -1, np.int64),
        "places": np.zeros((len(wordings), longest), np.int64),
    }
    for row, wording in enumerate(wordings):
        for name, values in inputs.items():
            values[row, : len(wording.ids)] = getattr(wording, name)
    return inputs


def _shares(logits: NDArray[np.float32]) -> list[float]:
    raised = np.exp(logits.astype(float) - logits.max())
    shares: list[float] = (raised / raised.sum()).tolist()
    return shares


_UNHAPPY = ("frustration", "anger", "worry", "dismissed", "disappointment")
_PLEASED = ("relief", "gratitude")
_NAMES = {"dismissed": "feeling dismissed"}


def _terms(feeling: Feeling, value: float) -> tuple[Term, ...]:
    """`value` shared out over the cores of its sign."""
    names = _UNHAPPY if value < 0 else _PLEASED
    whole = sum(feeling.cores[name] for name in names)
    if not value or not whole:
        return (Term(OTHER_TERM, value),) if value else ()
    shares = {name: feeling.cores[name] / whole for name in names}
    ranked = sorted((name for name in names if shares[name] >= LEAST_SHARE), key=lambda name: -shares[name])
    terms = [Term(_NAMES.get(name, name), value * shares[name]) for name in ranked]
    rest = value - sum(term.value for term in terms)
    return (*terms, Term(OTHER_TERM, rest)) if abs(rest) > 1e-9 else tuple(terms)
