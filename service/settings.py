"""Settings: one TOML file for all processes, then the environment; all checked before anything starts.

Each package owns the model of its section; a process names the sections it reads. The environment overrides
the file: `CALLVANE_BRIDGE__MAX_CALLS=200` is `max_calls` in `[bridge]`.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource

SECTIONS = ("redis", "metrics", "log", "bridge", "analysis", "console")
PREFIX = "CALLVANE_"
CONFIG_VARIABLE = "CALLVANE_CONFIG"
SECRETS = ("password", "url", "digest_users", "language_model_key")
"""Keys whose values never appear in a message."""


class ConfigError(Exception):
    """Invalid settings: one line that names the key, the fault and the fix. The process exits with status 2."""


class MetricsSettings(BaseModel):
    """The [metrics] section: where /metrics, /healthz and /readyz are served."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    host: str = "127.0.0.1"
    """Address to listen on. Prometheus must be able to reach it."""
    port: int | None = Field(None, ge=0, le=65535)
    """Unset: the default of the process (9101 bridge, 9102 analysis, 9103 console). 0 picks a free port."""


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
    for name, section in _environment(cls).items():
        wanted[name] = {**wanted.get(name, {}), **section}
    try:
        return cls.model_validate(wanted)
    except ValidationError as error:
        raise ConfigError(_line(error, chosen)) from None


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


def _environment(cls: type[ProcessSettings]) -> dict[str, dict[str, Any]]:
    names = {name.upper() for name in SECTIONS}
    for variable in os.environ:
        if variable.startswith(PREFIX) and "__" in variable:
            section = variable.removeprefix(PREFIX).partition("__")[0]
            if section.upper() not in names:
                raise ConfigError(f"{variable}: unknown section {section}; known sections: {', '.join(SECTIONS)}")
    source = EnvSettingsSource(cls, env_prefix=PREFIX, env_nested_delimiter="__", case_sensitive=False)
    try:
        return source()
    except ValueError as error:
        raise ConfigError(f"environment: {error}") from None


def _line(error: ValidationError, path: str | os.PathLike[str] | None) -> str:
    """Describe the first fault in one line, with the number of the others."""
    first, *others = error.errors(include_url=False)
    where = ".".join(str(part) for part in first["loc"])
    origin = f"{path}: " if path else ""
    if first["type"] == "extra_forbidden":
        fault = "unknown key; config/callvane.toml lists them all"
    elif not {*SECRETS}.isdisjoint(first["loc"]) or not isinstance(first.get("input"), str | int | float | bool):
        fault = str(first["msg"])  # a whole section may hold a secret
    else:
        fault = f"{first['msg']} (got {first.get('input')!r:.60})"
    more = f"; {len(others)} more fault{'s' if len(others) > 1 else ''}" if others else ""
    return f"{origin}{where}: {fault}{more}"
