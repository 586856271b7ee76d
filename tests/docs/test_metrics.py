"""docs/metrics.md, the page of every metric."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.metrics_reference import FILE, exposed_name, metrics, reference

ROOT = Path(__file__).parents[2]

PRINT_PAGE = """
import sys
from prometheus_client import generate_latest
from tools.metrics_reference import metrics
metrics()
lines = generate_latest().decode().splitlines(keepends=True)
sys.stdout.write("".join(line for line in lines if "callvane_" in line and "_created" not in line))
"""


def test_page_lists_the_metrics_as_they_are() -> None:
    """The page is the one that `python -m tools.metrics_reference` writes from the definitions."""
    assert FILE.read_text(encoding="utf-8") == reference()


def test_labels_are_bounded() -> None:
    """No metric has a label that could hold a call, a number, a name or an address."""
    labels = {label for defined in metrics().values() for metric in defined for label in metric._labelnames}
    assert labels <= {"outcome", "reason", "result", "role", "kind", "type", "method"}


def test_names_follow_prometheus() -> None:
    """promtool, which knows Prometheus' naming conventions, finds no fault."""
    page = subprocess.run([sys.executable, "-c", PRINT_PAGE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert page.stdout.count("# HELP") == sum(map(len, metrics().values()))
    checked = subprocess.run(["promtool", "check", "metrics"], input=page.stdout, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("file", ["deploy/prometheus/rules.yml", "deploy/grafana/dashboards/callvane.json"])
def test_rules_and_dashboards_use_metrics_that_exist(file: str) -> None:
    """Every callvane metric that a rule or dashboard asks for is one of the page."""
    known = {exposed_name(metric) for defined in metrics().values() for metric in defined}
    for used in set(re.findall(r"\bcallvane_[a-z_]+", (ROOT / file).read_text())):
        assert used in known or re.sub(r"_(bucket|sum|count)$", "", used) in known, used
