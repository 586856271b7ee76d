"""The set-up, and the commands that need it: what is missing is said, and nothing is run without it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def program(path: Path, script: str) -> None:
    """A shell script to be run in place of another program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("failing", ["--tests", "--interop", ""])
def test_interop_runs_with_its_setup_alone(tmp_path: Path, failing: str) -> None:
    """A set-up that fails ends `make interop` with its one line; else the tests run, and may skip nothing."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    program(tmp_path / "deploy/setup/setup.sh", f'[ "$1" != "{failing}" ] || {{ echo "setup: $1" >&2; exit 1; }}')
    program(tmp_path / ".venv/bin/python", 'echo "$@" > ran')
    made = subprocess.run(["make", "interop"], cwd=tmp_path, capture_output=True, text=True)
    ran = tmp_path / "ran"
    if failing:
        assert made.returncode != 0
        assert [line for line in made.stderr.splitlines() if not line.startswith("make")] == [f"setup: {failing}"]
        assert not ran.exists()
    else:
        assert made.returncode == 0, made.stderr
        assert "--nothing-missing" in ran.read_text()


def test_missing_packages_are_named(tmp_path: Path) -> None:
    """Where nothing may be installed, the set-up ends with one line that names what is missing."""
    program(tmp_path / "dpkg-query", "exit 1")
    environment = {**os.environ, "CALLVANE_SKIP_APT": "1", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    script = ROOT / "deploy" / "setup" / "setup.sh"
    made = subprocess.run([script, "--interop"], capture_output=True, text=True, env=environment)
    assert made.returncode == 1
    (line,) = made.stderr.splitlines()
    assert line.startswith("setup: missing Debian packages: ")
    assert "kamailio" in line


@pytest.mark.parametrize(
    ("there", "gpu", "gives", "fetched", "said"),
    [
        pytest.param([], False, ["base"], ["base"], "ready", id="a new machine"),
        pytest.param(["base"], False, [], [], "ready", id="a model that is there"),
        pytest.param(["base"], True, ["large-v3-turbo"], ["large-v3-turbo"], "ready", id="a GPU"),
        pytest.param(["base", "large-v3-turbo"], True, [], [], "ready", id="a GPU whose model is there"),
        pytest.param(["base"], True, [], ["large-v3-turbo"], "ready", id="a GPU whose model does not come"),
        pytest.param([], True, ["large-v3-turbo"], ["base"], "base did not come; ", id="nothing to read with"),
    ],
)
def test_a_whisper_is_fetched_once(
    tmp_path: Path, there: list[str], gpu: bool, gives: list[str], fetched: list[str], said: str
) -> None:
    """Base for every host, the large one for a GPU; what is there is not asked for, and without base it fails."""
    shutil.copytree(ROOT / "deploy" / "setup", tmp_path / "deploy" / "setup")
    program(tmp_path / "deploy/pjsua2/build.sh", "echo a.whl")
    program(tmp_path / "bin/dpkg-query", "echo installed")
    program(tmp_path / "bin/nvidia-smi", "exit 0" if gpu else "exit 9")
    names = "|".join(gives) or "none"
    program(
        tmp_path / ".venv/bin/python",
        f'[ "$2" != analysis ] || {{ echo "$4" >> "{tmp_path}/fetched"; case $4 in {names}) ;; *) exit 2;; esac; }}',
    )
    for name in there:
        folder = tmp_path / "cache" / "models" / name
        folder.mkdir(parents=True)
        (folder / "SHA256SUMS").touch()
    environment = {
        **os.environ,
        "CALLVANE_CACHE": str(tmp_path / "cache"),
        "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
    }
    made = subprocess.run([tmp_path / "deploy/setup/setup.sh"], capture_output=True, text=True, env=environment)
    asked = (tmp_path / "fetched").read_text().split() if fetched else []
    assert asked == fetched
    assert (tmp_path / "fetched").exists() == bool(fetched)
    assert made.stderr.splitlines()[-1].startswith(f"setup: {said}")
    assert made.returncode == (0 if said == "ready" else 1)


@pytest.mark.parametrize("options", [[], ["--nothing-missing"]], ids=["at will", "nothing missing"])
def test_a_missing_part_is_a_failure_if_nothing_may_be(tmp_path: Path, options: list[str]) -> None:
    """A test whose part is not there is skipped, and fails under --nothing-missing, both with the same reason."""
    tests = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "interop", *options]
    made = subprocess.run(
        [*tests, "tests/interop/test_kamailio.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": str(tmp_path)},
    )
    assert "kamailio is not installed" in made.stdout
    assert made.returncode == (1 if options else 0), made.stdout
