"""Whisper. The only module that uses faster-whisper and CTranslate2.

Rows of different calls go through the model in one batch, with an audio context no longer than its utterances need.
Whisper's own 30 s window would cost twenty times as much for a two-second sentence.
"""

from __future__ import annotations

import logging
import math
import re
import wave
from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.tokenizer import Tokenizer

from analysis.fetching.found import model_folder
from analysis.settings import AUTO, CPU_MODEL, GPU_MODEL, AnalysisSection
from analysis.words.features import FRAMES_PER_SECOND, Extractor, Spectrogram, samples_of, spectrogram
from analysis.words.language import Probabilities
from analysis.words.passage import Passage, Words
from analysis.words.speech import Speech, speech_in
from service.cores import cores
from service.settings import ConfigError

log = logging.getLogger(__name__)

KNOWN_ANSWER = Path(__file__).with_name("known_answer.wav")
"""A sentence in a natural English voice; its words are beside it in a .txt."""
LEAST_LIKENESS = 0.75
"""Of the words read to the known ones, 1 for the same. Every real Whisper reads them all, or misses a word or two."""

LONGEST_FRAMES = 3_000
TAIL_FRAMES = 30
"""Silence after the last word; without it Whisper drops the word."""
FRAMES = (1_000, 1_400, 2_000, LONGEST_FRAMES)
"""Audio contexts that a Whisper trained on 30 s windows still reads well; on shorter ones it reads words twice."""
AGAIN_FRAMES = 1_400
"""On this context words and no-speech probability are as good as on the whole one, at a quarter of its cost."""
TOKENS_PER_SECOND = 16
TIMESTAMP_SECONDS = 0.02
"""Between two of Whisper's timestamp tokens."""
SPARE_TOKENS = 16
MOST_THREADS = 4
"""By default; more of them share a short utterance badly."""
MOST_LENGTH = 448
"""Whisper's text context: prompt and answer. CTranslate2 generates at most half of `max_length`."""


