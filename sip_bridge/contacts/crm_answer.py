"""Reads what a CRM answers about a caller. Pure; the answer is somebody else's, and the caller may have written it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from callbus.messages.contact import MOST_CRM_CHARACTERS, CrmRecord

MOST_EARLIER = 1_000_000_000
"""As in `leg.Number`."""
_READ_CHARACTERS = 4_096
_LONG_NUMBER = re.compile(r"\+?\d(?:[\s().\-/]{0,3}\d){6,}+")
"""Seven digits or more may be somebody's number, which is passed on nowhere."""


class AnswerError(ValueError):
    """An answer that is not JSON, or of which no field is as described. The message repeats nothing of it."""


def record_of(answer: bytes, fields: Mapping[str, str]) -> CrmRecord | None:
    """What the answer says; None if it says nothing. `fields`: where, as in the settings. Raises AnswerError.

    A field that is missing or null says nothing. One of another type than described is a fault.
    """
    try:
        content = msgspec.json.decode(answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise AnswerError("the answer is not JSON") from None
    found = {name: _at(content, path) for name, path in fields.items()}
    record = CrmRecord(_count(found), _text(found, "address"), _text(found, "notes"))
    return record if record != CrmRecord() else None


def _at(content: Any, path: str) -> Any:
    """What lies at a dotted path; None if nothing does."""
    for name in path.split("."):
        if isinstance(content, dict):
            content = content.get(name)
        elif isinstance(content, list) and re.fullmatch("[0-9]{1,4}", name) and int(name) < len(content):
            content = content[int(name)]
        else:
            return None
    return content


def _count(found: Mapping[str, Any]) -> int | None:
    value = found.get("earlier")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_EARLIER:
        raise AnswerError("earlier is not a count")
    return value


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise AnswerError(f"{name} is not a text")
    words = " ".join("".join(each if each.isprintable() else " " for each in value[:_READ_CHARACTERS]).split())
    return _LONG_NUMBER.sub("[digits]", words)[:MOST_CRM_CHARACTERS].rstrip()
