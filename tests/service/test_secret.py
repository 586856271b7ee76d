"""Secrets from settings and files."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from service.secret import SECRET_BYTES, secret
from service.settings import ConfigError

NAME = "contacts.key"
NONE = SecretStr("")


def test_a_secret_is_its_setting_or_the_files_text(tmp_path: Path) -> None:
    """Without the line's end that editors add; empty if there is neither."""
    file = tmp_path / "key"
    file.write_text(" geheim \n")
    assert secret(SecretStr("said"), None, NAME) == "said"
    assert secret(NONE, file, NAME) == "geheim"
    assert secret(NONE, None, NAME) == ""


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(None, "No such file"), (b"\xff\xfe", "it is not text"), (b" \n", "contains no key"), (b"x" * 5_000, "no key")],
)
def test_a_file_without_a_secret_is_refused(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    """In one line that names the setting."""
    assert SECRET_BYTES < 5_000
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"^contacts\.key_file: .*{complaint}"):
        secret(NONE, file, NAME)


def test_two_secrets_are_one_too_many(tmp_path: Path) -> None:
    """Nobody could tell which one counts; neither is told."""
    file = tmp_path / "key"
    file.write_text("geheim")
    with pytest.raises(ConfigError, match="key is also set") as fault:
        secret(SecretStr("said"), file, NAME)
    assert "geheim" not in str(fault.value)
    assert "said" not in str(fault.value)
