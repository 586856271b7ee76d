"""Signed links: which open a call, and which do not."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.agent.link import CLOCKS_SECONDS, MOST_SECONDS, BadLink, expiry, key_of, path, signature
from console.settings import ConsoleSettings
from service.settings import ConfigError

KEY = b"sixteen bytes or more"
NOW = 1_800_000_000.0
EXPIRES = int(NOW) + 600


def query(call_id: str = "call-1", expires: int = EXPIRES, key: bytes = KEY) -> bytes:
    """Of a link."""
    return path(key, call_id, expires).partition("?")[2].encode()


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=128), st.integers(1, MOST_SECONDS))
def test_a_link_opens_its_call(call_id: str, seconds: int) -> None:
    """Whatever the id holds, the link's path leads to it and its signature is good until it expires."""
    link = path(KEY, call_id, int(NOW) + seconds)
    place, _, signed = link.partition("?")
    assert unquote(place.removeprefix("/agent/")) == call_id
    assert "/" not in place.removeprefix("/agent/")
    assert expiry(KEY, call_id, signed.encode(), NOW) == int(NOW) + seconds


def test_the_signature_is_as_documented() -> None:
    """HMAC-SHA256 over the expiry, a line feed and the id."""
    expected = hmac.new(KEY, f"{EXPIRES}\nä/b".encode(), hashlib.sha256).hexdigest()
    assert signature(KEY, "ä/b", EXPIRES) == expected


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (b"", "not signed"),
        (b"expires=1", "not signed"),
        (b"signature=" + b"a" * 64, "not signed"),
        (b"expires=now&signature=aa", "not signed"),
        (b"expires=-1&signature=aa", "not signed"),
        (b"expires=0800&signature=aa", "not signed"),
        (b"expires=%D9%A1&signature=aa", "not signed"),
        (b"expires=1&expires=1", "not signed"),
        (query() + b"&more=1", "not signed"),
        (query() + b"&" + query(), "not signed"),
        (b"\xff=\xff", "not signed"),
        (b"%00" * 9_000, "not signed"),
        (b"expires=%d&signature=" % EXPIRES, "not signed"),
        (b"expires=%d&signature=%s" % (EXPIRES, "\u00e9".encode()), "not signed"),
        (b"expires=%d&signature=%%c3%%a9" % EXPIRES, "not signed for this call"),
        (query("call-2"), "not signed for this call"),
        (query(key=b"another key of that length"), "not signed for this call"),
        (query().replace(b"expires=18", b"expires=19"), "not signed for this call"),
        (query().upper().replace(b"EXPIRES", b"expires").replace(b"SIGNATURE", b"signature"), "not signed"),
        (query(expires=int(NOW)), "has expired"),
        (query(expires=1), "has expired"),
        (query(expires=int(NOW + MOST_SECONDS + CLOCKS_SECONDS) + 1), "more than 12 hours"),
    ],
)
def test_what_opens_nothing(given: bytes, why: str) -> None:
    """Unsigned, for another call, by another key, expired, or good for too long; one line says which."""
    with pytest.raises(BadLink, match=why):
        expiry(KEY, "call-1", given, NOW)


@given(st.binary(max_size=300), st.text(max_size=40))
def test_nothing_else_is_raised(given: bytes, call_id: str) -> None:
    """For any bytes as a query."""
    with pytest.raises(BadLink):
        expiry(KEY, call_id.encode(errors="replace").decode(), given, NOW)


def test_ids_and_expiries_cannot_be_moved_into_each_other() -> None:
    """No two pairs have the same signed text."""
    assert signature(KEY, "2\n1", 1) != signature(KEY, "1", 12)
    assert signature(KEY, "\n1", 11) != signature(KEY, "1\n\n1", 1)


def test_the_key(tmp_path: Path) -> None:
    """From its setting or a file, 16 bytes or more; none means no views; it is never repeated."""
    file = tmp_path / "key"
    file.write_text("from-a-file-0123456789\n")
    assert key_of(ConsoleSettings()) == b""
    assert key_of(ConsoleSettings(agent_key=KEY.decode())) == KEY
    assert key_of(ConsoleSettings(agent_key_file=file)) == b"from-a-file-0123456789"
    for settings in (
        ConsoleSettings(agent_key="too-short"),
        ConsoleSettings(agent_key=KEY.decode(), agent_key_file=file),
        ConsoleSettings(agent_key_file=tmp_path / "none"),
    ):
        with pytest.raises(ConfigError, match=r"console\.agent_key") as refused:
            key_of(settings)
        assert "too-short" not in str(refused.value)
        assert KEY.decode() not in str(refused.value)
