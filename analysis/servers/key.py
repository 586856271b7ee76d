"""The key of a model's server, from its setting or from a file."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from analysis.servers.model_server import Settings
from service.settings import ConfigError

KEY_BYTES = 4_096


def key_of(setting: SecretStr, path: Path | None, settings: Settings) -> str:
    """The key; empty if neither is set. Raises ConfigError, which does not repeat it."""
    key, name = setting.get_secret_value(), settings.prefix
    if path is None:
        return key
    if key:
        raise ConfigError(f"analysis.{name}_key_file: {name}_key is also set; keep only one")
    try:
        with path.open("rb") as file:
            content = file.read(KEY_BYTES + 1)
        key = content.decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError(f"analysis.{name}_key_file: {path}: {cause}; give a readable file") from None
    if not key or len(content) > KEY_BYTES:
        raise ConfigError(f"analysis.{name}_key_file: {path} contains no key")
    return key
