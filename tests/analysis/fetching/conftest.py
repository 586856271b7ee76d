"""A hub and an index for each test, and nobody's own settings of either."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.analysis.fetching.stand_ins import StandInHub, StandInIndex


@pytest.fixture
def hub() -> Iterator[StandInHub]:
    """A hub that has the small model."""
    server = StandInHub()
    yield server
    server.close()


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInIndex]:
    """An index that pip asks, and no other."""
    server = StandInIndex()
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_CONSTRAINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple")
    yield server
    server.close()
