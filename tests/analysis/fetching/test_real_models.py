"""The real models, from wherever this machine can have them; once fetched, they are only compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.fetching.catalogue import catalogue
from analysis.fetching.placing import place_of, sizes_fault
from analysis.settings import AnalysisSection
from analysis.words.transcriber import Transcriber
from tests.analysis.process import Analysis
from tests.analysis.real_models import fetch


@pytest.mark.parametrize("name", ["tiny.en", "base"])
def test_a_real_model_comes_and_reads(name: str) -> None:
    """Every byte is the catalogue's, and the model loads by its name."""
    assert "is verified" in fetch(name)
    assert sizes_fault(place_of(name), catalogue()[name]) == ""
    assert Transcriber(AnalysisSection(model=name, device="cpu", cpu_threads=1)).name == name


async def test_a_worker_without_its_model_says_how_to_have_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no model is and none comes, the process ends with status 2, and its last line names the command."""
    for name in ("CALLVANE_CACHE", "HF_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    worker = await Analysis.start()
    assert await worker.ended() == 2
    assert worker.lines[-1].startswith(
        "analysis: analysis.model: base is not on this machine, run `python -m analysis fetch base`; "
    )
    assert worker.lines[-1].endswith("see docs/models.md")
