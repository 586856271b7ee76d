"""A caller's number in one form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbus import Role
from sip_bridge.request.caller import MOST_CHARACTERS, number_of
from sip_bridge.request.invite import Invite, OfferedLeg
from sip_bridge.request.metadata import Participant


@pytest.mark.parametrize(
    ("aor", "number"),
    [
        ("sip:+4930123456@pbx.example", "+4930123456"),
        ("sip:+49-30.12(34)56@pbx.example;user=phone", "+4930123456"),
        ("tel:+49-30-123456;phone-context=example.com", "+4930123456"),
        ("sips:%2B4930123456@pbx.example", "+4930123456"),
        ("4930 123 456@pbx.example", "4930123456"),
        ("+4930123456", "+4930123456"),
        ("sip:2001@pbx.example", "2001"),
        ("sip:Alice.Smith@Example.COM;transport=tcp", "alice.smith@example.com"),
        ("Alice", "alice"),
        ("sip:+4930123456789012345678901234567890123@x", "+4930123456789012345678901234567890123@x"),
    ],
)
def test_ways_to_write_one_number_are_one(aor: str, number: str) -> None:
    """Scheme, host, parameters and separators say nothing of who calls; an address of letters keeps its host."""
    assert number_of(Participant("p", (aor,))) == number


@pytest.mark.parametrize(
    "aor",
    [
        "",
        "anonymous",
        "sip:anonymous@anonymous.invalid",
        "sip:Anonymous@pbx.example",
        "sip:c8f2@anonymous.invalid",
        "sip:unknown@pbx.example",
        "sip:Restricted@pbx.example;user=phone",
        "sip:@pbx.example",
        "sip:%20@pbx.example",
    ],
)
def test_a_withheld_number_is_none(aor: str) -> None:
    """Callers who hide their number are not known again (RFC 3323 section 4.1.1.3)."""
    assert number_of(Participant("p", (aor,))) == ""


def test_only_whoever_calls_is_known_again() -> None:
    """A customer who was called has made no contact; without a word of the recorder they count as the caller."""
    party = Participant("p", ("sip:+4930123456@x",))
    assert [number_of(Participant("p", party.aors, calling=calling)) != "" for calling in (True, None, False)] == [
        *(True, True, False)
    ]
    assert number_of(Participant("p")) == ""


@given(st.text(max_size=600))
def test_any_address_is_read(aor: str) -> None:
    """Recorders' text is hostile: what comes of it is bounded."""
    assert len(number_of(Participant("p", (aor,)))) <= MOST_CHARACTERS


def test_a_header_counts_where_no_metadata_does() -> None:
    """As plain forks name their caller."""
    leg = OfferedLeg(0, "1", Role.CUSTOMER)
    assert Invite("c", "", (leg,), "none", caller_named="+4930123456").caller == "+4930123456"


def test_the_customers_number_is_the_calls() -> None:
    """Never an agent's, whichever stream comes first."""
    agent = OfferedLeg(0, "1", Role.AGENT, "Anna", party=Participant("a", ("sip:2001@x",)))
    hidden = OfferedLeg(1, "2", Role.CUSTOMER, party=Participant("b", ("sip:anonymous@anonymous.invalid",)))
    customer = OfferedLeg(2, "3", Role.CUSTOMER, party=Participant("c", ("sip:+4930123456@x",)))
    assert Invite("c", "", (agent, hidden, customer), "").caller == "+4930123456"
    assert Invite("c", "", (agent, hidden), "").caller == ""
    assert Invite("c", "", (OfferedLeg(0, "1", Role.CUSTOMER),), "none").caller == ""
