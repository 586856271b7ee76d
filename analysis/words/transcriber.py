"""Whisper. The only module that uses faster-whisper and CTranslate2.

Rows of different calls go through the model in one batch, with an audio context no longer than its utterances need.
Whisper's own 30 s window would cost twenty times as much for a two-second sentence.
"""

from __future__ import annotations

import logging
import math
import os
import re
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.tokenizer import Tokenizer

from analysis.fetching.found import model_folder
from analysis.settings import AUTOMATIC_MODEL, CPU_MODEL, GPU_MODEL, AnalysisSection
from analysis.words.features import FRAMES_PER_SECOND, Extractor, Spectrogram, samples_of, spectrogram
from analysis.words.speech import Speech, speech_in
from service.settings import ConfigError

log = logging.getLogger(__name__)

KNOWN_ANSWER = Path(__file__).with_name("known_answer.wav")
"""A sentence in a natural English voice; its words are beside it in a .txt."""
LEAST_LIKENESS = 0.75
"""Of the words read to the known ones, 1 for the same. Every real Whisper reads them all, or misses a word or two."""

LONGEST_FRAMES = 3_000
TAIL_FRAMES = 30
"""Silence after the last word; without it Whisper drops the word."""
FRAMES = (600, 1_000, 1_400, LONGEST_FRAMES)
"""Audio contexts that a Whisper trained on 30 s windows still reads well."""
TOKENS_PER_SECOND = 16
TIMESTAMP_SECONDS = 0.02
"""Between two of Whisper's timestamp tokens."""
SPARE_TOKENS = 16
MOST_LENGTH = 448
"""Whisper's text context: prompt and answer. CTranslate2 generates at most half of `max_length`."""


@dataclass(frozen=True, slots=True)
class Words:
    """What the model recognized in one utterance."""

    text: str
    confidence: float
    """Geometric mean of the tokens' probabilities, 0 to 1."""
    no_speech_probability: float
    mean_log_probability: float


