"""Agreement of two hands: the measures on cases counted by hand, and what is left out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.labels.agreement import Row, f1, kappa, rows
from tools.labels.hand import ACTS, FIRST_ACTS, AgentTurn, CustomerTurn, Labelled, Turn
from tools.labels.table import table

PAIRS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")))


def spread(*counts: tuple[str, str, int]) -> tuple[list[str], list[str]]:
    """Both hands' labels: each pair of labels so many times."""
    both = [(one, other) for one, other, times in counts for _ in range(times)]
    return [one for one, _ in both], [other for _, other in both]


@pytest.mark.parametrize(
    ("counts", "known"),
    [
        pytest.param([("y", "y", 20), ("y", "n", 5), ("n", "y", 10), ("n", "n", 15)], 0.4, id="chance-is-a-half"),
        pytest.param(
            [("y", "y", 45), ("y", "n", 15), ("n", "y", 25), ("n", "n", 15)], 0.1304, id="alike-in-three-fifths"
        ),
        pytest.param(
            [("y", "y", 25), ("y", "n", 35), ("n", "y", 5), ("n", "n", 35)], 0.2593, id="as-alike-other-habits"
        ),
        pytest.param([("y", "n", 5), ("n", "y", 5)], -1.0, id="always-the-other"),
        pytest.param([("a", "a", 4), ("b", "b", 3), ("c", "c", 3)], 1.0, id="three-labels-alike"),
        pytest.param([("a", "a", 2), ("b", "b", 2), ("c", "c", 2), ("a", "b", 3)], 0.5263, id="three-labels"),
        pytest.param([("y", "n", 9)], 0.0, id="each-its-own-label"),
        pytest.param([("n", "n", 9)], None, id="one-label-only"),
        pytest.param([], None, id="nothing"),
    ],
)
def test_kappa(counts: list[tuple[str, str, int]], known: float | None) -> None:
    """Kappa is the agreement beyond chance, over what chance leaves; where chance leaves nothing it has no value."""
    assert kappa(*spread(*counts)) == (None if known is None else pytest.approx(known, abs=5e-5))


@pytest.mark.parametrize(
    ("first", "second", "known"),
    [
        ([True, True, False, False], [True, False, True, False], 0.5),
        ([True, True, True, False], [True, False, False, False], 0.5),
        ([True, False], [True, False], 1.0),
        ([True, False], [False, True], 0.0),
        ([False, False], [False, False], None),
        ([], [], None),
    ],
)
def test_f1(first: list[bool], second: list[bool], known: float | None) -> None:
    """F1 is twice what both found over all that either found; if neither found any it has no value."""
    assert f1(first, second) == known


@given(PAIRS)
def test_neither_hand_is_the_truth(both: list[tuple[str, str]]) -> None:
    """Kappa and F1 are the same with the hands exchanged."""
    first, second = [one for one, _ in both], [other for _, other in both]
    assert kappa(first, second) == kappa(second, first)
    found = [label == "a" for label in first], [label == "a" for label in second]
    assert f1(*found) == f1(*reversed(found))


def unhappy(*cores: str) -> CustomerTurn:
    return CustomerTurn(-1, cores)


def calm(urgent: bool = False, time_bound: bool = False) -> CustomerTurn:
    return CustomerTurn(0, ("none",), urgent, time_bound)


def agent(*acts: str) -> AgentTurn:
    return AgentTurn(frozenset(acts))


def hand(*turns: Turn, opening: str | None = "PLAN") -> Labelled:
    return Labelled("one", turns, opening)


def row(pairs: list[tuple[Labelled, Labelled]], label: str) -> Row:
    """The row of a label."""
    (found,) = (one for one in rows(pairs) if one.label == label)
    return found


def test_cores_are_compared_where_both_are_unhappy() -> None:
    """The first cores count in turns both call unhappy; with two cores, a hand's first may be the other's second."""
    first = hand(unhappy("anger"), unhappy("worry", "anger"), unhappy("anger"), unhappy("anger"), calm())
    second = hand(unhappy("anger"), unhappy("anger"), unhappy("worry", "frustration"), calm(), unhappy("anger"))
    assert (row([(first, second)], "core, the first").places, row([(first, second)], "core, the first").same) == (
        3,
        1 / 3,
    )
    assert (row([(first, second)], "core, of two").places, row([(first, second)], "core, of two").same) == (2, 0.5)


