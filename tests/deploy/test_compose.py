"""What can be checked of the deployment without a Docker engine."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.settings import ConfigError, load
from sip_bridge.settings import SipBridgeSettings
from written.settings import Settings as WrittenProcessSettings

ROOT = Path(__file__).parents[2]


def compose(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """`docker-compose config`, which reads and checks the file and needs no engine."""
    return subprocess.run(
        ["docker-compose", "--project-directory", str(ROOT), "-f", str(ROOT / "docker-compose.yml"), "config"],
        capture_output=True,
        text=True,
        env=environment,
    )


SET = {"CALLVANE_CONSOLE_PASSWORD": "correct horse", "CALLVANE_BRIDGE_ALLOWED_PEERS": '["192.0.2.10", "::1"]'}
"""What must be set to start."""


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services, all variables and anchors resolved."""
    result = compose({**os.environ, **SET})
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = yaml.safe_load(result.stdout)["services"]
    return found


def test_compose_file_names_every_part(services: dict[str, Any]) -> None:
    """One host gets the whole of Callvane with its metrics."""
    assert {"redis", "bridge", "analysis", "console", "prometheus", "grafana"} <= services.keys()


def test_console_is_not_opened_without_a_password() -> None:
    """Compose refuses to start before a password is set, and says so."""
    result = compose({**os.environ, **SET, "CALLVANE_CONSOLE_PASSWORD": ""})
    assert result.returncode != 0
    assert "password" in result.stderr


def test_the_bridge_is_not_opened_to_anybody(services: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose refuses to start before it is said who may fork calls; the bridge understands what it is given."""
    result = compose({**os.environ, **SET, "CALLVANE_BRIDGE_ALLOWED_PEERS": ""})
    assert result.returncode != 0
    assert 'set who may fork calls, such as ["192.0.2.10"]' in result.stderr
    monkeypatch.setenv(
        "CALLVANE_BRIDGE__ALLOWED_PEERS", services["bridge"]["environment"]["CALLVANE_BRIDGE__ALLOWED_PEERS"]
    )
    assert load(SipBridgeSettings, ROOT / "config/callvane.toml").bridge.allowed_peers == ("192.0.2.10", "::1")


def test_only_the_bridge_is_reachable_from_other_hosts(services: dict[str, Any]) -> None:
    """Every published port is bound to loopback; the bridge alone uses the host's network."""
    for name, service in services.items():
        for port in service.get("ports", []):
            assert str(port).startswith("127.0.0.1:"), (name, port)
        assert (service.get("network_mode") == "host") == (name == "bridge")


def test_written_channels_are_off_unless_asked_for(services: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """By a profile; the process understands the token that it is given, and refuses to start without one."""
    assert services["written"]["profiles"] == ["written"]
    for token, accepted in (("x" * 16, True), ("", False)):
        result = compose({**os.environ, **SET, "CALLVANE_WRITTEN_TOKEN": token})
        assert result.returncode == 0, result.stderr
        written = yaml.safe_load(result.stdout)["services"]["written"]
        assert written["build"]["target"] == "written"
        assert all(str(port).startswith("127.0.0.1:") for port in written["ports"])
        monkeypatch.setenv("CALLVANE_WRITTEN__TOKENS", written["environment"]["CALLVANE_WRITTEN__TOKENS"])
        section = load(WrittenProcessSettings, ROOT / "config/callvane.toml").written
        if accepted:
            assert section.accepted() == (token.encode(),)
        else:
            with pytest.raises(ConfigError):
                section.accepted()


def test_a_bridge_may_drain(services: dict[str, Any]) -> None:
    """Docker waits for a bridge until its calls have ended, or its drain has, and then for its orderly end."""
    bridge = services["bridge"]
    grace = re.fullmatch(r"(\d+)m(?:(\d+)s)?", bridge["stop_grace_period"])
    drain = float(bridge["environment"]["CALLVANE_BRIDGE__DRAIN_SECONDS"])
    assert grace
    assert drain > 0
    assert 60 * int(grace[1]) + int(grace[2] or 0) >= drain + 15


def test_redis_keeps_no_audio_on_disk(services: dict[str, Any]) -> None:
    """Redis writes neither snapshots nor a log."""
    command = services["redis"]["command"]
    assert command[command.index("--save") + 1] == ""
    assert command[command.index("--appendonly") + 1] == "no"


def test_images_copy_what_exists(services: dict[str, Any]) -> None:
    """Every target that compose builds is in the Dockerfile, and every path copied from the context exists."""
    dockerfile = (ROOT / "deploy/docker/Dockerfile").read_text()
    stages = set(re.findall(r"^FROM \S+ AS (\S+)$", dockerfile, re.M))
    assert {s["build"]["target"] for s in services.values() if "build" in s} <= stages
    for source in re.findall(r"^COPY (?!--from)(\S+) ", dockerfile, re.M):
        assert (ROOT / source).exists(), source


def test_rules_hold_their_unit_tests() -> None:
    """promtool runs the alerting rules' own tests."""
    result = subprocess.run(
        ["promtool", "test", "rules", str(ROOT / "deploy/prometheus/rules.test.yml")], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_rule_has_its_runbook() -> None:
    """An alert's runbook is a heading of docs/operations.md."""
    rules = yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text())["groups"][0]["rules"]
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs/operations.md").read_text(), re.M)
    for rule in rules:
        assert rule["alert"] in headings
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"


def test_dashboard_is_provisioned_for_its_data_source() -> None:
    """Every panel asks the data source that is provisioned."""
    dashboard = json.loads((ROOT / "deploy/grafana/dashboards/callvane.json").read_text())
    source = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text())
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert panels
    assert {panel["datasource"]["uid"] for panel in panels} == {source["datasources"][0]["uid"]}