class Transcriber:
    """A loaded Whisper. `transcribe` belongs to one thread at a time; `features` may run on many."""

    def __init__(self, settings: AnalysisSection) -> None:
        """Load the model and test it on a known sentence. Raises ConfigError."""
        device = _device(settings.device)
        name = settings.model
        if name == AUTOMATIC_MODEL:
            name = GPU_MODEL if device == "cuda" else CPU_MODEL
        folder = model_folder(name)
        compute_type = settings.compute_type
        if compute_type == "auto":
            compute_type = "float16" if device == "cuda" else "int8"
        threads = settings.cpu_threads or min(4, os.cpu_count() or 1)
        try:
            whisper = WhisperModel(
                str(folder), device=device, compute_type=compute_type, cpu_threads=threads, local_files_only=True
            )
        except (RuntimeError, ValueError, OSError, KeyError) as error:
            raise ConfigError(_unloadable(folder, device, compute_type, error)) from None
        self._model: Any = whisper.model
        bands = int(self._model.n_mels)
        self._extract: Extractor = whisper.feature_extractor
        if whisper.feature_extractor.mel_filters.shape[0] != bands:
            self._extract = FeatureExtractor(feature_size=bands)
        self._tokenizer, self._prompt = _prompt(whisper, "en")  # the known sentence's
        # Half of it must not equal the number of mel bands: CTranslate2 would take features for encoder output.
        self.frames = tuple(length for length in FRAMES if length // 2 != bands)
        self.whole = LONGEST_FRAMES
        """Frames of the whole audio context, which a real Whisper has learnt on."""
        self.device = device
        self.name = name
        log.info("model %s on %s, %s", name, device, self._model.compute_type)
        self._check()
        self._tokenizer, self._prompt = _prompt(whisper, settings.language)

    def hear(self, pcm: bytes, rate_hz: int) -> tuple[Spectrogram | None, Speech]:
        """The spectrogram of an utterance, None if it is too short to hold a word; and how much of it is speech."""
        samples = samples_of(pcm, rate_hz)
        return spectrogram(samples, self._extract), speech_in(samples)

    def context(self, features: Spectrogram) -> int:
        """The audio context for an utterance, in frames."""
        wanted = features.shape[1] + TAIL_FRAMES
        return next((length for length in self.frames if length >= wanted), self.frames[-1])

    def transcribe(self, rows: Sequence[Spectrogram], frames: int) -> list[Words]:
        """The words of each row, read with a context of `frames`; audio beyond 30 s is not read.

        Raises RuntimeError if the device fails, for example for lack of memory.
        """
        lengths = [min(frames, row.shape[1]) for row in rows]
        padded = np.zeros((len(rows), rows[0].shape[0], frames), np.float32)
        for target, row, length in zip(padded, rows, lengths, strict=True):
            target[:, :length] = row[:, :length]
        most_tokens = TOKENS_PER_SECOND * max(lengths) // FRAMES_PER_SECOND + SPARE_TOKENS
        results = self._model.generate(
            ctranslate2.StorageView.from_array(padded),
            [self._prompt] * len(rows),
            beam_size=1,
            max_length=min(MOST_LENGTH, 2 * most_tokens),
            return_scores=True,
            return_no_speech_prob=True,
        )
        return [
            self._words(result, length / FRAMES_PER_SECOND) for result, length in zip(results, lengths, strict=True)
        ]

    def _words(self, result: Any, seconds: float) -> Words:
        """The words of a row of this length."""
        tokens = result.sequences_ids[0]
        # CTranslate2 divides by the number of text tokens; the end token counts too.
        mean = result.scores[0] * len(tokens) / (len(tokens) + 1) if tokens else 0.0
        said = spoken(tokens, self._tokenizer.timestamp_begin, seconds)
        text = self._tokenizer.decode(said).replace("\ufffd", "").strip()
        return Words(text, min(1.0, math.exp(mean)) if text else 0.0, float(result.no_speech_prob), float(mean))

    def _check(self) -> None:
        """Transcribe a known sentence: with some drivers a GPU returns nothing, or rubbish, without an error."""
        try:
            with wave.open(str(KNOWN_ANSWER), "rb") as recording:
                pcm, rate_hz = recording.readframes(recording.getnframes()), recording.getframerate()
            answer = KNOWN_ANSWER.with_suffix(".txt").read_text(encoding="utf-8").strip()
        except (OSError, EOFError, wave.Error) as error:
            raise ConfigError(f"{KNOWN_ANSWER}: {error}; reinstall Callvane") from None
        features, _ = self.hear(pcm, rate_hz)
        if features is None:
            raise ConfigError(f"{KNOWN_ANSWER}: contains no sound; reinstall Callvane")
        try:
            words = self.transcribe([features], self.context(features))[0]
        except RuntimeError as error:
            cure = "install nvidia-cublas-cu12 or set analysis.device = cpu" if self.device == "cuda" else "try another"
            raise ConfigError(f"analysis.model: {self.name} does not run: {error!s:.200}; {cure}") from None
        if likeness(answer, words.text) < LEAST_LIKENESS:
            cure = "update its driver or set analysis.device = cpu" if self.device == "cuda" else "choose another model"
            raise ConfigError(
                f"analysis.model: {self.name} on {self.device} reads the known sentence {answer!r} "
                f"as {words.text!r:.200}; {cure}"
            )


def likeness(said: str, read: str) -> float:
    """How alike two texts are by their words in order, whatever their case and punctuation: 0 to 1 for the same."""
    one, other = (re.findall(r"[\w']+", text.lower()) for text in (said, read))
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _device(wanted: str) -> str:
    gpus = ctranslate2.get_cuda_device_count()
    if wanted == "cuda" and not gpus:
        raise ConfigError("analysis.device: cuda is set but no CUDA GPU is found; check nvidia-smi, or set auto or cpu")
    return "cuda" if gpus and wanted != "cpu" else "cpu"


def _unloadable(folder: Path, device: str, compute_type: str, error: Exception) -> str:
    cause = " ".join(str(error).split())[:200]
    if "compute type" in cause:
        return f"analysis.compute_type: {compute_type} does not work on this {device} ({cause}); set auto"
    return f"analysis.model: {folder} cannot be loaded ({cause}); convert it again or use another"


def spoken(tokens: Sequence[int], first_timestamp: int, seconds: float) -> list[int]:
    """The tokens of words, without those that the model places after the end of the audio, `seconds` long.

    A Whisper on a short audio context writes on past the end: it says again what it has read.
    """
    found: list[int] = []
    at = 0.0
    for token in tokens:
        if token >= first_timestamp:
            at = (token - first_timestamp) * TIMESTAMP_SECONDS
        elif at < seconds:
            found.append(token)
    return found


def _prompt(whisper: WhisperModel, language: str) -> tuple[Tokenizer, list[int]]:
    """The tokenizer, and the tokens that ask for a plain transcript in `language`."""
    multilingual = bool(whisper.model.is_multilingual)
    if multilingual and whisper.hf_tokenizer.token_to_id(f"<|{language}|>") is None:
        raise ConfigError(f"analysis.language: the model does not know {language!r}; see its <|..|> tokens")
    if not multilingual and language != "en":
        log.warning("the model knows only English; analysis.language = %s is ignored", language)
    tokenizer = Tokenizer(whisper.hf_tokenizer, multilingual, task="transcribe", language=language)
    # With timestamps a Whisper ends at the end of the audio; without them it loops on a short context.
    return tokenizer, list(tokenizer.sot_sequence)
