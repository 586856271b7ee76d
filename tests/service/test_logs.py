"""Log lines."""

from __future__ import annotations

import json
import logging

from hypothesis import given
from hypothesis import strategies as st

from service.logs import JsonFormatter, TextFormatter


def record(message: str, **extra: str) -> logging.LogRecord:
    """A warning."""
    made = logging.LogRecord("sip_bridge.fork", logging.WARNING, "f.py", 1, "%s", (message,), None)
    made.__dict__.update(extra)
    return made


@given(st.text(), st.text(min_size=1))
def test_hostile_text_cannot_forge_a_line(message: str, call_id: str) -> None:
    """Whatever a peer sends, a record stays one printable line."""
    line = TextFormatter().format(record(message, call_id=call_id))
    assert line.isprintable()
    assert len(line.splitlines()) == 1


@given(st.text(), st.text(min_size=1))
def test_json_line_holds_the_message_as_it_was(message: str, call_id: str) -> None:
    """In JSON form the message and the call come back as they were, on one line."""
    line = JsonFormatter().format(record(message, call_id=call_id))
    fields = json.loads(line)
    assert (fields["message"], fields["call_id"], fields["level"]) == (message, call_id, "warning")
    assert "\n" not in line
