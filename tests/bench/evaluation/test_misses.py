"""What is missed, by the kind of dialogue."""

from __future__ import annotations

from dataclasses import replace

from bench.evaluation.misses import Missed, misses, told
from tests.bench.evaluation.made import dialogue, played

FOUND = [0, 0, -1, -1, 0]
CALLS = [
    (dialogue(FOUND, "one", "a", "terse"), replace(played(FOUND, worsened=(3,)), name="one")),
    (dialogue(FOUND, "two", "b", "terse"), replace(played(FOUND), name="two")),
    (dialogue([0] * 5, "three", "b", "calm"), replace(played([0] * 5, worsened=(1, 4)), name="three")),
    (
        dialogue([0, -1, -1, -1, -1], "four", "b", "late"),
        replace(played([0, -1, -1, -1, -1], worsened=(4,)), name="four"),
    ),
]


def test_misses_are_counted_by_style_and_by_group() -> None:
    """A late alarm leaves its onset missed, and is not false."""
    found = misses(*map(list, zip(*CALLS, strict=True)))
    assert found["style"] == {
        "terse": Missed(2, 2, [("two", 2)], []),
        "calm": Missed(1, 0, [], [("three", 1), ("three", 4)]),
        "late": Missed(1, 1, [("four", 1)], []),
    }
    assert found["group"] == {
        "a": Missed(1, 1, [], []),
        "b": Missed(3, 2, [("two", 2), ("four", 1)], [("three", 1), ("three", 4)]),
    }


def test_counts_are_told_alone_unless_turns_are_asked_for() -> None:
    """The worst style first, only kinds with something to tell, and the turns only on request."""
    found = misses(*map(list, zip(*CALLS, strict=True)))
    short = list(told(found, verbose=False))
    assert [" ".join(line.split()) for line in short] == [
        "style calm missed 0 of 0 onsets, false alarms 2, in 1 dialogues",
        "style late missed 1 of 1 onsets, false alarms 0, in 1 dialogues",
        "style terse missed 1 of 2 onsets, false alarms 0, in 2 dialogues",
        "group b missed 2 of 2 onsets, false alarms 2, in 3 dialogues",
    ]
    assert not any("three" in line for line in short)
    whole = [line.strip() for line in told(found, verbose=True)]
    assert [line for line in whole if line.startswith(("missed", "false:"))] == [
        "false:  three turn 1",
        "false:  three turn 4",
        "missed: four turn 1",
        "missed: two turn 2",
    ]
