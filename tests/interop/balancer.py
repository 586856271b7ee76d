"""A real Kamailio on loopback, with the configuration as it ships, in front of bridges of a test's own."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.ports import held_port

RECIPE = Path(__file__).parents[2] / "deploy" / "kamailio"
LIST = "/etc/kamailio/dispatcher.list"
START_SECONDS = 60.0
GIVEN_UP_SECONDS = 60.0
"""Two probes without an answer, five seconds apart, on a busy machine."""


class Balancer:
    """One running Kamailio."""

    def __init__(self, folder: Path, port: int, bridges: Sequence[tuple[str, int]]) -> None:
        """`port`: where it listens, over UDP and TCP."""
        self.address = ("127.0.0.1", port)
        destinations = folder / "dispatcher.list"
        destinations.write_text("".join(f"1 sip:{host}:{port} 0 0\n" for host, port in bridges))
        configuration = (RECIPE / "kamailio.cfg").read_text()
        assert configuration.count(LIST) == 1
        (folder / "kamailio.cfg").write_text(configuration.replace(LIST, str(destinations)))
        self._log, self._control = folder / "log", folder / "kamailio_ctl"
        host, port = self.address
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["kamailio", "-DD", "-E", "-d", "-f", str(folder / "kamailio.cfg"), "-Y", str(folder)]
                + ["-n", "1", "-N", "1", "-m", "64", "-M", "8", "-l", f"udp:{host}:{port}", "-l", f"tcp:{host}:{port}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def log(self) -> str:
        """What it has said so far."""
        return self._log.read_text(errors="replace")

    def until_given_up(self, bridge: tuple[str, int]) -> None:
        """Wait until a bridge has missed so many probes that it is left out."""
        state = re.compile(rf"URI: sip:{re.escape(bridge[0])}:{bridge[1]}\s+FLAGS: (\w)")
        asking = ["kamcmd", "-s", f"unix:{self._control}", "dispatcher.list"]
        deadline = time.monotonic() + GIVEN_UP_SECONDS
        while True:
            told = subprocess.run(asking, capture_output=True, text=True, check=True).stdout
            found = state.search(told)
            assert found, told
            if found[1] == "I":
                return
            assert time.monotonic() < deadline, told
            time.sleep(0.2)

    def until_listening(self) -> None:
        """Wait until it takes connections."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert self._process.poll() is None, self.log()
            try:
                socket.create_connection(self.address, 1).close()
                return
            except OSError:
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.05)

    def stop(self) -> None:
        """SIGTERM: the first process ends the others."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def balancer(folder: Path, *bridges: tuple[str, int]) -> Iterator[Balancer]:
    """A Kamailio in front of the bridges' addresses."""
    with held_port() as port:
        server = Balancer(folder, port, bridges)
        try:
            server.until_listening()
            yield server
        finally:
            server.stop()
