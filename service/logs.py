"""Logging to standard error: text lines for people, or JSON objects for a collector."""

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

DROPPED = Counter("callvane_log_lines_dropped_total", "Log lines dropped because standard error was blocked.")

WAITING_LINES = 4_096
FLUSH_SECONDS = 1.0
"""How long an exiting process waits for its last lines to be written."""

_NUMBER = re.compile(r"\+[0-9]{6,15}")


def without_numbers(call_id: str) -> str:
    """Mask telephone numbers in a call id: some PBXes build ids from them."""
    return _NUMBER.sub("+…", call_id)


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message, and `call_id` if the line is about a call."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record as JSON."""
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
    """`time level logger: message`. Control characters are escaped, so that a peer's text cannot forge a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record as one line; a traceback adds its own."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        message = "".join(c if c.isprintable() else repr(c)[1:-1] for c in record.getMessage())
        call = getattr(record, "call_id", None)
        about = f"[{without_numbers(str(call))!r:.60}] " if call else ""
        line = f"{at} {record.levelname.lower():7} {record.name}: {about}{message}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class LineWriter(logging.Handler):
    """Writes lines on its own thread through a bounded queue, so that a blocked reader delays no other thread.

    Writes to the descriptor directly: a blocked thread holding a stream's lock would abort interpreter shutdown.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._lines: Queue[bytes] = Queue(WAITING_LINES)
        Thread(target=self._run, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a line; drop and count it if the queue is full."""
        try:
            self._lines.put_nowait(f"{self.format(record)}\n".encode(errors="backslashreplace"))
        except Full:
            DROPPED.inc()

    def flush(self) -> None:
        """Wait up to FLUSH_SECONDS until all lines are written. logging.shutdown calls this at exit."""
        deadline = time.monotonic() + FLUSH_SECONDS
        while self._lines.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.01)

    def _run(self) -> None:
        while True:
            line = self._lines.get()
            try:
                while line:
                    line = line[os.write(self._descriptor, line) :]
            except OSError:  # the disk is full, or the reader is gone
                DROPPED.inc()
            self._lines.task_done()


def flush() -> None:
    """Wait until the lines logged so far are written, up to FLUSH_SECONDS."""
    for handler in logging.getLogger().handlers:
        handler.flush()


def configure(settings: LogSettings) -> None:
    """Send all loggers' lines to standard error in the configured form."""
    handler = LineWriter(sys.stderr.fileno())
    handler.setFormatter(JsonFormatter() if settings.form == "json" else TextFormatter())
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)
