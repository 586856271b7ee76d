"""The real Whisper: words of real batches, and what is said when it cannot be had."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import ctranslate2
import numpy as np
import pytest

from analysis.fetching.found import model_folder
from analysis.fetching.placing import SUMS
from analysis.settings import AnalysisSection
from analysis.words.passage import Passage
from analysis.words.transcriber import KNOWN_ANSWER, LEAST_LIKENESS, Transcriber, likeness
from callbus import Utterance
from service.settings import ConfigError
from tests.analysis import real_models
from tests.analysis.process import RATE_HZ, utterances

NO_GPU = ctranslate2.get_cuda_device_count() == 0


@pytest.fixture(scope="module")
def transcriber() -> Transcriber:
    """The model that a CPU gets if none is set, on one core."""
    return Transcriber(AnalysisSection(device="cpu", cpu_threads=1))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The files of Whisper base in a folder of the test's own, each a link that it may replace."""
    folder = tmp_path / "model"
    shutil.copytree(model_folder("base"), folder, copy_function=os.symlink, ignore=shutil.ignore_patterns(SUMS))
    yield folder
    shutil.rmtree(folder)


def test_a_cpu_gets_base(transcriber: Transcriber) -> None:
    """Without a setting, a CPU reads with Whisper base."""
    assert transcriber.name == "base"


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
    assert transcriber.context(silent(150)) == 1_000
    assert transcriber.context(silent(990)) == 1_400
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


@pytest.mark.parametrize("name", ["model.bin", "config.json", "vocabulary.txt", "tokenizer.json"])
def test_a_folder_that_lacks_a_file(folder: Path, name: str) -> None:
    """The file that is missing is named, and how to get it."""
    (folder / name).unlink()
    line = error(model=str(folder))
    assert f"lacks {name.replace('.txt', '.json')}" in line
    assert "ct2-transformers-converter" in line


def weights(folder: Path, *parts: bytes) -> None:
    """Replace the model's weights."""
    (folder / "model.bin").unlink()
    (folder / "model.bin").write_bytes(b"".join(parts))


def test_a_broken_model(folder: Path) -> None:
    """A model file cut short cannot be loaded."""
    whole = (folder / "model.bin").read_bytes()
    weights(folder, whole[: len(whole) // 2])
    assert "cannot be loaded" in error(model=str(folder))


def test_a_model_that_reads_rubbish(folder: Path) -> None:
    """Weights that load and compute, but say something else than the known sentence, are refused at the start."""
    whole = (folder / "model.bin").read_bytes()
    at, length = 20_000_000, 1_000_000
    weights(folder, whole[:at], random.Random(1).randbytes(length), whole[at + length :])
    line = error(model=str(folder))
    assert "on cpu reads the known sentence 'Thank you for calling." in line
    assert line.endswith("choose another model")


@pytest.mark.parametrize("language", ["de", "uk"])
def test_the_known_sentence_is_read_in_its_own_language(language: str) -> None:
    """Whatever language the calls are in, a model of many languages is asked for the check's in English."""
    Transcriber(AnalysisSection(device="cpu", cpu_threads=1, language=language))


KNOWN = KNOWN_ANSWER.with_suffix(".txt").read_text("utf-8")


@pytest.mark.parametrize(
    ("read", "is_alike"),
    [
        (KNOWN, True),
        (KNOWN.upper().replace(",", " -"), True),
        (KNOWN.replace("parcel", "puzzle"), True),
        (KNOWN.replace("Thank you for calling. ", ""), True),
        ("", False),
        ("Thank you.", False),
        ("the " * 100, False),
        (" ".join(reversed(KNOWN.split())), False),
        (KNOWN * 3, False),
        ("!" * 200, False),
    ],
)
def test_rubbish_is_not_like_the_known_sentence(read: str, is_alike: bool) -> None:
    """A word amiss is no fault; other words, too few, too many, or in another order are."""
    assert (likeness(KNOWN, read) >= LEAST_LIKENESS) == is_alike


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
    real_models.fetch("tiny.en")
    line = error(language="auto", model="tiny.en")
    assert "knows only English" in line
    assert "such as base" in line


def test_earlier_speech_is_not_read_again(transcriber: Transcriber) -> None:
    """A passage that begins with earlier speech and its words gives the words after it, in a batch with others too."""
    earlier, *others = (u for u in utterances("turns_angry", "a", 0.0) if u.duration_seconds < 6)
    (before,) = transcriber.transcribe([alone := passage(transcriber, earlier)], transcriber.context(alone))
    later = [passage(transcriber, each, earlier, before.text) for each in others[:2]]
    single = [transcriber.transcribe([each], 1_400)[0] for each in later]
    assert [words.text for words in transcriber.transcribe([alone, *later], 1_400)][1:] == [w.text for w in single]
    for words in single:
        assert words.text
        assert before.text not in words.text
        assert -1.5 < words.mean_log_probability < 0


def passage(transcriber: Transcriber, said: Utterance, earlier: Utterance | None = None, text: str = "") -> Passage:
    """An utterance, perhaps after another one."""
    features, _ = transcriber.hear(said.pcm, RATE_HZ, earlier.pcm if earlier else b"")
    assert features is not None
    return Passage(features, before=text, before_seconds=earlier.duration_seconds if earlier else 0.0)
