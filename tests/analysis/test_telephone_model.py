"""The shipped Whisper, as it lies in the package: loads offline, reads its known answer, hears nothing in noise."""

import json
import wave

import ctranslate2
import numpy as np
import pytest
from faster_whisper import WhisperModel

from analysis.words.features import samples_of
from analysis.words.transcriber import KNOWN_ANSWER, SHIPPED_FOLDER

RATE_HZ = 8_000
LARGEST_BYTES = 8_000_000


@pytest.fixture(scope="module")
def whisper() -> WhisperModel:
    """The model as faster-whisper loads it, without a hub."""
    return WhisperModel(
        str(SHIPPED_FOLDER), device="cpu", compute_type="int8", cpu_threads=1, num_workers=1, local_files_only=True
    )


@pytest.fixture(scope="module")
def known_answer() -> tuple[np.ndarray, str]:
    """The clip at 16 kHz, and its words."""
    with wave.open(str(KNOWN_ANSWER), "rb") as recording:
        samples = samples_of(recording.readframes(recording.getnframes()), recording.getframerate())
    return samples, KNOWN_ANSWER.with_suffix(".txt").read_text().strip()


def read(whisper: WhisperModel, rows: list[np.ndarray], frames: int) -> list[tuple[str, float]]:
    """Text and no-speech probability of each row of 16 kHz samples, in a window of `frames`."""
    features = np.zeros((len(rows), 80, frames), np.float32)
    for target, row in zip(features, rows, strict=True):
        mel = whisper.feature_extractor(row)
        target[:, : mel.shape[1]] = mel[:, :frames]
    number = whisper.hf_tokenizer.token_to_id
    results = whisper.model.generate(
        ctranslate2.StorageView.from_array(features),
        [[number("<|startoftranscript|>"), number("<|notimestamps|>")]] * len(rows),
        beam_size=1,
        return_no_speech_prob=True,
    )
    return [(whisper.hf_tokenizer.decode(r.sequences_ids[0]).strip(), r.no_speech_prob) for r in results]


def test_files_are_few_and_small() -> None:
    """The model's folder is at most 8 MB, and its known answer at most 40 kB."""
    assert sum(path.stat().st_size for path in SHIPPED_FOLDER.iterdir()) <= LARGEST_BYTES
    assert KNOWN_ANSWER.stat().st_size <= 40_000


def test_vocabulary_agrees_with_tokenizer() -> None:
    """CTranslate2 and faster-whisper number the pieces alike."""
    pieces = json.loads((SHIPPED_FOLDER / "vocabulary.json").read_text())
    words = json.loads((SHIPPED_FOLDER / "tokenizer.json").read_text())
    numbers = words["model"]["vocab"] | {token["content"]: token["id"] for token in words["added_tokens"]}
    assert [numbers[piece] for piece in pieces] == list(range(len(pieces)))


@pytest.mark.parametrize("frames", [400, 600, 1_000, 1_400, 3_000])
def test_known_answer_in_every_window(whisper: WhisperModel, known_answer: tuple[np.ndarray, str], frames: int) -> None:
    """The known sentence is read word for word, whatever the audio context."""
    samples, words = known_answer
    assert read(whisper, [samples], frames)[0][0] == words


def test_known_answer_by_faster_whisper(whisper: WhisperModel, known_answer: tuple[np.ndarray, str]) -> None:
    """faster-whisper's own padded way reads the known sentence too."""
    samples, words = known_answer
    segments, _ = whisper.transcribe(
        samples, language="en", beam_size=1, without_timestamps=True, condition_on_previous_text=False
    )
    assert " ".join(segment.text.strip() for segment in segments) == words


def test_rows_of_a_batch_do_not_mix(whisper: WhisperModel, known_answer: tuple[np.ndarray, str]) -> None:
    """A row reads the same alone and among quieter rows and silence."""
    samples, words = known_answer
    texts = [text for text, _ in read(whisper, [samples, np.zeros_like(samples), samples * 0.3], 600)]
    assert texts == [words, "", words]


@pytest.mark.parametrize("level_db", [-90, -60, -45])
def test_noise_is_no_speech(whisper: WhisperModel, level_db: int) -> None:
    """Noise of a line gives no text, or a high no-speech probability."""
    noise = np.random.default_rng(1).standard_normal(2 * RATE_HZ) * 10 ** (level_db / 20)
    pcm = np.clip(noise * 32768, -32768, 32767).astype("<i2").tobytes()
    text, no_speech = read(whisper, [samples_of(pcm, RATE_HZ)], 400)[0]
    assert not text or no_speech > 0.6
