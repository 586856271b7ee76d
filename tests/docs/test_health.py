"""What the docs say of a call's audio health."""

from __future__ import annotations

from pathlib import Path

import pytest

from callbus.messages.conditions import ConditionKind

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("kind", ConditionKind)
def test_each_condition_is_explained_and_listed(kind: ConditionKind) -> None:
    """The operator's table has a row for each condition, and the integrator's page names it."""
    assert f"\n| `{kind}` | " in (DOCS / "operations.md").read_text(encoding="utf-8")
    assert f"`{kind}`" in (DOCS / "integration" / "redis.md").read_text(encoding="utf-8")
