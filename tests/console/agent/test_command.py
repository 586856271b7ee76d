"""`python -m console link`."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from console.agent.link import expiry
from tests.console.running import ROOT

KEY = "a key of sixteen bytes or more"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command."""
    command = [sys.executable, "-m", "console", "link", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


def test_a_link_for_a_call(tmp_path: Path) -> None:
    """By a configuration file; good for as long as asked, at the address of the settings or another."""
    config = tmp_path / "callvane.toml"
    config.write_text(f'[console]\nagent_key = "{KEY}"\nhost = "::1"\nport = 8088\n[bridge]\nsip_port = 5070\n')
    done = run("a/b c", "--config", str(config), "--minutes", "5")
    assert (done.returncode, done.stderr) == (0, "")
    link = urlsplit(done.stdout.strip())
    assert link.netloc == "[::1]:8088"
    assert unquote(link.path) == "/agent/a/b c"
    now = time.time()
    assert 290 < expiry(KEY.encode(), "a/b c", link.query.encode(), now) - now <= 300
    done = run("x", "--url", "https://console.example", CALLVANE_CONSOLE__AGENT_KEY=KEY)
    assert done.stdout.startswith("https://console.example/agent/x?expires=")


@pytest.mark.parametrize(
    ("arguments", "key", "why"),
    [
        (["x"], "", "console.agent_key: not set"),
        (["x"], "sesame", "console.agent_key: shorter than 16 bytes"),
        (["x", "--minutes", "721"], KEY, "--minutes: not from 1 to 720"),
        (["x", "--minutes", "0"], KEY, "--minutes: not from 1 to 720"),
        (["x", "--url", "https://a/b"], KEY, "--url: not an address"),
        (["x", "--url", "javascript:x"], KEY, "--url: not an address"),
        ([""], KEY, "CALL: not 1 to 128"),
        (["x" * 129], KEY, "CALL: not 1 to 128"),
        (["x", "--config", "/none"], KEY, "/none: No such file"),
    ],
)
def test_refused_in_one_line(arguments: list[str], key: str, why: str) -> None:
    """With the cause and the cure, without the key, and exit status 2."""
    done = run(*arguments, CALLVANE_CONSOLE__AGENT_KEY=key)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"console: {why}")
    assert done.stderr.count("\n") == 1
    assert not key or key not in done.stderr
