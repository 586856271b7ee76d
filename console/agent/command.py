"""`python -m console link`: prints an agent's link to their own call, to try what a desktop will open."""

from __future__ import annotations

import argparse
import re
import sys
import time

from console.agent.link import MOST_SECONDS, key_of, path
from console.settings import Settings
from service.settings import ConfigError, load

MOST_CALL_ID = 128
_BASE = re.compile(r"https?://[^\s/?#]+", re.ASCII)


def main(arguments: list[str]) -> int:
    """Print the link. Returns 0; 2 if there can be none, and one line says why."""
    parser = argparse.ArgumentParser(prog="python -m console link", description=__doc__)
    parser.add_argument("call", metavar="CALL", help="the call's id, as the PBX gives it to Callvane")
    parser.add_argument("--config", metavar="FILE", help="TOML file with the console's settings")
    parser.add_argument("--minutes", type=int, default=60, metavar="N", help="how long the link is good; 60")
    parser.add_argument("--url", metavar="URL", help="the console's address, such as https://console.example")
    given = parser.parse_args(arguments)
    try:
        sys.stdout.write(f"{_link(given.call, given.config, given.minutes, given.url)}\n")
    except ConfigError as error:
        sys.stderr.write(f"console: {error}\n")
        return 2
    return 0


def _link(call_id: str, config: str | None, minutes: int, url: str | None) -> str:
    """Raises ConfigError."""
    console = load(Settings, config).console
    key = key_of(console)
    if not key:
        raise ConfigError("console.agent_key: not set, so there are no agents' views; set it, or agent_key_file")
    if not 1 <= minutes <= MOST_SECONDS // 60:
        raise ConfigError(f"--minutes: not from 1 to {MOST_SECONDS // 60}")
    if url is not None and not _BASE.fullmatch(url):
        raise ConfigError("--url: not an address without a path, such as https://console.example")
    try:
        call_id.encode()
    except UnicodeEncodeError:
        raise ConfigError("CALL: not UTF-8") from None
    if not 1 <= len(call_id) <= MOST_CALL_ID:
        raise ConfigError(f"CALL: not 1 to {MOST_CALL_ID} characters long")
    host = console.host.strip("[]")
    base = url or f"http://{f'[{host}]' if ':' in host else host}:{console.port}"
    return base + path(key, call_id, int(time.time()) + 60 * minutes)