class Transcriber:
    """A loaded Whisper. `transcribe` belongs to one thread at a time; `features` may run on many."""

    def __init__(self, settings: AnalysisSection) -> None:
        """Load the model and test it on a known sentence. Raises ConfigError."""
        device = _device(settings.device)
        name = settings.model
        if name == AUTO:
            name = GPU_MODEL if device == "cuda" else CPU_MODEL
        folder = model_folder(name)
        compute_type = settings.compute_type
        if compute_type == "auto":
            compute_type = "float16" if device == "cuda" else "int8"
        self.threads = settings.cpu_threads or min(MOST_THREADS, cores())
        """Of the CPU, for one batch."""
        try:
            whisper = WhisperModel(
                str(folder), device=device, compute_type=compute_type, cpu_threads=self.threads, local_files_only=True
            )
        except (RuntimeError, ValueError, OSError, KeyError) as error:
            raise ConfigError(_unloadable(folder, device, compute_type, error)) from None
        self._model: Any = whisper.model
        bands = int(self._model.n_mels)
        self._extract: Extractor = whisper.feature_extractor
        if whisper.feature_extractor.mel_filters.shape[0] != bands:
            self._extract = FeatureExtractor(feature_size=bands)
        self._tokenizer, self._prompts = _prompts(whisper, settings)
        self._language = next(iter(self._prompts))
        """Of rows whose language is not said."""
        self.detects = len(self._prompts) > 1
        """Whether it can tell languages apart."""
        # Half of it must not equal the number of mel bands: CTranslate2 would take features for encoder output.
        self.frames = tuple(length for length in FRAMES if length // 2 != bands)
        self.again = AGAIN_FRAMES
        """Frames of audio context for a second reading."""
        self.device = device
        self.name = name
        log.info("model %s on %s, %s", name, device, self._model.compute_type)
        self._check()

    def hear(self, pcm: bytes, rate_hz: int, before: bytes = b"") -> tuple[Spectrogram | None, Speech]:
        """The spectrogram of an utterance, None if it is too short to hold a word; and how much of it is speech.

        `before`: earlier speech, at the same rate, which the spectrogram begins with.
        """
        samples = samples_of(pcm, rate_hz)
        speech = speech_in(samples)
        if before:
            samples = np.concatenate([samples_of(before, rate_hz), samples])
        return spectrogram(samples, self._extract), speech

    def context(self, row: Passage) -> int:
        """The audio context for an utterance, in frames."""
        wanted = row.features.shape[1] + TAIL_FRAMES
        return next((length for length in self.frames if length >= wanted), self.frames[-1])

    def transcribe(self, rows: Sequence[Passage], frames: int) -> list[Words]:
        """The words of each row, read with a context of `frames`; audio beyond 30 s is not read.

        Raises RuntimeError if the device fails, for example for lack of memory.
        """
        lengths = [min(frames, row.features.shape[1]) for row in rows]
        padded = np.zeros((len(rows), rows[0].features.shape[0], frames), np.float32)
        for target, row, length in zip(padded, rows, lengths, strict=True):
            target[:, :length] = row.features[:, :length]
        audio = ctranslate2.StorageView.from_array(padded)
        sounds: list[Probabilities] = [{}] * len(rows)
        if self.detects and any(callable(row.language) for row in rows):
            audio = self._model.encode(audio)  # the costly part, once for both
            sounds = [{token[2:-2]: each for token, each in row} for row in self._model.detect_language(audio)]
        codes = [
            self._known(row.language(sound) if callable(row.language) else row.language)
            for row, sound in zip(rows, sounds, strict=True)
        ]
        befores = [self._before(row) for row in rows]
        results = self._model.generate(
            audio,
            [[*self._prompts[code], *before] for code, before in zip(codes, befores, strict=True)],
            beam_size=1,
            max_length=min(MOST_LENGTH, 2 * max(map(_most_tokens, lengths, befores))),
            return_scores=True,
            return_no_speech_prob=True,
        )
        return [
            replace(self._words(result, length / FRAMES_PER_SECOND, before), language=code, languages=sound)
            for result, length, before, code, sound in zip(results, lengths, befores, codes, sounds, strict=True)
        ]

    def _before(self, row: Passage) -> list[int]:
        """The tokens of the earlier speech in a passage: the model takes them for its own and goes on after them."""
        if not row.before:
            return []
        first = self._tokenizer.timestamp_begin
        end = first + round(row.before_seconds / TIMESTAMP_SECONDS)
        return [first, *self._tokenizer.encode(f" {row.before}"), end, end]

    def _known(self, language: str) -> str:
        return language if language in self._prompts else self._language

    def _words(self, result: Any, seconds: float, before: Sequence[int]) -> Words:
        """The words of a row of this length, which begins with the tokens of earlier speech."""
        tokens = result.sequences_ids[0]
        # CTranslate2 divides by the number of all tokens, given ones too, for which it counts nothing, and not the end.
        mean = result.scores[0] * len(tokens) / (len(tokens) - len(before) + 1) if len(tokens) > len(before) else 0.0
        # The last of the given ones says where in the passage the words begin.
        tokens = tokens[max(0, len(before) - 1) :]
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
        known = Passage(features, "en")
        try:
            words = self.transcribe([known], self.context(known))[0]
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


def _most_tokens(frames: int, before: Sequence[int]) -> int:
    return TOKENS_PER_SECOND * frames // FRAMES_PER_SECOND + SPARE_TOKENS + len(before)


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


def _prompts(whisper: WhisperModel, settings: AnalysisSection) -> tuple[Tokenizer, dict[str, list[int]]]:
    """The tokenizer; and by language code the tokens that ask for a plain transcript, the configured one first.

    Raises ConfigError.
    """
    if not whisper.model.is_multilingual:
        _only_english(settings)
        tokenizer = Tokenizer(whisper.hf_tokenizer, False)
        starts = {"en": tokenizer.sot_sequence}
    else:
        tokenizer = Tokenizer(whisper.hf_tokenizer, True, task="transcribe", language="en")
        configured = [] if settings.language == AUTO else [settings.language]
        starts = {}
        for code in (*configured, *settings.languages, *whisper.supported_languages):
            token = whisper.hf_tokenizer.token_to_id(f"<|{code}|>")
            if token is not None:
                starts[code] = [tokenizer.sot, token, tokenizer.transcribe]
            elif code in (*configured, *settings.languages):
                name = "language" if code in configured else "languages"
                raise ConfigError(f"analysis.{name}: the model does not know {code!r}; see its <|..|> tokens")
    # With timestamps a Whisper ends at the end of the audio; without them it loops on a short context.
    return tokenizer, {code: list(start) for code, start in starts.items()}


def _only_english(settings: AnalysisSection) -> None:
    """What a model without other languages makes of the settings. Raises ConfigError."""
    if settings.language == AUTO:
        raise ConfigError(
            f"analysis.language: {settings.model} knows only English, so auto has nothing to choose from; set en, or "
            "another analysis.model, such as base"
        )
    if settings.language != "en":
        log.warning("the model knows only English; analysis.language = %s is ignored", settings.language)
    log.info("the model knows only English: calls in other languages are not recognized as such")
