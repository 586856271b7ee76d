"""When a load is too much, and when no longer."""

from __future__ import annotations

import pytest

from analysis.words.strain import Strain


@pytest.mark.parametrize(
    ("loads", "expected"),
    [
        pytest.param([2, 2, 2, 2, 2, 2], [0, 0, 0, 1, 1, 1], id="for a while"),
        pytest.param([2, 2, 0, 2, 2, 2], [0, 0, 0, 0, 0, 0], id="two bursts"),
        pytest.param([2, *[0.5] * 8], [0, 0, 0, 0, 0, 0, 0, 1, 1], id="not worked off between"),
        pytest.param([9, 8, 7, 6, 5, 4, 3, 2, 1], [0] * 9, id="a burst that is worked off"),
        pytest.param([9, 8, 7, 9, 8, 7, 6, 5], [0] * 8, id="two, one soon after the other"),
        pytest.param([9, 8, 7, *[6] * 8], [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1], id="no longer worked off"),
        pytest.param([0.9] * 6, [0] * 6, id="never above"),
        pytest.param([2, 2, 2, 2, 0, 0, 0, 2], [0, 0, 0, 1, 1, 1, 0, 0], id="ends after its time"),
        pytest.param([2, 2, 2, 2, 0, 0.5, 0, 0, 0], [0, 0, 0, 1, 1, 1, 1, 1, 0], id="its end is put off"),
    ],
)
def test_it_begins_and_ends_with_patience(loads: list[float], expected: list[int]) -> None:
    """One load a second; above 1 for 3 s, while it does not fall, it begins, below 0.3 for 2 s it ends."""
    strain = Strain(1.0, 0.3, 3.0, 2.0)
    assert [int(strain.note(load, second)) for second, load in enumerate(loads)] == expected


def test_the_backlog_tells_what_is_worked_off() -> None:
    """The same load is none where a backlog behind it falls."""
    for backlogs, expected in (([9, 8, 7, 6, 5, 4], [0] * 6), ([9] * 6, [0, 0, 0, 1, 1, 1])):
        strain = Strain(1.0, 0.3, 3.0, 2.0)
        assert [int(strain.note(5.0, second, backlog)) for second, backlog in enumerate(backlogs)] == expected
