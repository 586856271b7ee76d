"""Log lines."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.logs import JsonFormatter, TextFormatter

ROOT = Path(__file__).parents[2]


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


CHATTY = """
import logging
from service.logs import DROPPED, configure
from service.settings import LogSettings
configure(LogSettings())
for number in range(20_000):
    logging.getLogger("chatty").info("line %d", number)
print(int(DROPPED._value.get()) > 0, flush=True)
"""


def test_a_reader_that_stands_still_holds_up_nobody() -> None:
    """Lines are dropped and counted, the process goes on and ends; what was taken is whole and in order."""
    with subprocess.Popen(
        [sys.executable, "-c", CHATTY], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as chatty:
        assert chatty.stdout
        assert chatty.stderr
        assert chatty.stdout.read() == "True\n"
        assert chatty.wait(60) == 0
        lines = chatty.stderr.read().splitlines()[:-1]  # the last may be cut off
        assert [line.rpartition(" ")[2] for line in lines] == [str(number) for number in range(len(lines))]


@pytest.mark.parametrize("count", [1, 3_000])
def test_the_last_lines_come_out(count: int) -> None:
    """Where somebody reads, a process that ends has written all that it has said."""
    said = CHATTY.replace("20_000", str(count))
    ended = subprocess.run([sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, check=True)
    assert len(ended.stderr.splitlines()) == count
    assert ended.stdout == "False\n"
