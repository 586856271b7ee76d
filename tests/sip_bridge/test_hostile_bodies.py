"""Every vendor's INVITE, broken in ways that know what it is made of: the readers take it. `pytest -s` says how many.

A small share of what `make fuzz` tries.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callbus import Role
from sip_bridge.request import elements, invite, metadata
from sip_bridge.request.roles import AgentRules
from testcall.metadata import dialect_names
from tools.fuzz.bodies import invites
from tools.fuzz.mutation import CHANGES, MAX_BYTES, Change, mutate
from tools.fuzz.readers import WORDS, check

EXAMPLES = 10
"""Of each vendor, for each kind of change."""
INVITES = invites()
TRIED = {"inputs": 0}


@pytest.fixture(scope="module", autouse=True)
def told() -> Iterator[None]:
    """Say how many inputs were tried."""
    yield
    print(f"\nhostile bodies: {TRIED['inputs']:,} inputs")


@pytest.mark.parametrize("name", dialect_names())
def test_as_sent_they_are_read(name: str) -> None:
    """What the changes begin from is whole: streams, and metadata where the vendor sends any."""
    found = invite.read(INVITES[name], AgentRules(), Role.UNKNOWN, words=WORDS)
    assert found.legs
    assert found.metadata_fault in ("", "none", "headers", "no_senders", "mixed_stream")
    check(INVITES[name])


@pytest.mark.parametrize("name", dialect_names())
def test_broken_they_raise_nothing(name: str) -> None:
    """Each kind of change by itself, and several in a row; all that comes out is within its bounds."""
    chance = random.Random(name)
    for change in CHANGES:
        for _ in range(EXAMPLES):
            TRIED["inputs"] += 1
            check(change(INVITES[name], chance)[:MAX_BYTES])
    for _ in range(EXAMPLES):
        TRIED["inputs"] += 1
        check(mutate(INVITES[name], chance))


@settings(max_examples=200)
@given(
    st.sampled_from(sorted(INVITES)), st.lists(st.sampled_from(CHANGES), max_size=6), st.randoms(use_true_random=False)
)
def test_any_changes_in_a_row(name: str, changes: list[Change], chance: random.Random) -> None:
    """Whatever is done to whichever; hypothesis finds the least that breaks one."""
    message = INVITES[name]
    for change in changes:
        message = change(message, chance)[:MAX_BYTES]
    TRIED["inputs"] += 1
    check(message)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=40), max_size=4))
def test_any_labels_pair_with_their_streams(labels: list[str]) -> None:
    """Legs are as many as streams, whatever their labels, and each has an id of its own."""
    lines = "".join(f"m=audio {4_000 + place} RTP/AVP 0\r\na=label:{label}\r\n" for place, label in enumerate(labels))
    raw = f"INVITE sip:x SIP/2.0\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n{lines}".encode()
    TRIED["inputs"] += 1
    check(raw)
    assert len(invite.read(raw, AgentRules(), Role.UNKNOWN).legs) == len(labels)


@pytest.mark.parametrize("element", ["participant", "stream", "participantstreamassoc", "send"])
@pytest.mark.parametrize("depth", [elements.MAX_DEPTH, 2_500])
def test_what_is_nested_too_deeply_is_not_looked_at(element: str, depth: int) -> None:
    """Elements within elements cost their number, not its square: a recorder nests five, sixteen are read."""
    participant = f'<participant id="p"><nameID aor={quoteattr("sip:anna@x")}/></participant>'
    opening, closing = f"<{element}>" * (depth - 3), f"</{element}>" * (depth - 3)
    found = metadata.read(f"<recording>{opening}{participant}{closing}</recording>".encode())
    deep = depth > elements.MAX_DEPTH
    assert ("sip:anna@x" in [aor for party in found.participants for aor in party.aors]) is not deep
