"""The [written] section."""

from __future__ import annotations

from pathlib import Path

import pytest

from callbus import Channel
from callbus.messages.call import USUAL_IDLE_SECONDS
from service.settings import ConfigError
from written.settings import MOST_TOKENS, WrittenSettings

LONG = "x" * 16


@pytest.mark.parametrize(
    ("tokens", "told"),
    [
        ([], "no token is set; set one"),
        (["short"], "fewer than 16 characters"),
        ([LONG, "short"], "fewer than 16 characters"),
        ([LONG + " " + LONG], "other characters than a header takes"),
        ([LONG + "\u00e9"], "other characters than a header takes"),
    ],
)
def test_weak_tokens_are_refused(tokens: list[str], told: str, tmp_path: Path) -> None:
    """From the setting and from a file; the line does not quote them."""
    file = tmp_path / "tokens"
    file.write_text("\n".join(tokens))
    for settings in (WrittenSettings(tokens=tokens), WrittenSettings(tokens_file=file)):
        with pytest.raises(ConfigError, match=told) as refused:
            settings.accepted()
        assert not any(token in str(refused.value) for token in tokens)


def test_a_file_has_a_token_a_line(tmp_path: Path) -> None:
    """Blank lines and spaces around do not count."""
    file = tmp_path / "tokens"
    file.write_text(f"\n  {LONG}a\n\n{LONG}b  \r\n")
    assert WrittenSettings(tokens_file=file).accepted() == (f"{LONG}a".encode(), f"{LONG}b".encode())


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    """One that is not there, is no text, is endless, holds too many, or stands beside a setting."""
    missing, binary, endless, many = (tmp_path / name for name in ("missing", "binary", "endless", "many"))
    binary.write_bytes(b"\xff" * 40)
    endless.write_text("x" * 100_000)
    many.write_text("\n".join(LONG + str(number) for number in range(MOST_TOKENS + 1)))
    for path, told in ((missing, "No such file"), (binary, "not text"), (endless, "longer"), (many, "more than 64")):
        with pytest.raises(ConfigError, match=told):
            WrittenSettings(tokens_file=path).accepted()
    with pytest.raises(ConfigError, match="keep only one"):
        WrittenSettings(tokens=(LONG,), tokens_file=missing).accepted()


def test_idle_times_are_the_usual_ones() -> None:
    """Those that analysis takes for a conversation whose opening does not say."""
    assert WrittenSettings().idle_seconds == USUAL_IDLE_SECONDS
    assert WrittenSettings(idle_minutes=2).idle_seconds[Channel.CHAT] == 120
