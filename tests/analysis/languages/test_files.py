"""A folder with the files of languages."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.languages.files import MOST_BYTES, MOST_FILES, LanguageError, tables


def test_the_shipped_folder_has_english_and_spanish() -> None:
    """Each by its code."""
    assert tables().keys() == {"en", "es"}


@pytest.mark.parametrize(
    ("name", "text", "cause"),
    [
        ("xx.toml", b"[next", "xx.toml: "),
        ("xx.toml", b"\xff", "xx.toml: "),
        ("xx.toml", b"a = " + b"[" * 5_000, "xx.toml: "),
        ("xx.toml", b"#" * (MOST_BYTES + 1), "xx.toml: longer than"),
        ("English.toml", b"", "no code of a language"),
        ("readme.md", b"", "no file such as en.toml"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path: Path, name: str, text: bytes, cause: str) -> None:
    """With its name and the cause."""
    (tmp_path / name).write_bytes(text)
    with pytest.raises(LanguageError) as refused:
        tables(tmp_path)
    assert cause in str(refused.value)
    assert "\n" not in str(refused.value).strip()


def test_a_folder_is_bounded(tmp_path: Path) -> None:
    """One that holds more files than there are languages in use is another folder."""
    for number in range(MOST_FILES + 1):
        (tmp_path / f"a{chr(97 + number // 26)}{chr(97 + number % 26)}.toml").touch()
    with pytest.raises(LanguageError, match="more than"):
        tables(tmp_path)


def test_no_folder_is_refused(tmp_path: Path) -> None:
    """It says what is missing."""
    with pytest.raises(LanguageError, match=r"no file such as en\.toml"):
        tables(tmp_path / "nowhere")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_only_files_are_read(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """A pipe under a file's name is refused and not waited for; so is a folder."""
    make(tmp_path / "fr.toml")
    with pytest.raises(LanguageError, match="not a file"):
        tables(tmp_path)
