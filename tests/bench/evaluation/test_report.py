"""The table, and its rows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.evaluation.measures import WITHDRAWN
from bench.evaluation.report import Entry, Table, measured
from tests.bench.evaluation.made import played

CALLS = [replace(played([0, 0, -1, -1], worsened=(3,)), name=str(number)) for number in range(4)]


def _entry(targets: dict[str, float]) -> Entry:
    return Entry("mine", "you", "labels", "all", 0.1, 0.9, "1.5", measured([CALLS]), targets)


def test_a_line_is_printed_when_it_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    """The headings come with the first line, and nothing waits for the end."""
    table = Table()
    for lines in (2, 1):
        table.add(_entry({"onset F1": 0.65}))
        printed = capsys.readouterr().out.splitlines()
        assert len(printed) == lines
        assert printed[-1].split()[:7] == ["mine", "you", "labels", "all", "10%", "0.9", "1.5"]
        assert "1 [1 1]*" in printed[-1]


def test_the_table_and_its_rows_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OUT names a file of rows with metric, value, unit, target, met and conditions; what is unknown is left out."""
    monkeypatch.setenv("OUT", str(tmp_path / "rows.json"))
    table = Table()
    table.add(_entry({"onset F1": 0.65}))
    table.close()
    rows = {row["metric"]: row for row in json.loads((tmp_path / "rows.json").read_text())}
    assert rows["onset F1"]["value"] == 1.0
    assert rows["onset F1"]["met"] is True
    said = "mine (you), labels, alerts: all, word error 10%, confidence 0.9, threshold 1.5"
    assert rows["onset F1"]["conditions"].startswith(said)
    assert rows[WITHDRAWN]["value"] == 0
    assert "recovery F1" not in rows


def test_few_recoveries_are_not_held_against_a_target(capsys: pytest.CaptureFixture[str]) -> None:
    """Recovery F1 meets or misses its target from sixty cases on."""
    recovering = played([0, 0, -1, -1, 0, 1], worsened=(3,), recovered=(5,))
    for cases, mark in ((59, "1 [1 1] "), (60, "1 [1 1]*")):
        table = Table()
        entry = replace(_entry({"recovery F1": 0.65}), figures=measured([[recovering] * cases]))
        table.add(entry)
        line = capsys.readouterr().out.splitlines()[-1]
        assert line[line.index(f"  {cases}  ") :].split("1/1", 1)[1].strip().startswith(mark)
