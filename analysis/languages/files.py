"""The files of languages in a folder: `es.toml` is what is known of Spanish. docs/languages.md says what is in one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

SHIPPED = Path(__file__).parents[2] / "config" / "languages"
MOST_BYTES = 256_000
MOST_FILES = 100
_CODE = re.compile(r"[a-z]{2,3}")

Tables = dict[str, Any]
"""What a file says, as TOML has it."""


class LanguageError(ValueError):
    """A file of a language that cannot be used; one line says what is wrong."""


def tables(folder: Path = SHIPPED) -> dict[str, Tables]:
    """What a folder's files say, by the code of their language. Raises LanguageError."""
    try:
        files = sorted(folder.glob("*.toml"))[: MOST_FILES + 1]
    except OSError as error:
        raise LanguageError(f"{folder}: {error.strerror}") from None
    if not files:
        raise LanguageError(f"{folder}: no file such as en.toml; name a folder with one")
    if len(files) > MOST_FILES:
        raise LanguageError(f"{folder}: more than {MOST_FILES} files; there is one a language")
    if odd := [path for path in files if not _CODE.fullmatch(path.stem)]:
        raise LanguageError(f"{odd[0]}: its name is no code of a language; name it as en.toml")
    return {path.stem: _read(path) for path in files}


def _read(path: Path) -> Tables:
    if not path.is_file():  # a pipe would be waited for
        raise LanguageError(f"{path}: not a file; move it away")
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise LanguageError(f"{path}: {error.strerror}") from None
    if len(raw) > MOST_BYTES:
        raise LanguageError(f"{path}: longer than {MOST_BYTES // 1000} kB")
    try:
        return tomllib.loads(raw.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LanguageError(f"{path}: {error}") from None
