"""The documentation can be read in a terminal."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
COLUMNS = 120
"""Counted in bytes, as awk and wc do: no line is then wider, however its signs are shown."""


@pytest.mark.parametrize("page", PAGES)
def test_lines_fit(page: str) -> None:
    """Outside of tables, which cannot be broken."""
    lines = (ROOT / page).read_bytes().splitlines()
    assert [number for number, line in enumerate(lines, 1) if len(line) > COLUMNS and not line.startswith(b"|")] == []
