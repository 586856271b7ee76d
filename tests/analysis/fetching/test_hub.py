"""The hub, over real HTTP: honest, broken and hostile."""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.fetching.errors import FetchError, SourceError
from analysis.fetching.fetch import fetch
from analysis.fetching.hub import TRIES, Hub
from tests.analysis.fetching.stand_ins import (
    CONTENT,
    StandInHub,
    broken,
    is_untouched,
    is_whole,
    model,
    silent,
    status,
    whole,
)


def failure(hub: StandInHub, folder: Path, slow_seconds: float = 60.0) -> str:
    """The one line with which a fetch from this hub fails; nothing is left."""
    with pytest.raises(FetchError) as caught:
        fetch(model(), folder / "small-one", [Hub(hub.url, slow_seconds, pause=0)], silent())
    assert is_untouched(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_model_comes_whole(hub: StandInHub, tmp_path: Path) -> None:
    """Each file of the pinned commit is asked for once, and lies in its place with the digests."""
    assert fetch(model(), tmp_path / "a" / "small-one", [Hub(hub.url)], silent()) == "the hub"
    assert is_whole(tmp_path / "a" / "small-one")
    assert hub.asked == [hub.path(name) for name in CONTENT]


def test_a_model_that_is_there_is_not_asked_for(hub: StandInHub, tmp_path: Path) -> None:
    """A second fetch only compares."""
    fetch(model(), tmp_path / "small-one", [Hub(hub.url)], silent())
    hub.asked.clear()
    assert fetch(model(), tmp_path / "small-one", [Hub(hub.url)], silent()) == ""
    assert hub.asked == []


@settings(max_examples=10)
@given(st.lists(st.integers(0, 120_000), max_size=TRIES - 1))
def test_a_broken_connection_continues(lengths: list[int]) -> None:
    """Wherever connections break, the rest is asked for, and the whole is right."""
    hub = StandInHub()
    hub.answers[hub.path("model.bin")] = broken(CONTENT["model.bin"], *lengths)
    try:
        with TemporaryDirectory() as folder:
            target = Path(folder) / "small-one"
            fetch(model(), target, [Hub(hub.url, pause=0)], silent())
            assert is_whole(target)
    finally:
        hub.close()


def test_a_connection_that_always_breaks(hub: StandInHub, tmp_path: Path) -> None:
    """The tries are counted."""
    hub.answers[hub.path("model.bin")] = broken(CONTENT["model.bin"], *[10] * 100)
    assert "model.bin" in failure(hub, tmp_path)
    assert hub.asked.count(hub.path("model.bin")) == TRIES


def test_a_hub_that_cannot_continue_begins_again(hub: StandInHub, tmp_path: Path) -> None:
    """A server without ranges sends all of it once more; what came before does not count twice."""
    content, cut = CONTENT["model.bin"], [True]

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content[: 1_000 if cut.pop() else None])
        cut.append(False)

    hub.answers[hub.path("model.bin")] = answer
    fetch(model(), tmp_path / "small-one", [Hub(hub.url, pause=0)], silent())
    assert is_whole(tmp_path / "small-one")


def test_wrong_bytes(hub: StandInHub, tmp_path: Path) -> None:
    """One changed byte: refused by its digest."""
    content = bytearray(CONTENT["model.bin"])
    content[1_000] ^= 1
    hub.answers[hub.path("model.bin")] = whole(bytes(content))
    assert "model.bin has the SHA-256" in failure(hub, tmp_path)


def test_too_few_bytes(hub: StandInHub, tmp_path: Path) -> None:
    """A file that is honestly announced as shorter."""
    hub.answers[hub.path("model.bin")] = whole(CONTENT["model.bin"][:-1])
    assert "instead of 300000" in failure(hub, tmp_path)


def test_bytes_without_end(hub: StandInHub, tmp_path: Path) -> None:
    """A stream that never ends is cut off where the file would."""
    sent = [0]

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while True:
            sent[0] += request.wfile.write(bytes(65_536))

    hub.answers[hub.path("config.json")] = answer
    assert "config.json is longer" in failure(hub, tmp_path)


def test_a_login_page_instead_of_the_file(hub: StandInHub, tmp_path: Path) -> None:
    """A proxy's page with status 200 is no config.json."""
    hub.answers[hub.path("config.json")] = whole(b"<html>sign in</html>", "text/html")
    assert "config.json is longer" in failure(hub, tmp_path)


def test_redirects_in_a_circle(hub: StandInHub, tmp_path: Path) -> None:
    """A circle is left after a few rounds."""
    hub.answers[hub.path("config.json")] = status(302, "/b")
    hub.answers["/b"] = status(302, hub.path("config.json"))
    assert "redirect" in failure(hub, tmp_path).lower()
    assert len(hub.asked) < 30


@pytest.mark.parametrize("location", ["file:///etc/hostname", "ftp://127.0.0.1/x", "//", "http://[::bad"])
def test_a_redirect_that_leads_elsewhere_than_to_http(hub: StandInHub, tmp_path: Path, location: str) -> None:
    """It is not followed."""
    hub.answers[hub.path("config.json")] = status(302, location)
    assert "config.json" in failure(hub, tmp_path)


def test_a_token_stays_with_the_hub(hub: StandInHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub gets the operator's token; the store of files that it redirects to does not."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    store = StandInHub()
    seen: list[tuple[str, str | None]] = []

    def at_the_hub(request: BaseHTTPRequestHandler) -> None:
        seen.append(("hub", request.headers.get("Authorization")))
        status(302, f"{store.url}/blob")(request)

    def at_the_store(request: BaseHTTPRequestHandler) -> None:
        seen.append(("store", request.headers.get("Authorization")))
        whole(CONTENT["model.bin"])(request)

    hub.answers[hub.path("model.bin")] = at_the_hub
    store.answers["/blob"] = at_the_store
    try:
        fetch(model(), tmp_path / "small-one", [Hub(hub.url)], silent())
    finally:
        store.close()
    assert is_whole(tmp_path / "small-one")
    assert seen == [("hub", "Bearer hf_secret"), ("store", None)]


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_a_refusal_is_final(hub: StandInHub, tmp_path: Path, code: int) -> None:
    """A status that another try does not change is told at once."""
    hub.answers[hub.path("config.json")] = status(code)
    assert str(code) in failure(hub, tmp_path)
    assert hub.asked == [hub.path("config.json")]


def test_a_busy_hub_is_asked_again(hub: StandInHub, tmp_path: Path) -> None:
    """503 and 429 pass."""
    codes = [503, 429]

    def answer(request: BaseHTTPRequestHandler) -> None:
        (status(codes.pop()) if codes else whole(CONTENT["config.json"]))(request)

    hub.answers[hub.path("config.json")] = answer
    fetch(model(), tmp_path / "small-one", [Hub(hub.url, pause=0)], silent())
    assert is_whole(tmp_path / "small-one")


def test_a_slow_hub_is_given_up(hub: StandInHub, tmp_path: Path) -> None:
    """A connection that drips keeps nobody waiting for hours."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(CONTENT["model.bin"])))
        request.end_headers()
        for _ in range(200):
            request.wfile.write(b"x")
            time.sleep(0.02)

    hub.answers[hub.path("model.bin")] = answer
    assert "too slow" in failure(hub, tmp_path, slow_seconds=0.2)


def test_nobody_there(tmp_path: Path) -> None:
    """Where no hub answers, one try is enough."""
    began = time.monotonic()
    with pytest.raises(SourceError):
        Hub("http://127.0.0.1:9").bring(model(), tmp_path, silent())
    assert time.monotonic() - began < 5
