"""The real Whisper: words of real batches, and what is said when it cannot be had."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import ctranslate2
import numpy as np
import pytest

from analysis.settings import AnalysisSection
from analysis.words.passage import Passage
from analysis.words.transcriber import SHIPPED_FOLDER, Transcriber
from service.settings import ConfigError
from tests.analysis.process import RATE_HZ, utterances

NO_GPU = ctranslate2.get_cuda_device_count() == 0


@pytest.fixture(scope="module")
def transcriber() -> Transcriber:
    """The shipped model on the CPU."""
    return Transcriber(AnalysisSection(device="cpu"))


def test_a_batch_reads_as_its_rows_alone(transcriber: Transcriber) -> None:
    """Rows of different calls in one batch give the words that each gives by itself."""
    rows = []
    for utterance in utterances("turns_angry", "a", 0.0) + utterances("calm_with_product_words", "b", 0.0):
        features, _ = transcriber.hear(utterance.pcm, RATE_HZ)
        assert features is not None
        rows.append(Passage(features))
    frames = max(transcriber.context(row) for row in rows)
    together = transcriber.transcribe(rows, frames)
    alone = [transcriber.transcribe([row], frames)[0] for row in rows]
    assert sum(one.text == other.text for one, other in zip(together, alone, strict=True)) >= len(rows) - 1
    assert all(0 < words.confidence <= 1 for words in together)


def silent(frames: int) -> Passage:
    """An utterance of this length."""
    return Passage(np.zeros((80, frames), np.float32))


def test_the_context_is_as_short_as_the_utterance_allows(transcriber: Transcriber) -> None:
    """The smallest rung that holds the utterance and a tail, 30 s at most, never half as many frames as mel bands."""
    assert transcriber.context(silent(150)) == 200
    assert transcriber.context(silent(190)) == 300
    assert transcriber.context(silent(5_000)) == 3_000
    assert all(length // 2 != 80 for length in transcriber.frames)


def test_more_than_the_window_is_cut(transcriber: Transcriber) -> None:
    """A minute of audio is read for its first half minute, without a fault."""
    features, _ = transcriber.hear(bytes(2 * RATE_HZ * 60), RATE_HZ)
    assert features is not None
    assert len(transcriber.transcribe([Passage(features)], transcriber.context(Passage(features)))) == 1


def test_a_short_context_is_quick(transcriber: Transcriber) -> None:
    """A sentence on its own context costs a fraction of the 30 s window (printed, and only its order judged)."""
    features, _ = transcriber.hear(utterances("turns_angry", "a", 0.0)[1].pcm, RATE_HZ)
    assert features is not None
    took = {}
    for frames in (transcriber.context(Passage(features)), 3_000):
        transcriber.transcribe([Passage(features)], frames)
        began = time.perf_counter()
        transcriber.transcribe([Passage(features)], frames)
        took[frames] = time.perf_counter() - began
    print("seconds by context:", {frames: round(seconds, 4) for frames, seconds in took.items()})
    assert min(took) == min(took, key=lambda frames: took[frames])


def error(**settings: str) -> str:
    """The one line that a model's settings are refused with."""
    with pytest.raises(ConfigError) as caught:
        Transcriber(AnalysisSection.model_validate({"device": "cpu", **settings}))
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    """A path that does not exist is told as such."""
    assert "is not a folder" in error(model=str(tmp_path / "nowhere"))


def test_a_name_that_is_none() -> None:
    """A misspelt name is told before any hub is asked."""
    assert "large-v2-turbo is unknown" in error(model="large-v2-turbo")


@pytest.mark.parametrize("name", ["model.bin", "config.json", "vocabulary.json", "tokenizer.json"])
def test_a_folder_that_lacks_a_file(tmp_path: Path, name: str) -> None:
    """The file that is missing is named, and how to get it."""
    shutil.copytree(SHIPPED_FOLDER, tmp_path / "model")
    (tmp_path / "model" / name).unlink()
    line = error(model=str(tmp_path / "model"))
    assert f"lacks {name}" in line
    assert "ct2-transformers-converter" in line


def test_a_broken_model(tmp_path: Path) -> None:
    """A model file cut short cannot be loaded."""
    shutil.copytree(SHIPPED_FOLDER, tmp_path / "model")
    whole = (tmp_path / "model" / "model.bin").read_bytes()
    (tmp_path / "model" / "model.bin").write_bytes(whole[: len(whole) // 2])
    assert "cannot be loaded" in error(model=str(tmp_path / "model"))


@pytest.mark.skipif(not NO_GPU, reason="there is a GPU here")
def test_cuda_without_a_gpu() -> None:
    """Asking for a GPU that is not there names the setting and the cure."""
    assert error(device="cuda").startswith("analysis.device: cuda")


@pytest.mark.skipif(not NO_GPU, reason="GPUs compute in float16")
def test_arithmetic_that_the_device_lacks() -> None:
    """A compute type that a CPU has not is named."""
    assert error(compute_type="float16").startswith("analysis.compute_type: float16")


def test_auto_without_a_choice() -> None:
    """A model that knows only English cannot find out a call's language, and the line names the cure."""
    line = error(language="auto")
    assert line.startswith("analysis.language: telephone knows only English")
    assert "such as base" in line
