"""The bench of the worker, with a few calls: what it prints, not how fast this machine is."""

from __future__ import annotations

from pathlib import Path

from tests.bench.printed import rows


def test_every_figure_is_a_row(tmp_path: Path) -> None:
    """Utterances become transcripts, and the stand-in for the model's time is named in each row."""
    found = rows("bench.worker", ["--calls", "5", "--overload", "0", "--seconds", "5"], tmp_path / "rows.json")
    assert found["utterances"]["value"] > 0
    assert found["utterances without a transcript"]["value"] == 0
    assert found["end of speech to transcript, customers, p95"]["target"] == 1.5
    assert all("stand-in for the model's time" in each["conditions"] for each in found.values())
