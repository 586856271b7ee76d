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
    tokens: tuple[str, ...] = ()
    users: dict[str, str] = {}
    most: int = 100

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.most < self.calls:
            raise ValueError("most is less than calls")
        return self


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
        ("[bridge]\nhosts = 'a'\n", ["bridge.hosts: not a list; give a list"]),
        ("[bridge]\nusers = 'a'\n", ["bridge.users: not a table; give"]),
        ('[bridge]\n"a\\nb" = 1\n', ["bridge.a\\nb: unknown key"]),
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
    ("variable", "value", "words"),
    [
        ("CALLVANE_BRIDGE__CALLS", "0", "CALLVANE_BRIDGE__CALLS: bridge.calls: "),
        ("CALLVANE_BRIDGE__CALLS__X", "1", "CALLVANE_BRIDGE__CALLS__X: bridge.calls: "),
        ("CALLVANE_BRIDGE__CALS", "1", "CALLVANE_BRIDGE__CALS: bridge.cals: unknown key"),
        ("callvane_bridge__cals", "1", "callvane_bridge__cals: bridge.cals: unknown key"),
        ("CALLVANE_BRIGE__CALLS", "1", "CALLVANE_BRIGE__CALLS: unknown section BRIGE"),
        ("CALLVANE_BRIDGE", "5", "CALLVANE_BRIDGE: sets the whole section [bridge]; set one key, as in CALLVANE_BR"),
        ("CALLVANE_BRIDGE", "x", "CALLVANE_BRIDGE: sets the whole section"),
        ("CALLVANE_BRIDGE", "", "CALLVANE_BRIDGE: sets the whole section"),
        ("CALLVANE_BRIDGE", '["a"]', "CALLVANE_BRIDGE: sets the whole section"),
        ("CALLVANE_BRIDGE", '{"calls": 0}', "CALLVANE_BRIDGE: bridge.calls: "),
        (
            "CALLVANE_BRIDGE__HOSTS",
            "a, b",
            'HOSTS: bridge.hosts: \'a, b\' cannot be read; give a JSON list such as ["a", "b"]',
        ),
        ("CALLVANE_BRIDGE__HOSTS", "['a']", 'cannot be read; give a JSON list such as ["a"]'),
        ("CALLVANE_BRIDGE__HOSTS", '"a"', "CALLVANE_BRIDGE__HOSTS: bridge.hosts: not a list; give a list such as"),
        ("CALLVANE_BRIDGE__HOSTS", "", "CALLVANE_BRIDGE__HOSTS: bridge.hosts: not a list; give a list such as"),
        (
            "CALLVANE_BRIDGE__TOKENS",
            "hunter2",
            'TOKENS: bridge.tokens: cannot be read; give a JSON list such as ["value"]',
        ),
        ("CALLVANE_BRIDGE__USERS", "hunter2", "USERS: bridge.users: cannot be read; give a JSON object such as {"),
        ("CALLVANE_BRIDGE__USERS", "7", "CALLVANE_BRIDGE__USERS: bridge.users: not a table; give "),
    ],
)
@pytest.mark.parametrize("text", [None, "[bridge]\nhosts = ['c']\n"])
def test_fault_in_the_environment_is_told_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str, text: str | None
) -> None:
    """A bad or unknown variable is named with its key and a cure, and the file is not blamed for it."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError) as raised:
        load(Settings, text and write(tmp_path, text))
    assert words in str(raised.value)
    assert str(tmp_path) not in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_a_fault_in_the_file_is_not_blamed_on_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each value is said to be from where it is."""
    monkeypatch.setenv("CALLVANE_BRIDGE__HOSTS", '["a"]')
    path = write(tmp_path, "[bridge]\ncalls = 0\n")
    with pytest.raises(ConfigError, match=rf"^{path}: bridge\.calls: Input"):
        load(Settings, path)


def test_a_fault_of_a_section_is_told_without_ado(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The words of the check alone, after the file and the variables that set what they name."""
    path = write(tmp_path, "[bridge]\ncalls = 7\n")
    monkeypatch.setenv("CALLVANE_BRIDGE__HOSTS", '["a"]')
    monkeypatch.setenv("CALLVANE_BRIDGE__MOST", "6")
    with pytest.raises(ConfigError) as raised:
        load(Settings, path)
    assert str(raised.value) == f"{path}, CALLVANE_BRIDGE__MOST: bridge: most is less than calls"


def test_variables_complete_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that sets a single key wins over one that sets more."""
    monkeypatch.setenv("CALLVANE_BRIDGE", '{"calls": 7, "users": {"a": "1", "b": "2"}}')
    monkeypatch.setenv("CALLVANE_BRIDGE__CALLS", "9")
    monkeypatch.setenv("CALLVANE_BRIDGE__USERS__B", "3")
    assert load(Settings).bridge == WorkSettings(calls=9, users={"a": "1", "b": "3"})
