"""The script that builds pjsua2: what it says before and instead of building. The build itself is the set-up's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SCRIPT = ROOT / "deploy" / "pjsua2" / "build.sh"


def build(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script with these variables."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("CALLVANE_")}
    command = [str(SCRIPT), *arguments]
    return subprocess.run(command, env={**own, **environment}, capture_output=True, text=True, timeout=120, check=False)


def last_line(ended: subprocess.CompletedProcess[str]) -> str:
    """What it said last on standard error."""
    return ended.stderr.strip().splitlines()[-1]


def test_a_ready_wheel_is_taken_as_it_is(tmp_path: Path) -> None:
    """CALLVANE_PJSUA2_WHEEL: its path is printed, nothing is built."""
    wheel = tmp_path / "pjsua2-2.17-cp311-cp311-linux_x86_64.whl"
    wheel.touch()
    ended = build(CALLVANE_PJSUA2_WHEEL=str(wheel))
    assert (ended.returncode, ended.stdout.strip()) == (0, str(wheel))


@pytest.mark.parametrize("name", ["CALLVANE_PJSUA2_WHEEL", "CALLVANE_PJPROJECT_SOURCE"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    """One line with the variable and the path, exit status 1."""
    ended = build(**{name: str(tmp_path / "nothing"), "CALLVANE_CACHE": str(tmp_path)})
    assert ended.returncode == 1
    assert last_line(ended).startswith(f"pjsua2: {name}: no such file")


def test_another_version_is_refused(tmp_path: Path) -> None:
    """A source that is not 2.17 stops the build with a line that says what to set."""
    source = tmp_path / "pjproject"
    source.mkdir()
    (source / "version.mak").write_text("export PJ_VERSION_MAJOR  := 2\nexport PJ_VERSION_MINOR  := 16\n")
    ended = build("--python", sys.executable, CALLVANE_PJPROJECT_SOURCE=str(source), CALLVANE_CACHE=str(tmp_path))
    assert ended.returncode == 1
    assert "2.16, not 2.17; set CALLVANE_PJPROJECT_SOURCE" in last_line(ended)


def test_a_built_wheel_is_found_at_once(tmp_path: Path) -> None:
    """A second run prints the cached wheel without building."""
    source = tmp_path / "empty"
    source.mkdir()
    own = {"CALLVANE_PJPROJECT_SOURCE": str(source), "CALLVANE_CACHE": str(tmp_path / "c")}
    first = build("--python", sys.executable, **own)
    assert first.returncode == 1  # there is no source in an empty folder; its log's name holds the key
    (log,) = (tmp_path / "c" / "pjsua2").glob("build-*.log")
    folder = log.parent / log.stem.removeprefix("build-")
    folder.mkdir()
    (folder / "pjsua2-2.17-py3-none-any.whl").touch()
    log.unlink()
    ended = build("--python", sys.executable, **own)
    assert ended.stdout.strip() == str(folder / "pjsua2-2.17-py3-none-any.whl")
    assert not log.exists()


def test_a_build_under_sanitizers_is_another(tmp_path: Path) -> None:
    """--sanitize has a key of its own: neither wheel is ever taken for the other."""
    source = tmp_path / "empty"
    source.mkdir()
    own = {"CALLVANE_PJPROJECT_SOURCE": str(source), "CALLVANE_CACHE": str(tmp_path)}
    assert build("--python", sys.executable, **own).returncode == 1  # an empty source; the log's name holds the key
    assert build("--python", sys.executable, "--sanitize", **own).returncode == 1
    assert len([*(tmp_path / "pjsua2").glob("build-*.log")]) == 2


def test_the_scripts_are_clean() -> None:
    """Shellcheck has nothing to say."""
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        pytest.skip("shellcheck is not installed (Debian: apt install shellcheck)")
    checked = subprocess.run(
        [shellcheck, str(SCRIPT), str(ROOT / "tools" / "sanitize.sh")], capture_output=True, text=True, check=False
    )
    assert checked.stdout == ""


def test_help_tells_the_variables() -> None:
    """--help names where the source may come from."""
    ended = build("--help")
    assert ended.returncode == 0
    assert "CALLVANE_PJPROJECT_SOURCE" in ended.stdout
