"""Logs: lines for people, or JSON objects for a collector, on standard error."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime

from service.settings import LogSettings

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


def configure(settings: LogSettings) -> None:
    """Send every logger's lines to standard error in the form that the settings name."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if settings.form == "json" else TextFormatter())
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)
