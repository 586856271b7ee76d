"""Logs: lines for people, or JSON objects for a collector, on standard error."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
from datetime import UTC, datetime
from queue import Full, Queue
from threading import Thread

from prometheus_client import Counter

from service.settings import LogSettings

DROPPED = Counter("callvane_log_lines_dropped_total", "Log lines dropped, since nobody takes them from standard error.")

WAITING_LINES = 4_096
FLUSH_SECONDS = 1.0
"""How long the end of a process waits for its last lines to be taken."""

_NUMBER = re.compile(r"\+[0-9]{6,15}")


def without_numbers(call_id: str) -> str:
    """A call's id without a telephone number, should a PBX have made it of one."""
    return _NUMBER.sub("+…", call_id)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the call where the line is about one."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as JSON."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if call := getattr(record, "call_id", None):
            fields["call_id"] = without_numbers(str(call))
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """`time level logger: message`, control characters escaped: what a peer sends must not forge a line."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as one line (a traceback adds its own)."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        message = "".join(c if c.isprintable() else repr(c)[1:-1] for c in record.getMessage())
        call = getattr(record, "call_id", None)
        about = f"[{without_numbers(str(call))!r:.60}] " if call else ""
        line = f"{at} {record.levelname.lower():7} {record.name}: {about}{message}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class LineWriter(logging.Handler):
    """Writes lines on a thread of its own: whoever reads them may stand still, and holds up nobody. Bounded.

    Written to the descriptor itself: a stream's lock, held by a thread that waits, would abort the interpreter's end.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._lines: Queue[bytes] = Queue(WAITING_LINES)
        Thread(target=self._run, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line; drop and count it where too many wait."""
        try:
            self._lines.put_nowait(f"{self.format(record)}\n".encode(errors="backslashreplace"))
        except Full:
            DROPPED.inc()

    def flush(self) -> None:
        """Wait until all is written, for at most FLUSH_SECONDS. logging.shutdown does so at the process's end."""
        deadline = time.monotonic() + FLUSH_SECONDS
        while self._lines.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.01)

    def _run(self) -> None:
        while True:
            line = self._lines.get()
            try:
                while line:
                    line = line[os.write(self._descriptor, line) :]
            except OSError:  # a full disk, or a reader that has gone
                DROPPED.inc()
            self._lines.task_done()


def configure(settings: LogSettings) -> None:
    """Send every logger's lines to standard error in the form that the settings name."""
    handler = LineWriter(sys.stderr.fileno())
    handler.setFormatter(JsonFormatter() if settings.form == "json" else TextFormatter())
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)
