"""The names of calls."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sip_bridge.calls.call_ids import CallIds


@given(st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.sampled_from(["x", "y"]), st.booleans()), max_size=60))
def test_ids_are_never_given_twice(wanted: list[tuple[str, str, bool]]) -> None:
    """However often an id comes, each call gets one of its own, never empty, whether the one before is over or not."""
    ids = CallIds()
    given_ids = []
    for name, sip_call_id, ends in wanted:
        given_ids.append(ids.claim(name, sip_call_id))
        if ends:
            ids.release(given_ids[-1])
    assert len(set(given_ids)) == len(given_ids)
    assert all(given_ids)


def test_ids_of_calls_that_are_over_are_forgotten_after_a_while() -> None:
    """What is remembered is bounded, the oldest goes first."""
    ids = CallIds(remembered=2)
    for name in "abc":
        assert ids.claim(name, "x") == name
        ids.release(name)
    assert ids.claim("a", "x") == "a"
    assert ids.claim("b", "x") != "b"


def test_the_id_of_an_open_call_is_never_forgotten() -> None:
    """However many calls come and go meanwhile: two open calls under one id would end the listener's thread."""
    ids = CallIds(remembered=2)
    assert ids.claim("held", "x") == "held"
    for number in range(100):
        ids.release(ids.claim(f"short-{number}", "x"))
    assert ids.claim("held", "y") != "held"
    ids.release("held")
    ids.release("held")
    ids.release("never there")
    assert ids.claim("held", "z") != "held"
