"""Who the page is served to."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from console.settings import ConsoleSettings, Settings
from service.settings import ConfigError, load
from tests.console.running import ROOT

CREDENTIAL = "correct horse"
SHORT = "sesame"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.5", "::1", "[::1]", "localhost"])
def test_loopback(host: str) -> None:
    """Loopback needs no password."""
    ConsoleSettings(host=host).check()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "console.example"])
def test_open_host(host: str) -> None:
    """Any other address is refused without a password, and taken with one."""
    with pytest.raises(ConfigError, match="password"):
        ConsoleSettings(host=host).check()
    ConsoleSettings(host=host, password=CREDENTIAL).check()


def test_short_password() -> None:
    """A short password is refused, and not printed."""
    with pytest.raises(ConfigError) as refused:
        ConsoleSettings(password=SHORT).check()
    assert SHORT not in str(refused.value)


def test_allowed_hosts_by_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allowed names can be given by the environment, as a JSON list."""
    monkeypatch.setenv("CALLVANE_CONSOLE__ALLOWED_HOSTS", '["Console.Example", "[::1]"]')
    assert load(Settings).console.hosts == {"console.example", "::1"}


def run(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "console"],
        cwd=ROOT,
        env={"CALLVANE_METRICS__PORT": "0", **environment},
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_refused_in_one_line() -> None:
    """The command says in one line what is wrong and what to do, and exits with 2."""
    done = run(CALLVANE_CONSOLE__HOST="0.0.0.0")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "console: console.host: 0.0.0.0 is reachable from other machines and console.password is not set; "
        "set a password, or listen on 127.0.0.1"
    )


def test_port_taken() -> None:
    """A port that somebody has is named, with exit 2."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run(CALLVANE_CONSOLE__PORT=str(port))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"console: console.port: 127.0.0.1:{port} is taken; choose another"


def test_no_such_address() -> None:
    """An address that is not this machine's is named, with exit 2."""
    done = run(CALLVANE_CONSOLE__HOST="192.0.2.7", CALLVANE_CONSOLE__PASSWORD=CREDENTIAL)
    assert done.returncode == 2
    assert "console.host: 192.0.2.7" in done.stderr.splitlines()[-1]
