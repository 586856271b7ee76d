"""A secret from its setting, or from a file."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from service.settings import ConfigError

SECRET_BYTES = 4_096


def secret(setting: SecretStr, path: Path | None, name: str) -> str:
    """The secret; empty if neither is set. Raises ConfigError, which does not repeat it.

    `name`: of the setting, such as `analysis.language_model_key`; that of the file ends in `_file`.
    """
    value = setting.get_secret_value()
    if path is None:
        return value
    if value:
        raise ConfigError(f"{name}_file: {name.rpartition('.')[2]} is also set; keep only one")
    try:
        with path.open("rb") as file:
            content = file.read(SECRET_BYTES + 1)
        value = content.decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError(f"{name}_file: {path}: {cause}; give a readable file") from None
    if not value or len(content) > SECRET_BYTES:
        raise ConfigError(f"{name}_file: {path} contains no key")
    return value
