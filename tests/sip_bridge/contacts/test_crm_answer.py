"""What a CRM's answer says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbus.messages.contact import MOST_CRM_CHARACTERS, CrmRecord
from sip_bridge.contacts.crm_answer import AnswerError, record_of

FIELDS = {"earlier": "contacts.count", "address": "person.salutation", "notes": "prefs.0.notes"}


def read(answer: Any) -> CrmRecord | None:
    """What an answer in JSON says."""
    return record_of(json.dumps(answer).encode(), FIELDS)


def test_fields_are_taken_from_their_paths() -> None:
    """Through objects and lists; all else in the answer is ignored."""
    answer = {
        "contacts": {"count": 4, "last": "2026-11-30"},
        "person": {"salutation": "Dr Weber"},
        "prefs": [{"notes": "wants short answers"}],
    }
    assert read(answer) == CrmRecord(4, "Dr Weber", "wants short answers")


@pytest.mark.parametrize(
    "answer", [{}, [], None, 7, "text", {"contacts": None}, {"contacts": 5}, {"prefs": []}, {"person": ["x"]}]
)
def test_what_is_missing_says_nothing(answer: Any) -> None:
    """A CRM that knows nothing of a caller is no fault."""
    assert read(answer) is None


@pytest.mark.parametrize(
    "answer",
    [
        {"contacts": {"count": "four"}},
        {"contacts": {"count": True}},
        {"contacts": {"count": -1}},
        {"contacts": {"count": 1.5}},
        {"contacts": {"count": 10**12}},
        {"person": {"salutation": {"first": "x"}}},
        {"prefs": [{"notes": 5}]},
    ],
)
def test_another_type_than_described_is_a_fault(answer: Any) -> None:
    """The setting or the CRM is wrong, and somebody should know; the fault repeats nothing of the answer."""
    with pytest.raises(AnswerError, match="is not a"):
        read(answer)


@pytest.mark.parametrize("answer", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"<html>"])
def test_what_is_not_json_is_a_fault(answer: bytes) -> None:
    """However deep or broken."""
    with pytest.raises(AnswerError, match="not JSON"):
        record_of(answer, FIELDS)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  two\n lines\t\x00\x1b[31m ", "two lines [31m"),
        ("reverse \u202e text", "reverse text"),
        ("call back on +49 30 123456-7 please", "call back on [digits] please"),
        ("customer since 2019, 3 cars", "customer since 2019, 3 cars"),
        ("x" * 1_000, "x" * MOST_CRM_CHARACTERS),
        ("<b>bold</b>", "<b>bold</b>"),
    ],
)
def test_text_is_one_short_line_without_numbers(text: str, shown: str) -> None:
    """A CRM may hold what a caller wrote, and the caller's number."""
    assert read({"person": {"salutation": text}}) == CrmRecord(address=shown)


@given(st.text(max_size=5_000))
def test_any_text_fits_its_message(text: str) -> None:
    """It is bounded and printable."""
    found = read({"prefs": [{"notes": text}]})
    assert found is None or (found.notes.isprintable() and 0 < len(found.notes) <= MOST_CRM_CHARACTERS)
