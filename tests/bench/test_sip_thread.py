"""The bench of the SIP thread, with a few messages: what it prints, not how fast this machine is."""

from __future__ import annotations

from pathlib import Path

from bench import hostile
from bench.hostile import LARGEST, Dialog, Sender
from tests.bench.printed import rows


def test_every_figure_is_a_row(tmp_path: Path) -> None:
    """Each kind of message has its row with the bound of the issue, and so have a call and the source of its RTP."""
    options = ["--times", "1", "--only", "parts: offers", "--calls", "1", "--short-calls", "3"]
    found = rows("bench.sip_thread", options, tmp_path / "rows.json")
    assert list(found) == [
        "parts: offers",
        "the longest of all",
        "a call: set up, watched, ended",
        "rtp_source, a call",
    ]
    assert found["parts: offers"]["target"] == found["the longest of all"]["target"] == 10
    assert found["rtp_source, a call"]["target"] == 0.2


def test_hostile_messages_are_as_large_as_may_be() -> None:
    """Each begins as SIP does, unless that is its point, and fits into a datagram or the library's buffer."""
    for kind in hostile.kinds():
        message = kind.message(Sender(kind.transport, "127.0.0.1", 5060, 1, Dialog("a", "b") if kind.within else None))
        assert 500 < len(message) <= LARGEST[kind.transport], kind.name
