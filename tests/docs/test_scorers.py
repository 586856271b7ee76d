"""docs/scorers.md, the page that helps to choose a scorer."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from analysis.scorers.labels import CORES, Side
from analysis.scorers.language_model import OUTCOMES
from analysis.settings import AnalysisSection

PAGE = (Path(__file__).parents[2] / "docs" / "scorers.md").read_text("utf-8")


def test_every_setting_of_a_scorer_is_spoken_of() -> None:
    """Each key but the threads, whose name says all."""
    keys = {key for key in AnalysisSection.model_fields if key.startswith(("classifier", "language_model"))}
    assert {key for key in keys if not re.search(rf"\b{key}\b", PAGE, re.IGNORECASE)} <= {"classifier_threads"}


def test_every_outcome_and_meaning_is_explained() -> None:
    """As they stand on /metrics, and in a map of labels."""
    assert all(f"| `{outcome}` |" in PAGE for outcome in OUTCOMES)
    assert all(f"`{core}`" in PAGE for core in CORES)
    assert all(f'"{side}"' in PAGE for side in Side)


def test_its_examples_are_settings() -> None:
    """Each block of TOML is one that a process takes."""
    blocks = re.findall(r"^ *```toml\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 4
    for block in blocks:
        values = tomllib.loads(block)
        AnalysisSection.model_validate(values.get("analysis", values))
