"""The shipped scorer: a small network that reads a turn together with the earlier ones. ONNX on the CPU, no torch."""

from __future__ import annotations

import json
import math
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from analysis.languages.lexicon import Lexicon, shipped
from analysis.scorers.cues import cues
from analysis.scorers.labels import CORE_NAMES, Side
from analysis.scorers.labels import CORES as SIDES
from analysis.scorers.outputs import (
    ACTS,
    AT_ACTS,
    AT_CORES,
    AT_FEELINGS,
    AT_HOLLOW,
    AT_URGENT,
    AT_WISHES,
    CORES,
    WISHES,
)
from analysis.shift.detector import ShiftRules
from analysis.turns.matching import own
from analysis.turns.reading import AgentReading, CustomerReading
from analysis.turns.score import MOST_LOG_ODDS, TEXT_CHARACTERS, Score, certainty, shared_out
from analysis.turns.turn import Turn
from analysis.turns.wording import Wording, latest, plain
from callbus import Term

Floats = NDArray[np.float32]

FEELING_RULES = ShiftRules(
    threshold=1.4,
    interruption=2.0,
    relief=1.2,
    fallen=0.7,
    smoothing=0.4,
    within_turns=3,
    arrived_upset=-1.2,
    unhappy=-0.6,
    pleased=0.1,
)
"""The detector's rules for this scorer; `make eval` measures them."""
SHIPPED_FEELING = Path(__file__).parents[1] / "models" / "feeling"
HISTORY_TURNS = 7
"""Earlier turns that are read: as many as any worker still has after taking the call over."""
FULL_WORDS, FULL_ODDS = 3, 2.0
"""From this many words on a turn counts in full, and so does a shorter one of which the network is this sure: "Again."
says enough."""
OTHER_FEELINGS = "other feelings"
"""Name of the term for feelings that are not named."""
DOUBTFUL = 0.3
"""A share of pleased up to this does not count as pleased: most such turns are merely polite."""
_PROMPT = re.compile(
    r"\b(?:system|assistant|user) ?:|\bignore (?:all |any |the |your )?(?:previous |earlier )?instructions\b", re.I
)
"""Marks of a model's prompt: who writes them to be scored as pleased is not."""
NEVER = -100.0
"""The shift of an output that is not told."""
MOSTLY = 0.5
"""Above this P(pleased), harsh words are ignored: they target someone else."""
TEXTS_KNOWN = 1_024
"""Readings kept, about 20 kB each and 75 kB at most, so that a call's earlier turns are not read again every turn."""


@dataclass(frozen=True, slots=True)
class Feeling:
    """Calibrated probabilities of a turn."""

    unhappy: float
    neutral: float
    pleased: float

    @property
    def log_odds(self) -> float:
        """Log-odds of pleased against unhappy, -3 to 3; 0 is neutral.

        Half of the neutral share goes to each side. Pleased counts only beyond doubt: words that may be thanks or scorn
        are not calm.
        """
        past_doubt = max(0.0, (self.pleased - DOUBTFUL) / (1 - DOUBTFUL))
        odds = leaning(past_doubt) - leaning(self.unhappy)
        return max(-MOST_LOG_ODDS, min(MOST_LOG_ODDS, odds))


def leaning(share: float) -> float:
    """Log-odds of a side with this share, half of the rest going to each side."""
    return math.log((1 + share) / max(1e-9, 1 - share))


