"""Settings from a file and the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.settings import ConfigError, LogSettings, ProcessSettings, load


class WorkSettings(BaseModel):
    """A section as a package owns one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    calls: int = Field(5, ge=1)
    hosts: tuple[str, ...] = ()


class Settings(ProcessSettings):
    """A process with one section of its own."""

    bridge: WorkSettings = WorkSettings()


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting from outside."""
    for name in ("CALLVANE_CONFIG", "CALLVANE_BRIDGE__CALLS"):
        monkeypatch.delenv(name, raising=False)


def write(folder: Path, text: str) -> Path:
    """A settings file."""
    path = folder / "callvane.toml"
    path.write_text(text)
    return path


def test_environment_wins_over_file_and_file_over_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Defaults, then the file, then the environment."""
    path = write(tmp_path, "[bridge]\ncalls = 7\nhosts = ['a']\n")
    assert load(Settings).bridge.calls == 5
    assert load(Settings, path).bridge == WorkSettings(calls=7, hosts=("a",))
    monkeypatch.setenv("CALLVANE_BRIDGE__CALLS", "9")
    assert load(Settings, path).bridge == WorkSettings(calls=9, hosts=("a",))


def test_file_can_be_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CALLVANE_CONFIG names the file where --config does not."""
    monkeypatch.setenv("CALLVANE_CONFIG", str(write(tmp_path, "[log]\nform = 'json'\n")))
    assert load(Settings).log == LogSettings(form="json")


def test_sections_of_other_processes_are_skipped(tmp_path: Path) -> None:
    """One file serves all processes."""
    assert load(Settings, write(tmp_path, "[console]\nport = 1\n[analysis]\nx = 2\n")) == Settings()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[bridge]\ncals = 7\n", ["bridge.cals", "unknown key"]),
        ("[bridge]\ncalls = 0\n", ["bridge.calls", "greater than or equal to 1", "0"]),
        ("[bridge]\ncalls = 'many'\n", ["bridge.calls", "'many'"]),
        ("[bridge]\ncals = 7\n[log]\nlevel = 'loud'\n", ["1 more fault"]),
        ("[brige]\n", ["brige", "unknown section"]),
        ("bridge = 3\n", ["[bridge]"]),
        ("[bridge\n", ["not TOML"]),
    ],
)
def test_fault_is_told_in_one_line(tmp_path: Path, text: str, words: list[str]) -> None:
    """An unknown key or a bad value is named, with its file, in one line."""
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as raised:
        load(Settings, path)
    line = str(raised.value)
    assert "\n" not in line
    for word in [str(path), *words]:
        assert word in line


def test_secret_is_not_repeated(tmp_path: Path) -> None:
    """A refused address or password does not end up in the log."""

    class Redis(BaseModel):
        url: str = Field("redis://", pattern="^redis://")

    class WithRedis(ProcessSettings):
        redis: Redis = Redis()

    with pytest.raises(ConfigError, match=r"redis\.url") as raised:
        load(WithRedis, write(tmp_path, "[redis]\nurl = 'rediss:/:hunter2@example.com'\n"))
    assert "hunter2" not in str(raised.value)


def test_a_fault_of_a_section_repeats_nothing_of_it(tmp_path: Path) -> None:
    """What does not fit together is told in words alone: the section may hold a password."""

    class Section(BaseModel):
        user: str = ""

        @model_validator(mode="after")
        def _fits(self) -> Self:
            raise ValueError("user does not fit")

    class WithSection(ProcessSettings):
        bridge: Section | None = None

    with pytest.raises(ConfigError, match="user does not fit") as raised:
        load(WithSection, write(tmp_path, "[bridge]\nuser = 'hunter2'\n"))
    assert "hunter2" not in str(raised.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is an error, not a default."""
    with pytest.raises(ConfigError, match=r"nowhere\.toml.*--config"):
        load(Settings, tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("variable", "value", "word"),
    [
        ("CALLVANE_BRIDGE__CALLS", "0", "bridge.calls"),
        ("CALLVANE_BRIDGE__CALS", "1", "bridge.cals"),
        ("CALLVANE_BRIGE__CALLS", "1", "BRIGE"),
    ],
)
def test_fault_in_the_environment_is_told_too(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, word: str
) -> None:
    """A bad or unknown variable is named like a bad key."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=word):
        load(Settings)
