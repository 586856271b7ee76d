"""`python -m tools.settings_reference`: generates config/callvane.toml from the settings' definitions."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from analysis.settings import AnalysisSection, LoadSection
from callbus.contact_settings import ContactsSettings
from callbus.redis.settings import RedisSettings
from console.settings import ConsoleSettings
from service.settings import LogSettings, MetricsSettings
from sip_bridge.settings import BridgeSettings
from written.settings import WrittenSettings

FILE = Path(__file__).parent.parent / "config" / "callvane.toml"

HEAD = """\
# All settings of Callvane with their defaults. One file serves all processes: each reads its own section, [redis],
# [metrics] and [log]. Pass it with --config FILE or CALLVANE_CONFIG. Environment variables override the file:
# CALLVANE_BRIDGE__MAX_CALLS=200 sets max_calls in [bridge]. Uncomment what you change.
# On an unknown key or a value out of range, a process prints one line and exits with status 2.
"""

SECTIONS: dict[str, tuple[type[BaseModel], str]] = {
    "redis": (
        RedisSettings,
        "Connects all processes, which must agree on prefix and partitions.",
    ),
    "metrics": (MetricsSettings, "/metrics, /healthz and /readyz of each process."),
    "log": (LogSettings, "Lines on standard error."),
    "contacts": (ContactsSettings, "Callers known again by a keyed hash: bridges and analysis. docs/contacts.md"),
    "load": (LoadSection, "Agents' load, off by default: analysis. docs/practice.md"),
    "bridge": (BridgeSettings, "python -m sip_bridge: receives forks, sends utterances."),
    "analysis": (AnalysisSection, "python -m analysis: receives utterances, publishes transcripts and alerts."),
    "console": (ConsoleSettings, "python -m console: the supervisors' page."),
    "written": (
        WrittenSettings,
        "python -m written: takes chat messages and e-mails over HTTP. docs/integration/written.md.",
    ),
}


def reference() -> str:
    """The whole file."""
    parts = [HEAD]
    for name, (model, about) in SECTIONS.items():
        parts.append(f"\n[{name}]\n# {about}\n")
        notes = _notes(model)
        for key, field in model.model_fields.items():
            note = textwrap.fill(notes.get(key, ""), 116, initial_indent="# ", subsequent_indent="# ")
            parts.append(f"\n{note}\n" if note else "\n")
            parts.append(_assignment(key, field.default))
    return "".join(parts)


def _assignment(key: str, default: Any) -> str:
    """A commented assignment of the default; without a value if the default is unset."""
    return f"#{key} =\n" if default is None else f"#{key} = {_toml(default)}\n"


def _toml(value: Any) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _notes(model: type[BaseModel]) -> dict[str, str]:
    """The docstring below each field of a class."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(body, ast.ClassDef)  # noqa: S101 -- this is the source of a class
    notes = {}
    for field, below in zip(body.body, body.body[1:], strict=False):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            notes[field.target.id] = " ".join(str(below.value.value).split())
    return notes


if __name__ == "__main__":
    FILE.write_text(reference(), encoding="utf-8")
    print(FILE)
