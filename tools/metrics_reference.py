"""`python -m tools.metrics_reference`: writes docs/metrics.md from the metrics' own definitions."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

FILE = Path(__file__).parent.parent / "docs" / "metrics.md"

HEAD = """\
# Metrics

Each process serves Prometheus' text form on `/metrics`, beside `/healthz` (it lives) and `/readyz` (it can work, else
503 and the reason): the bridge on port 9101, analysis on 9102, the console on 9103 (`[metrics]`). Times are in seconds.
No label names a call, a number, a person or an address: their values come from fixed lists. Histograms have `_bucket`,
`_sum` and `_count`. `deploy/prometheus/` holds the scrape configuration and alerting rules on symptoms,
`deploy/grafana/` a dashboard.

This page is written by `python -m tools.metrics_reference`.
"""

PACKAGES = {
    "sip_bridge": "The bridge",
    "analysis": "Analysis",
    "console": "The console",
    "callbus": "Redis, in whichever process uses it",
    "service": "Every process",
}


def metrics() -> dict[str, list[MetricWrapperBase]]:
    """Callvane's metrics by the package that defines them, module by module, in the order of definition."""
    found: dict[str, list[MetricWrapperBase]] = {}
    seen: set[MetricWrapperBase] = set()
    for name in reversed(PACKAGES):  # those first that the others import
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
    """The name as Prometheus sees it."""
    return f"{metric._name}_total" if metric._type == "counter" else metric._name


def reference() -> str:
    """The whole page."""
    parts = [HEAD]
    for package, defined in metrics().items():
        parts.append(f"\n## {PACKAGES[package]}\n\n| metric | type | labels | what it says |\n|---|---|---|---|\n")
        for metric in defined:
            labels = ", ".join(f"`{label}`" for label in metric._labelnames)
            parts.append(f"| `{exposed_name(metric)}` | {metric._type} | {labels} | {metric._documentation} |\n")
    return "".join(parts)


if __name__ == "__main__":
    FILE.write_text(reference(), encoding="utf-8")
    print(FILE)