class FeelingScorer:
    """Scores turns with a folder of reading.onnx, relating.onnx, tokenizer.json and feeling.json.

    Any number of threads may use it.
    """

    def __init__(self, folder: Path = SHIPPED_FEELING, lexicon: Lexicon | None = None) -> None:
        """Load the model. Raises OSError or ValueError if the folder has none.

        `lexicon`: the cues of English; without one, the shipped ones.
        """
        self._lexicon = lexicon or shipped()
        about: dict[str, Any] = json.loads((folder / "feeling.json").read_text("utf-8"))
        self._temperature: float = about["temperature"]
        self._biases = np.array(about["biases"])
        self._shifts = np.array(about["shifts"])
        self._tells = self._shifts[AT_ACTS] > NEVER
        """Of which acts the network is right often enough to say anything."""
        self._tokens: int = about["tokens"]
        self._tokenizer = Tokenizer.from_str((folder / "tokenizer.json").read_text("utf-8"))
        self._reading = _session(folder / "reading.onnx")
        self._relating = _session(folder / "relating.onnx")
        self._known: OrderedDict[tuple[int, ...], Floats] = OrderedDict()
        self._lock = Lock()
        """Of what is known."""

    def score(self, turn: Turn, history: Sequence[Turn]) -> Score:
        """See analysis.turns.score.Scorer."""
        ((feeling, reading),) = self.feelings([(turn, history)])
        outright = cues(own(turn.text, self._lexicon), self._lexicon) if feeling.pleased < MOSTLY else ()
        said = sum(cue.value for cue in outright)
        log_odds = max(-MOST_LOG_ODDS, min(MOST_LOG_ODDS, feeling.log_odds + said))
        if _PROMPT.search(turn.text[:TEXT_CHARACTERS]):
            log_odds = min(log_odds, 0.0)
        count = len(plain(turn.text).split())
        said_enough = max(count / FULL_WORDS, abs(log_odds) / FULL_ODDS) if count else 0.0
        counts = certainty(turn.confidence) * min(1.0, said_enough)
        terms = (
            *_terms(reading, (log_odds - said) * counts),
            *(Term(cue.name, cue.value * counts) for cue in outright if counts),
        )
        return Score(log_odds, counts, terms, reading)

    def read(self, turn: Turn, history: Sequence[Turn]) -> AgentReading:
        """What an agent's turn does, in answer to the earlier turns of both parties, oldest first."""
        (row,) = self._shifted([(turn, history)])
        acts = {
            act: chance for act, chance, told in zip(ACTS, _chances(row[AT_ACTS]), self._tells, strict=True) if told
        }
        return AgentReading(acts, _chances(row[AT_HOLLOW])[0])

    def feelings(self, turns: Sequence[tuple[Turn, Sequence[Turn]]]) -> list[tuple[Feeling, CustomerReading]]:
        """What customers' turns tell, each given with its history, in one run of the upper half."""
        return [_told(row) for row in self._shifted(turns)]

    def _shifted(self, turns: Sequence[tuple[Turn, Sequence[Turn]]]) -> NDArray[np.float64]:
        """The calibrated logits."""
        logits: NDArray[np.float64] = self.logits(turns).astype(float) + self._shifts
        logits[:, AT_FEELINGS] = (logits[:, AT_FEELINGS] + self._biases) / self._temperature
        return logits

    def logits(self, turns: Sequence[tuple[Turn, Sequence[Turn]]]) -> Floats:
        """The network's uncalibrated output for turns in their calls, shape (turns, OUTPUTS)."""
        wordings = [
            latest(
                self._tokenizer,
                [*((other.role, other.text) for other in history[-HISTORY_TURNS:]), (turn.role, turn.text)],
                self._tokens,
            )
            for turn, history in turns
        ]
        logits: Floats = self._relating.run(None, self._batch(wordings))[0]
        return logits

    def _batch(self, wordings: Sequence[Wording]) -> dict[str, NDArray[Any]]:
        """The upper half's inputs, shape (wordings, tokens, ...), right-aligned; padding is turn -1."""
        texts = [[self._read(ids) for ids in wording.by_turn()] for wording in wordings]
        shape = len(wordings), max(len(wording.ids) for wording in wordings)
        hidden = np.zeros((*shape, texts[0][0].shape[1]), np.float32)
        kinds = np.zeros(shape, np.int64)
        turns = np.full(shape, -1, np.int64)
        for row, (wording, parts) in enumerate(zip(wordings, texts, strict=True)):
            begin = shape[1] - len(wording.ids)
            hidden[row, begin:] = np.concatenate(parts)
            kinds[row, begin:] = wording.kinds
            turns[row, begin:] = wording.turns
        longest = max(len(parts[-1]) for parts in texts)
        return {"hidden": hidden, "kinds": kinds, "turns": turns, "asked": np.arange(shape[1] - longest, shape[1])}

    def _read(self, ids: tuple[int, ...]) -> Floats:
        """The lower half's output for a text, shape (tokens, width). Each text is run alone, so its output does not
        depend on the other texts of the request.
        """
        with self._lock:
            hidden = self._known.pop(ids, None)
        if hidden is None:
            hidden = self._reading.run(None, {"ids": np.array([ids])})[0][0]
        with self._lock:
            self._known[ids] = hidden
            if len(self._known) > TEXTS_KNOWN:
                self._known.popitem(last=False)
        return hidden


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])


def _shares(logits: NDArray[np.float64]) -> list[float]:
    raised = np.exp(logits - logits.max())
    shares: list[float] = (raised / raised.sum()).tolist()
    return shares


def _chances(logits: NDArray[np.float64]) -> list[float]:
    chances: list[float] = (1 / (1 + np.exp(-logits))).tolist()
    return chances


def _told(row: NDArray[np.float64]) -> tuple[Feeling, CustomerReading]:
    unhappy, neutral, pleased = _shares(row[AT_FEELINGS])
    cores = dict(zip(CORES, _shares(row[AT_CORES]), strict=True))
    wish = dict(zip(WISHES, _shares(row[AT_WISHES]), strict=True))
    return Feeling(unhappy, neutral, pleased), CustomerReading(cores, _chances(row[AT_URGENT])[0], wish)


def _terms(reading: CustomerReading, value: float) -> tuple[Term, ...]:
    """Splits `value` over the cores of its sign."""
    side = Side.UNHAPPY if value < 0 else Side.PLEASED
    shares = {CORE_NAMES.get(core, core): reading.cores[core] for core, of in SIDES.items() if of is side}
    return shared_out(value, shares, OTHER_FEELINGS)
