"""Any text classifier from the model hub as a scorer: ONNX and its tokenizer on the CPU, no torch.

It reads a turn on its own. `labels` gives its labels' meanings; the score is then computed as for the shipped scorer.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from analysis.scorers.classifier_files import SETTING, ClassifierFiles
from analysis.scorers.labels import LabelError, Meaning, Side, meanings
from analysis.scorers.shipped import OTHER_FEELINGS, Feeling, leaning
from analysis.turns.score import MOST_LOG_ODDS, Asked, Score, readable, shared_out, weight
from analysis.turns.turn import Turn
from callbus import Term
from service.settings import ConfigError

log = logging.getLogger(__name__)

MOST_TOGETHER = 32
"""Turns per run of the network."""
MOST_LABELS = 1_000
SPECIAL_PLACES = 2
"""Positions that RoBERTa-like models leave unused at the start."""
TRIAL = ("thank you", "this is the third time that i call about it and nobody has called me back")
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a model's outputs are adjusted."""

    tokens: int = 128
    """Per turn; of a longer turn, the end is read."""
    temperature: float = 1.0
    """Above 0; above 1 it makes an overconfident model more cautious."""
    base_rate: float = 0.0
    """0 to 1: the unhappiness that the model also sees in calm talk, counted as calm."""


class ClassifierScorer:
    """Belongs to one thread at a time."""

    def __init__(
        self,
        files: ClassifierFiles,
        *,
        labels: Mapping[str, str] | None = None,
        calibration: Calibration | None = None,
        threads: int = 1,
    ) -> None:
        """Load the model and test it on two sentences; `labels` is the operator's map. Raises ConfigError."""
        calibration = calibration or Calibration()
        config = _config(files)
        try:
            self._meanings: tuple[Meaning, ...] = meanings(_labels(config, files), labels or {})
        except LabelError as error:
            raise ConfigError(f"analysis.classifier_labels: {error}") from None
        self._of = {
            side: [label for label, meaning in enumerate(self._meanings) if meaning.side is side] for side in Side
        }
        self._many = config.get("problem_type") == "multi_label_classification"
        self._temperature = calibration.temperature
        self._base = min(MOST_LOG_ODDS, leaning(calibration.base_rate))
        self._padding = _whole(config.get("pad_token_id"), 0)
        self._tokenizer = _tokenizer(files, _tokens(calibration.tokens, config))
        self._session, self._inputs = _session(files, threads)
        self._try(files)
        kind = "several labels a turn" if self._many else "one label a turn"
        log.info("classifier %s: %d labels, %s", files.model, len(self._meanings), kind)

    def score(self, turn: Turn, history: Sequence[Turn]) -> Score:
        """See analysis.turns.score.Scorer; `history` is ignored."""
        return self.scores([(turn, history)])[0]

    def scores(self, asked: Sequence[Asked]) -> list[Score]:
        """The score of each turn, in the given order."""
        texts = [readable(turn.text) for turn, _ in asked]
        shares = [row for start in range(0, len(texts), MOST_TOGETHER) for row in self._shares(texts, start)]
        return [self._score(turn, row) for (turn, _), row in zip(asked, shares, strict=True)]

    def _shares(self, texts: Sequence[str], start: int) -> NDArray[np.float64]:
        """Each label's probability, shape (texts, labels), summing to 1 if the model gives one label a turn.

        All are 0 for a text whose logits are not finite.
        """
        logits = self._logits(texts[start : start + MOST_TOGETHER]).astype(float) / self._temperature
        sound = np.isfinite(logits).all(axis=1, keepdims=True)
        logits = np.clip(np.where(sound, logits, 0.0), -500, 500)
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: NDArray[np.float64] = 1 / (1 + np.exp(-logits)) if self._many else raised / raised.sum(1, keepdims=True)
        return shares * sound

    def _logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        encodings = self._tokenizer.encode_batch(list(texts))
        longest = max(1, *(len(encoding.ids) for encoding in encodings))
        inputs = {name: np.zeros((len(texts), longest), kind) for name, kind in self._inputs.items()}
        inputs["input_ids"][:] = self._padding
        for row, encoding in enumerate(encodings):
            for name, values in zip(INPUTS, (encoding.ids, encoding.attention_mask, encoding.type_ids), strict=True):
                if name in inputs:
                    inputs[name][row, : len(values)] = values
        logits: NDArray[np.float32] = self._session.run(None, inputs)[0]
        return logits

    def _score(self, turn: Turn, shares: NDArray[np.float64]) -> Score:
        feeling = self._feeling(shares)
        log_odds = feeling.log_odds
        if log_odds < 0:
            log_odds = min(0.0, log_odds + self._base)
        counts = weight(turn)
        return Score(log_odds, counts, self._terms(shares, log_odds * counts))

    def _feeling(self, shares: NDArray[np.float64]) -> Feeling:
        """A side has the sum of its labels' shares; with several labels a turn, the chance of at least one of them."""
        unhappy, pleased = (
            float(1 - np.prod(1 - shares[self._of[side]]) if self._many else shares[self._of[side]].sum())
            for side in (Side.UNHAPPY, Side.PLEASED)
        )
        whole = max(1.0, unhappy + pleased)
        unhappy, pleased = unhappy / whole, pleased / whole
        return Feeling(unhappy, max(0.0, 1 - unhappy - pleased), pleased)

    def _terms(self, shares: NDArray[np.float64], value: float) -> tuple[Term, ...]:
        named: dict[str, float] = {}
        for label in self._of[Side.UNHAPPY if value < 0 else Side.PLEASED]:
            name = self._meanings[label].name
            named[name] = named.get(name, 0.0) + float(shares[label])
        return shared_out(value, named, OTHER_FEELINGS)

    def _try(self, files: ClassifierFiles) -> None:
        try:
            logits = self._logits(TRIAL)
        except Exception as error:  # a model's operators raise unrelated types
            raise ConfigError(f"{SETTING}: {files.model} does not run: {_line(error)}; export it again") from None
        if logits.shape != (len(TRIAL), len(self._meanings)) or not np.isfinite(logits).all():
            raise ConfigError(
                f"{SETTING}: {files.model} answers {len(TRIAL)} texts with output of shape {logits.shape}, "
                f"not ({len(TRIAL)}, {len(self._meanings)}) finite numbers; does config.json belong to it?"
            )


