"""Which leg each m-line feeds, from offer to offer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbus import Role
from sip_bridge.calls.lines import MAX_LEGS, Lines, labelled
from sip_bridge.hearing.leg import Leg
from sip_bridge.request.invite import OfferedLeg
from sip_bridge.settings import BridgeSettings


def leg(offered: OfferedLeg) -> Leg:
    """A leg with the shipped settings."""
    return Leg(offered.leg_id, offered.role, "", BridgeSettings().speech, 2)


def offer(text: str) -> list[OfferedLeg]:
    """An offer written as its m-lines' labels: `-` has none, `0` is a port of 0."""
    return [
        OfferedLeg(index, str(index) if label == "-" else label, Role.UNKNOWN, label=label.strip("-"))
        for index, label in enumerate(text.split())
        if label != "0"
    ]


@pytest.mark.parametrize(
    ("offers", "expected"),
    [
        pytest.param(["a b", "a b"], {0: "a", 1: "b"}, id="as before"),
        pytest.param(["a b", "b a"], {0: "b", 1: "a"}, id="exchanged"),
        pytest.param(["a b", "b"], {0: "b"}, id="one m-line with the second's label"),
        pytest.param(["a b", "a b c"], {0: "a", 1: "b", 2: "c"}, id="a third"),
        pytest.param(["a b", "x b"], {0: "a", 1: "b"}, id="another label in the same place"),
        pytest.param(["a b", "x b", "- b", "x b"], {0: "a", 1: "b"}, id="and without it for once"),
        pytest.param(["a b", "a 0", "a x"], {0: "a", 1: "x"}, id="a place given to somebody else"),
        pytest.param(["a b", "a 0", "a b"], {0: "a", 1: "b"}, id="back again"),
        pytest.param(["a b", "- -"], {0: "a", 1: "b"}, id="labels left out"),
        pytest.param(["- -", "- 0", "- -"], {0: "0", 1: "1"}, id="back again without labels"),
        pytest.param(["- -", "a b"], {0: "0", 1: "1"}, id="labels come later"),
        pytest.param(["1 2", "- -"], {0: "1", 1: "2"}, id="a label like a place"),
        pytest.param(["a b", "0 0"], {}, id="none"),
    ],
)
def test_a_leg_follows_its_stream(offers: list[str], expected: dict[int, str]) -> None:
    """By label, else by place."""
    lines = Lines()
    for each in offers:
        lines.arrange(offer(each), leg)
    assert {index: own.leg_id for index, own in lines.legs.items()} == expected


@given(st.lists(st.lists(st.sampled_from(["0", "-", *"abcdefghijkl"]), max_size=8).map(" ".join), max_size=20))
def test_legs_are_bounded_and_never_shared(offers: list[str]) -> None:
    """Whatever is offered, no leg is fed by two m-lines, and one dialog has so many at most."""
    lines, made = Lines(), []
    for each in offers:
        lines.arrange(offer(each), lambda offered: made.append(offered) or leg(offered))  # type: ignore[func-returns-value]
        fed = [id(own) for own in lines.legs.values()]
        assert len(set(fed)) == len(fed)
        assert set(lines.legs) <= {stream.index for stream in offer(each)}
    assert len(made) <= MAX_LEGS


def test_our_own_offer_is_labelled() -> None:
    """Each m-line gets the label that the other side gave it, and none that it has already."""
    session = "v=0\r\ns=-\r\n"
    ours = "m=audio 4000 RTP/AVP 0\r\na=recvonly\r\n"
    assert labelled(session + ours * 3, {0: "a", 2: "c", 7: "x"}) == (
        f"{session}{ours}a=label:a\r\n{ours}{ours}a=label:c\r\n"
    )
    assert labelled(session + ours + "a=label:b\r\n", {0: "a"}) == session + ours + "a=label:b\r\n"


def test_a_leg_follows_the_alternative_that_comes_up() -> None:
    """Of two m-lines for a voice the library takes one; a later offer of the other alone is the same leg."""
    lines = Lines()
    lines.arrange([OfferedLeg(0, "a", Role.UNKNOWN, alternatives=(1,)), OfferedLeg(2, "b", Role.UNKNOWN)], leg)
    first, second = lines.legs[0], lines.legs[2]
    lines.settle([1, 2])
    assert lines.legs == {1: first, 2: second}
    lines.settle([])
    assert lines.legs == {1: first, 2: second}
    lines.arrange([OfferedLeg(1, "1", Role.UNKNOWN), OfferedLeg(2, "b", Role.UNKNOWN)], leg)
    lines.settle([1, 2])
    assert lines.legs == {1: first, 2: second}
