"""`python -m tools.metrics_reference`: generates docs/metrics.md from the metric definitions."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

FILE = Path(__file__).parent.parent / "docs" / "metrics.md"

HEAD = """\
# Metrics

Each process serves the Prometheus text format on `/metrics`, and `/healthz` (alive) and `/readyz` (ready to work, else
503 with the reason): the bridge on port 9101, analysis on 9102, the console on 9103, written channels on 9104
(`[metrics]`). Times are in seconds. Label values come from fixed lists; no label holds a call, number, person or
address. Histograms have `_bucket`, `_sum` and `_count`. `deploy/prometheus/` has the scrape configuration and alerting
rules on symptoms, `deploy/grafana/` a dashboard.

`python -m tools.metrics_reference` generates this page.
"""

PACKAGES = {
    "sip_bridge": "Bridge",
    "analysis": "Analysis",
    "console": "Console",
    "written": "Written channels",
    "callbus": "Redis, in any process",
    "service": "Every process",
}


def metrics() -> dict[str, list[MetricWrapperBase]]:
    """Callvane's metrics by the package that defines them, by module, in definition order."""
    found: dict[str, list[MetricWrapperBase]] = {}
    seen: set[MetricWrapperBase] = set()
    for name in reversed(PACKAGES):  # imported packages first
        package = importlib.import_module(name)
        found[name] = []
        for each in pkgutil.walk_packages(package.__path__, f"{name}."):
            if each.name.endswith("__main__"):
                continue
            for defined in vars(importlib.import_module(each.name)).values():
                if isinstance(defined, MetricWrapperBase) and defined not in seen:
                    seen.add(defined)
                    found[name].append(defined)
    return {name: found[name] for name in PACKAGES}


def exposed_name(metric: MetricWrapperBase) -> str:
    """The name that Prometheus shows."""
    return f"{metric._name}_total" if metric._type == "counter" else metric._name


def reference() -> str:
    """The whole page."""
    parts = [HEAD]
    for package, defined in metrics().items():
        parts.append(f"\n## {PACKAGES[package]}\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n")
        for metric in defined:
            labels = ", ".join(f"`{label}`" for label in metric._labelnames)
            parts.append(f"| `{exposed_name(metric)}` | {metric._type} | {labels} | {metric._documentation} |\n")
    return "".join(parts)


if __name__ == "__main__":
    FILE.write_text(reference(), encoding="utf-8")
    print(FILE)
