"""docs/models.md, the page of the models that may read calls."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from analysis.settings import AnalysisSection
from analysis.words.speech_server import OUTCOMES
from analysis.words.transcription import ANSWER_BYTES, LIKELY, TEXT_CHARACTERS

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")


def test_every_setting_of_a_speech_server_is_spoken_of() -> None:
    """By its key, or the variable that sets it."""
    keys = [key for key in AnalysisSection.model_fields if key.startswith(("model", "speech_server"))]
    assert [key for key in keys if not re.search(rf"\b{key}\b", PAGE, re.IGNORECASE)] == []


def test_every_outcome_is_explained() -> None:
    """As it stands on /metrics."""
    assert [outcome for outcome in OUTCOMES if f"| `{outcome}` |" not in PAGE] == []


def test_its_figures_are_those_of_the_code() -> None:
    """Bounds of an answer, and what counts where nothing is told."""
    assert f"{ANSWER_BYTES // 1024} kB or {TEXT_CHARACTERS:,} characters" in PAGE
    assert f"counts\nas {LIKELY:g} " in PAGE


def test_its_examples_are_settings() -> None:
    """Each block of TOML is one that a process takes."""
    blocks = re.findall(r"^ *```toml\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        AnalysisSection.model_validate(tomllib.loads(block)["analysis"])
