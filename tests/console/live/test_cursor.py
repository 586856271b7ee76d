"""Cursors, which come back from browsers and so may be anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.live.cursor import Cursor


def test_round_trip() -> None:
    """A cursor reads back as it was written."""
    cursor = Cursor(("1732300000000-0", "0-0", "17-3"))
    assert Cursor.read(str(cursor), 3) == cursor


@pytest.mark.parametrize(
    "text", ["", "1-1", "1-1_2-2", "1-1_2-2_3-3_4-4", "1-1_2-2_x", "-1-1_2-2_3-3", "\u0661-1_2-2_3-3"]
)
def test_no_cursor(text: str) -> None:
    """Text that is no cursor of three places is none."""
    assert Cursor.read(text, 3) is None


@given(st.text())
def test_hostile(text: str) -> None:
    """Whatever a browser sends is a cursor or none, never an exception."""
    read = Cursor.read(text, 3)
    assert read is None or str(read) == text


def test_passed() -> None:
    """A cursor has passed another when it is ahead in any stream, by number and not by letter."""
    assert Cursor(("10-0", "1-0")).passed(Cursor(("9-0", "5-0")))
    assert not Cursor(("9-0", "1-0")).passed(Cursor(("10-0", "1-0")))
