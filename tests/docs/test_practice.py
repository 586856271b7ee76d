"""docs/practice.md, the page that says what each finding means."""

from __future__ import annotations

import re
from pathlib import Path

from analysis.practice.findings import KINDS
from analysis.settings import AnalysisSection
from callbus import Question

PAGE = (Path(__file__).parents[2] / "docs" / "practice.md").read_text("utf-8")


def test_every_finding_has_its_rule() -> None:
    """One row names it, with the side that the table in the code gives it."""
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (strength|gap|note) \| \S", PAGE, re.MULTILINE)
    told = {name: side for names, side in rows for name in re.findall(r"\w+", names)}
    assert told == {kind.value: known.side.value for kind, known in KINDS.items()}


def test_every_question_and_setting_is_explained() -> None:
    """The four of a debrief, and what switches all of it."""
    assert all(f"| `{question}` |" in PAGE for question in Question)
    assert all(f"`analysis.{key}`" in PAGE for key in AnalysisSection.model_fields if key.startswith("practice"))
