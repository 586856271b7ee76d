"""The real models, from wherever this machine can have them; once fetched, they are only compared."""

from __future__ import annotations

import pytest

from analysis.fetching.catalogue import catalogue
from analysis.fetching.placing import place_of, sizes_fault
from analysis.settings import AnalysisSection
from analysis.words.transcriber import Transcriber
from tests.analysis.real_models import fetch


@pytest.mark.parametrize("name", ["tiny.en", "base"])
def test_a_real_model_comes_and_reads(name: str) -> None:
    """Every byte is the catalogue's, and the model loads by its name."""
    assert "is verified" in fetch(name)
    assert sizes_fault(place_of(name), catalogue()[name]) == ""
    assert Transcriber(AnalysisSection(model=name, device="cpu", cpu_threads=1)).name == name
