"""Operators' regular expressions, and what an address can make them cost."""

from __future__ import annotations

import re

import pytest

from sip_bridge.request.agent_pattern import fault
from sip_bridge.request.elements import MAX_TEXT
from tests.pumping import cost, texts

MOST_SECONDS = 0.5
"""Of CPU; what is refused takes minutes, or for ever."""
TAKEN = [
    r"@agents\.example\.com$",
    r"^sip:2\d{3}@",
    r"^sips?:[^@]+@pbx\d*\.example\.(com|net)$",
    r"^tel:\+49[0-9]+;.*agent=",
    r"sip:(?:agent|desk)[0-9]+@",
    r"@(?:[\w-]++\.)*+example\.com$",
    r"(?:[a-z]{2})+@",
    "",
]
REFUSED = [
    r"(a+)+$",
    r"(a|aa)+$",
    r"(.*,)*x",
    r"@(?:[\w-]+\.)+example\.com$",
    r"(?:(?:a?b)+c)*$",
    r"(?=(a+)+$)",
    r"(?:(a+)+b)*+",
    r"(?>(a+)+b)",
    r"(?:.*.*.*x)*+",
    r".*.*.*x",
    r"^.*.*.*.*x",
    r"a{1,50}.{0,99}.*x",
    "[",
    "(" * 300,
]


@pytest.mark.parametrize("pattern", TAKEN)
def test_a_pattern_that_is_taken_costs_little(pattern: str) -> None:
    """The longest address there can be, pumped in any way, ends within a moment."""
    assert fault(pattern) == ""
    compiled = re.compile(pattern)
    for text in texts(compiled):
        assert min(cost(compiled.search, text(MAX_TEXT)) for _ in range(3)) < MOST_SECONDS


@pytest.mark.parametrize("pattern", REFUSED)
def test_a_pattern_that_can_be_made_slow_is_refused(pattern: str) -> None:
    """With the reason, and what to write instead."""
    assert fault(pattern)
