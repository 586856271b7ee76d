"""What the interoperation tests share: a Debian with Asterisk 22, a bridge, the scenario that is spoken."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CANNOT = 3


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies here."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.interop)


@pytest.fixture(scope="session")
def asterisk_system() -> Path:
    """The folder of a Debian with Asterisk 22 in it; the first time on a machine it takes minutes to make."""
    made = subprocess.run([HERE / "asterisk-system.sh"], capture_output=True, text=True)
    print(made.stderr)
    if made.returncode == CANNOT:
        pytest.skip(f"this machine cannot run Asterisk 22: {made.stderr.strip().splitlines()[-1]}")
    assert made.returncode == 0, made.stderr
    return Path(made.stdout.strip())