def test_support_is_each_hands_own() -> None:
    """A row counts the turns of its party, and how many of them each hand gave the label."""
    first = hand(agent("ACK", "NEXT"), calm(urgent=True), agent("NEXT"), unhappy("worry"))
    second = hand(agent("NEXT"), calm(urgent=True), agent("NEXT"), CustomerTurn(1, ("relief",), True, True))
    said = {one.label: (one.places, one.first, one.second) for one in rows([(first, second)])}
    assert said["NEXT"] == (2, 2, 2)
    assert said["ACK"] == (2, 1, 0)
    assert said["unhappy"] == (2, 1, 0)
    assert said["pleased"] == (2, 0, 1)
    assert said["urgent"] == (2, 1, 2)
    assert said["time-bound"] == (2, 0, 1)


def test_what_the_first_hand_never_looked_for_is_not_taken_for_absent() -> None:
    """Without an opening only the older acts are compared; of the others the second hand's count is told alone."""
    old = hand(agent("ACK"), calm(), opening=None)
    second = hand(agent("ACK", "LIMIT"), calm(urgent=True))
    for label in (*(act for act in ACTS if act not in FIRST_ACTS), "urgent", "time-bound", "opening"):
        found = row([(old, second)], label)
        assert (found.first, found.same, found.f1, found.kappa, found.missing) == (None, None, None, None, 1)
    assert (row([(old, second)], "LIMIT").second, row([(old, second)], "urgent").second) == (1, 1)
    assert row([(old, second)], "ACK").f1 == 1
    assert "| LIMIT | 1 | not labelled | 1 | – | – | – |" in table(rows([(old, second)]))  # noqa: RUF001


def test_a_set_of_old_and_new_dialogues_compares_the_new() -> None:
    """What only newer dialogues have is compared in those, and the row says how many were left out."""
    old, new = hand(agent(), calm(), opening=None), hand(agent("LIMIT"), calm(), opening="HEARD")
    second = hand(agent("LIMIT"), calm())
    found = row([(old, second), (new, second)], "LIMIT")
    assert (found.places, found.first, found.second, found.f1, found.missing) == (1, 1, 1, 1.0, 1)
    assert "| LIMIT (without 1 not labelled) | 1 | 1 | 1 |" in table([found])
    opening = row([(old, second), (new, second)], "opening")
    assert (opening.places, opening.same, opening.missing) == (1, 0.0, 1)


def test_the_table_prints_shares_without_their_zero() -> None:
    """Two decimals, no zero before the point, and a dash where there is no value."""
    printed = table([Row("x", 1_200, 3, 4, 0.955, 0.5, -0.04), Row("y", 2, same=1.0)]).splitlines()
    assert printed[2:] == ["| x | 1,200 | 3 | 4 | .95 | .50 | -.04 |", "| y | 2 | – | – | 1.00 | – | – |"]  # noqa: RUF001


def test_disputes_are_counted_for_whom_they_were_settled() -> None:
    """Of what the hands judge differently, each gets what was settled as it had it; a choice may be for neither."""
    first = hand(agent("ACK"), unhappy("anger"), unhappy("anger"), calm(), calm(urgent=True))
    second = hand(agent("NEXT"), unhappy("worry"), unhappy("worry"), calm(), unhappy("worry"), opening="HEARD")
    third = hand(agent("ACK", "NEXT"), unhappy("dismissed"), unhappy("worry"), calm(), unhappy("worry"))
    found = rows([(first, second)], {"one": third})
    said = {one.label: (one.disputed, one.for_first, one.for_second) for one in found}
    assert said["ACK"] == (1, 1, 0)
    assert said["NEXT"] == (1, 0, 1)
    assert said["SCRIPT"] == (0, 0, 0)
    assert said["core, the first"] == (2, 0, 1)
    assert said["label, of three"] == said["unhappy"] == said["urgent"] == (1, 0, 1)
    assert said["opening"] == (1, 1, 0)
    assert "| ACK | 1 | 1 | 0 | .00 | .00 | .00 | 1 | 1 | 0 |" in table(found)


def test_only_what_is_settled_counts_as_disputed() -> None:
    """A dialogue without settled labels adds no dispute, nor does a label that the first hand never looked for."""
    old, second = hand(agent("ACK"), opening=None), hand(agent("LIMIT"))
    other = Labelled("two", (agent("ACK"),), "PLAN")
    found = rows([(old, second), (other, second)], {"one": second})
    said = {one.label: (one.disputed, one.for_first, one.for_second) for one in found}
    assert said["ACK"] == (1, 0, 1)
    assert said["LIMIT"] == (None, 0, 0)
    assert all(one.disputed is None for one in rows([(old, second), (other, second)]))
    assert "disputed" not in table(rows([(other, second)]))