def _config(files: ClassifierFiles) -> dict[str, Any]:
    try:
        config = json.loads(files.config.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{SETTING}: {files.config} cannot be read: {_line(error)}") from None
    return config if isinstance(config, dict) else {}


def _labels(config: dict[str, Any], files: ClassifierFiles) -> list[str]:
    """The labels in the order of the network's outputs."""
    found = config.get("id2label")
    names = {str(key): label for key, label in found.items()} if isinstance(found, dict) else {}
    ordered = [names.get(str(number)) for number in range(len(names))]
    if not ordered or len(ordered) > MOST_LABELS or not all(isinstance(label, str) and label for label in ordered):
        raise ConfigError(f"{SETTING}: {files.config} has no id2label that names every label from 0")
    return [str(label) for label in ordered]


def _tokens(wanted: int, config: dict[str, Any]) -> int:
    return max(8, min(wanted, _whole(config.get("max_position_embeddings"), 512) - SPECIAL_PLACES))


def _whole(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else otherwise


def _tokenizer(files: ClassifierFiles, tokens: int) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_str(files.tokenizer.read_text("utf-8"))
    except Exception as error:  # the tokenizers package raises bare Exception
        raise ConfigError(f"{SETTING}: {files.tokenizer} cannot be read: {_line(error)}") from None
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True  # read as ordinary words
    tokenizer.enable_truncation(tokens, direction="left")
    return tokenizer


def _session(files: ClassifierFiles, threads: int) -> tuple[Any, dict[str, type[np.signedinteger[Any]]]]:
    """The network, and the integer type of each of its inputs."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(str(files.model), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base class
        raise ConfigError(f"{SETTING}: {files.model} cannot be loaded: {_line(error)}; export it again") from None
    inputs = {one.name: np.int32 if one.type == "tensor(int32)" else np.int64 for one in session.get_inputs()}
    if "input_ids" not in inputs or not set(inputs) <= set(INPUTS):
        raise ConfigError(
            f"{SETTING}: {files.model} needs inputs {', '.join(sorted(inputs))}; supported: {', '.join(INPUTS)}"
        )
    return session, inputs


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
