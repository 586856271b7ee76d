"""Real parts that tests start for themselves and stop again."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, settings

# What a stage expected and what came of it stand side by side where they differ.
pytest.register_assert_rewrite("tests.analysis.stage", "tests.sip_bridge.stage")

# Machines are shared and noisy: how fast an example runs says nothing here. Speed is for `make bench…`.
settings.register_profile("callvane", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("callvane")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make interop` has installed all parts."""
    parser.addoption("--nothing-missing", action="store_true", help="a test that would be skipped fails")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Take a skip for a failure, where nothing may be missing."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and item.config.getoption("--nothing-missing"):
        reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"{reason} (nothing may be missing here)"
    return report


class PrivateRedis:
    """A redis-server on a Unix socket of its own, that a test may stop, freeze and start again."""

    def __init__(self, folder: Path, *, append_only: bool = False) -> None:
        """`append_only`: it keeps what it holds when it is started again."""
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self.data = folder / "data"
        """Where it writes what it holds."""
        self._append_only = append_only
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it answers."""
        self.begin()
        self.wait()

    def begin(self, *options: str) -> None:
        """Start, with further options."""
        self.data.mkdir(exist_ok=True)
        self._server = subprocess.Popen(
            f"redis-server --port 0 --unixsocket {self.socket} --dir {self.data} --enable-protected-configs yes".split()
            + ["--save", "", "--appendonly", "yes" if self._append_only else "no", "--loglevel", "warning", *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + 60
        while True:
            try:
                with redis.Redis.from_url(self.url) as client:
                    client.ping()
                return
            except redis.RedisError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def freeze(self) -> None:
        """Let it hold its connections and answer nothing, until `thaw`."""
        assert self._server is not None
        self._server.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._server is not None
        self._server.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Stop it as a crash would."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None
        self.socket.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def session_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRedis]:
    """One redis-server for all tests that leave it running; what is in it is any test's."""
    server = PrivateRedis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def shared_redis(session_redis: PrivateRedis) -> PrivateRedis:
    """A running Redis that is empty when a file's tests begin: other files' workers may still count as overloaded."""
    _empty(session_redis)
    return session_redis


@pytest.fixture
def redis_url(session_redis: PrivateRedis) -> str:
    """URL of a running, empty Redis."""
    _empty(session_redis)
    return session_redis.url


def _empty(server: PrivateRedis) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.flushall()


@pytest.fixture
def private_redis(tmp_path: Path) -> Iterator[PrivateRedis]:
    """A redis-server of the test's own, running."""
    server = PrivateRedis(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def kept_redis(tmp_path: Path) -> Iterator[PrivateRedis]:
    """A redis-server of the test's own, running, that keeps what it holds when it is started again."""
    server = PrivateRedis(tmp_path, append_only=True)
    server.start()
    yield server
    server.stop()
