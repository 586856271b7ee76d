"""A process's HTTP side."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import socket
import urllib.error
import urllib.request

import pytest

from service import health
from service.health import Check, HealthServer
from service.settings import ConfigError, MetricsSettings


def get(server: HealthServer, path: str) -> tuple[int, str]:
    """Status and body."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_paths_answer() -> None:
    """Metrics in Prometheus' form, liveness, readiness with its reason, and 404 for the rest."""
    reason = "redis does not answer"
    with HealthServer(MetricsSettings(port=0), 0, lambda: reason) as server:
        status, page = get(server, "/metrics")
        assert status == 200
        assert "python_info" in page
        assert get(server, "/healthz") == (200, "ok\n")
        assert get(server, "/readyz") == (503, "redis does not answer\n")
        reason = ""
        assert get(server, "/readyz") == (200, "ok\n")
        assert get(server, "/etc/passwd")[0] == 404


def test_standing_loop_is_unhealthy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a sign of life from the process, /healthz says so."""
    monkeypatch.setattr(health, "STALL_SECONDS", 0.0)
    with HealthServer(MetricsSettings(port=0), 0, str) as server:
        assert get(server, "/healthz")[0] == 503


def test_what_the_work_watches_is_unhealthy() -> None:
    """/healthz gives the first reason of the work's own checks, asked anew each time; they may come and go."""
    reasons = ["", "the sip thread is stuck"]
    checks: list[Check] = []
    with HealthServer(MetricsSettings(port=0), 0, str, checks) as server:
        assert get(server, "/healthz") == (200, "ok\n")
        checks += [lambda: reasons[0], lambda: reasons[1]]
        assert get(server, "/healthz") == (503, "the sip thread is stuck\n")
        assert get(server, "/readyz") == (200, "ok\n")
        reasons[1] = ""
        assert get(server, "/healthz") == (200, "ok\n")
        reasons[0] = "deaf"
        checks.clear()
        assert get(server, "/healthz") == (200, "ok\n")


def test_metrics_come_as_the_scraper_asks() -> None:
    """Compressed for one that takes it; only the names that are asked for."""
    with HealthServer(MetricsSettings(port=0), 0, str) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.request("GET", "/metrics?name[]=python_info", headers={"Accept-Encoding": "gzip"})
        with contextlib.closing(connection), connection.getresponse() as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            page = gzip.decompress(answer.read()).decode()
    assert "python_info" in page
    assert "process_" not in page


def test_taken_port_is_named() -> None:
    """A port in use ends in one line that names the setting."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"metrics\.port.*{port}.*taken"):
            HealthServer(MetricsSettings(port=port), 0, str)
