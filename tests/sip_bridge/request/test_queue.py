"""Which queue a fork is of."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbus import Role
from sip_bridge.request.fork import ForkReader
from sip_bridge.request.multipart import read_head
from sip_bridge.request.queue import MAX_QUEUE, MOST_DIGITS, queue_of
from sip_bridge.request.roles import AgentRules
from sip_bridge.request.vendors import Vocabulary


@pytest.mark.parametrize(
    ("uri", "queue"),
    [
        ("sip:billing@bridge", "billing"),
        ("sips:Billing-EU.1@[::1]:5061;transport=tls", "billing-eu.1"),
        ("<sip:billing@bridge>", "billing"),
        ("sip:billing;phone-context=x:secret@bridge;leg=agent", "billing"),
        ("sip:b%c3%bcro@bridge", "büro"),
        ("sip:600@bridge", "600"),
        ("sip:+493012345@bridge", ""),
        ("sip:caller-0049301234567@bridge", ""),
        ("sip:%34%39%33%30%31%32%33%34@bridge", ""),
        ("tel:billing@bridge", ""),
        ("sip:bridge:5060", ""),
        ("sip:@bridge", ""),
        ("sip:two%20words@bridge", ""),
        ("sip:%3Cscript%3E@bridge", ""),
        ("sip:%00%ff@bridge", ""),
        (f"sip:{'q' * (MAX_QUEUE + 1)}@bridge", ""),
        ("", ""),
    ],
)
def test_the_address_that_is_called_names_the_queue(uri: str, queue: str) -> None:
    """Its user part in lower case, unless it is no plain name or may be somebody's number."""
    assert queue_of(uri) == queue


@given(st.one_of(st.text(), st.from_regex(r"sips?:[^@]*@h", fullmatch=True)))
def test_no_address_makes_more_than_a_short_plain_name(uri: str) -> None:
    """Whatever is called, the result is bounded, has no more digits than an extension and nothing but name letters."""
    queue = queue_of(uri)
    assert len(queue) <= MAX_QUEUE
    assert re.fullmatch(r"[\w.+-]*", queue)
    assert sum(each.isdigit() for each in queue) <= MOST_DIGITS


def test_a_fork_carries_its_queue() -> None:
    """The INVITE's request URI names it, with metadata and without."""
    raw = b"INVITE sip:Billing@bridge SIP/2.0\r\nCall-ID: a\r\n\r\n"
    reader = ForkReader(AgentRules(), Vocabulary(), Role.UNKNOWN, "X-Call-ID", "X-Leg")
    head = read_head(raw)
    assert reader.read(raw, head, reader.naming(head)).offer.queue == "billing"
