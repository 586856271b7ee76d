"""Settings: one TOML file for all processes, then the environment; all checked before anything starts.

Each package owns the model of its section; a process names the sections it reads. The environment overrides
the file: `CALLVANE_BRIDGE__MAX_CALLS=200` is `max_calls` in `[bridge]`.
"""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any, Literal, TypeVar, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource

SECTIONS = ("redis", "metrics", "log", "contacts", "load", "bridge", "analysis", "written", "console")
PREFIX = "CALLVANE_"
CONFIG_VARIABLE = "CALLVANE_CONFIG"
SECRETS = (
    *("password", "url", "tokens", "digest_users", "language_model_key", "speech_server_key"),
    *("key", "lookup_url", "lookup_headers", "agent_key"),
)
"""Keys whose values never appear in a message."""

OWN_WORDS = {
    "tuple_type": 'not a list; give a list such as ["first", "second"]',
    "dict_type": 'not a table; give { name = "value" }, or {"name": "value"} in the environment',
    "model_type": "not a section; set its keys",
}
"""By the kind of fault."""


class ConfigError(Exception):
    """Invalid settings: one line that names the key, the fault and the fix. The process exits with status 2."""


class MetricsSettings(BaseModel):
    """The [metrics] section: where /metrics, /healthz and /readyz are served."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    host: str = "127.0.0.1"
    """Address to listen on. Prometheus must be able to reach it."""
    port: int | None = Field(None, ge=0, le=65535)
    """Unset: that of the process (9101 bridge, 9102 analysis, 9103 console, 9104 written). 0 picks a free port."""


class LogSettings(BaseModel):
    """The [log] section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    level: Literal["debug", "info", "warning", "error"] = "info"
    form: Literal["text", "json"] = "text"
    """`json` writes one object per line, for a log collector."""


class ProcessSettings(BaseSettings):
    """Base of every process's settings: the shared sections."""

    model_config = ConfigDict(extra="forbid", frozen=True)  # type: ignore[assignment] # sources are built in `load`

    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()


S = TypeVar("S", bound=ProcessSettings)


def load(cls: type[S], path: str | os.PathLike[str] | None = None) -> S:
    """The settings of a process, from `path` (else $CALLVANE_CONFIG, else defaults) and the environment.

    Ignores the sections of other processes. Raises ConfigError.
    """
    chosen = path or os.environ.get(CONFIG_VARIABLE)
    values = _read(Path(chosen)) if chosen else {}
    wanted = {name: section for name, section in values.items() if name in cls.model_fields}
    variables = _variables(cls)
    for name, section in _merged(variables).items():
        wanted[name] = {**wanted.get(name, {}), **section}
    try:
        return cls.model_validate(wanted)
    except ValidationError as error:
        raise ConfigError(_line(error, variables, chosen)) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}; name a readable file with --config") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None
    for name, section in values.items():
        if name not in SECTIONS:
            raise ConfigError(f"{path}: unknown section [{name}]; known sections: {', '.join(SECTIONS)}")
        if not isinstance(section, dict):
            raise ConfigError(f"{path}: {name} is a section: write [{name}] with its keys below")
    return values


Variables = dict[str, dict[str, dict[str, Any]]]
"""By environment variable, what it sets: keys and values by section."""


def _variables(cls: type[ProcessSettings]) -> Variables:
    """What each variable sets. One that sets a single key comes after one that sets a whole section, and wins."""
    found: Variables = {}
    source = EnvSettingsSource(cls, env_prefix=PREFIX, env_nested_delimiter="__", case_sensitive=False)
    for variable in sorted(os.environ, key=lambda name: (name.count("__"), name)):
        name, nested, key = variable.lower().removeprefix(PREFIX.lower()).partition("__")
        if not variable.upper().startswith(PREFIX) or not (nested or name in SECTIONS):
            continue
        if name not in SECTIONS:
            raise ConfigError(f"{variable}: unknown section {name.upper()}; known sections: {', '.join(SECTIONS)}")
        if name not in cls.model_fields:
            continue
        source.env_vars = {variable.lower(): os.environ[variable]}
        try:
            values = source()
        except ValueError:
            raise ConfigError(f"{variable}: {_cure(cls, name, key, os.environ[variable])}") from None
        if not isinstance(values.get(name, {}), dict):
            raise ConfigError(f"{variable}: {_cure(cls, name, key, os.environ[variable])}")
        found[variable] = values
    return found


def _merged(variables: Variables) -> dict[str, dict[str, Any]]:
    merged: dict[str, dict[str, Any]] = {}
    for values in variables.values():
        _update(merged, values)
    return merged


def _update(table: dict[str, Any], other: dict[str, Any]) -> None:
    """Put `other` into `table`, and its tables into those that are there."""
    for key, value in other.items():
        if isinstance(value, dict):
            inner = table.get(key)
            table[key] = dict(inner) if isinstance(inner, dict) else {}
            _update(table[key], value)
        else:
            table[key] = value


def _cure(cls: type[ProcessSettings], name: str, key: str, value: str) -> str:
    """What to write instead of a value that cannot be read as a section, a list or an object."""
    if not key:
        return f"sets the whole section [{name}]; set one key, as in {PREFIX}{name.upper()}__KEY=value"
    section: Any = cls.model_fields[name].annotation
    field = section.model_fields.get(key)
    where = f"{name}.{key.replace('__', '.')}"
    if field is None or get_origin(field.annotation) is not tuple:
        return f'{where}: cannot be read; give a JSON object such as {{"name": "value"}}'
    if key in SECRETS:
        return f'{where}: cannot be read; give a JSON list such as ["value"]'
    words = [word.strip(" \t\n\"'") for word in value.strip(" []").split(",")]
    example = json.dumps([word for word in words if word] or ["value"], ensure_ascii=False)
    return f"{where}: {value!r:.60} cannot be read; give a JSON list such as {example:.100}"


def _line(error: ValidationError, variables: Variables, path: str | os.PathLike[str] | None) -> str:
    """Describe the first fault in one line: where it was set, the key, the fault; and the number of the others."""
    first, *others = error.errors(include_url=False)
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        fault = "unknown key; config/callvane.toml lists them all"
    elif not {*SECRETS}.isdisjoint(first["loc"]) or not isinstance(first.get("input"), str | int | float | bool):
        fault = _words(first)  # a whole section may hold a secret
    else:
        fault = f"{_words(first)} (got {first.get('input')!r:.60})"
    more = f"; {len(others)} more fault{'s' if len(others) > 1 else ''}" if others else ""
    line = ": ".join(filter(None, [_origin(first, variables, path), where, fault])) + more
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


def _words(fault: Any) -> str:
    """The validator's words, or better ones for the types that are called otherwise in TOML and JSON."""
    if fault["type"] == "value_error":
        return str(fault["ctx"]["error"])
    return OWN_WORDS.get(fault["type"]) or str(fault["msg"])


def _origin(fault: Any, variables: Variables, path: str | os.PathLike[str] | None) -> str:
    """Where the faulty value was set; for a fault of a whole section, wherever the keys that it names may be set."""
    name, *keys = fault["loc"]
    found = [
        variable
        for variable, values in variables.items()
        if any(key == keys[0] if keys else key in _words(fault) for key in values.get(name, {}))
    ]
    if path and not (keys and found):
        found.insert(0, str(path))
    return ", ".join(found)
