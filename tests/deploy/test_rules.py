"""The alerting rules name outcomes that there are, and each outcome of a fork means one thing to them."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from sip_bridge.admission.refusal import FORKS

RULES = Path(__file__).parents[2] / "deploy/prometheus/rules.yml"
OUTCOMES = {sample.labels["outcome"] for family in FORKS.collect() for sample in family.samples}
NO_REFUSAL = {"answered", "challenged", "duplicate", "refused_draining"}
"""What is as it should be: nobody is called for it."""


def counted(alert: str) -> list[set[str]]:
    """The outcomes of forks that each part of a rule's expression counts."""
    rules = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"][0]["rules"]
    (rule,) = (each for each in rules if each["alert"] == alert)
    return [matching(selector) for selector in re.findall(r"callvane_forks_total\{([^}]*)\}", rule["expr"])]


def matching(selector: str) -> set[str]:
    """As Prometheus takes it: its patterns match the whole value."""
    found = OUTCOMES
    for sign, value in re.findall(r'outcome(=~|!~|=|!=)"([^"]*)"', selector):
        pattern = value if "~" in sign else re.escape(value)
        found = {each for each in found if bool(re.fullmatch(pattern, each)) is sign.startswith("=")}
    return found


def test_an_outcome_is_a_refusal_of_one_kind_or_none() -> None:
    """Those that may fork and are refused call somebody at night; those that may not are a ticket."""
    refused, asked = counted("CallvaneForksRefused")
    not_allowed, _ = counted("CallvaneForksNotAllowed")
    assert not refused & not_allowed
    assert refused | not_allowed == OUTCOMES - NO_REFUSAL
    assert asked == refused | {"answered"}


def test_every_outcome_that_a_rule_names_is_there() -> None:
    """A rule about one that nobody counts never fires."""
    for selector in re.findall(r"callvane_forks_total\{([^}]*)\}", RULES.read_text(encoding="utf-8")):
        for _, value in re.findall(r'outcome(=~|!~|=|!=)"([^"]*)"', selector):
            for name in re.sub(
                r"(\w+_)\(([^)]*)\)", lambda at: "|".join(at[1] + one for one in at[2].split("|")), value
            ).split("|"):
                assert any(re.fullmatch(name, outcome) for outcome in OUTCOMES), name
