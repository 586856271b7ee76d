"""Metadata that is nearly XML gives all the same what it says."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip_bridge.request import metadata, vendors
from sip_bridge.request.metadata import Metadata
from tools.fuzz.damage import DAMAGES, Damage

WORDS = vendors.load()
DOCUMENTS = {file.stem: file.read_bytes() for file in sorted((Path(__file__).parents[1] / "vendors").glob("*.xml"))}
WHOLE = {vendor: metadata.read(content, words=WORDS) for vendor, content in DOCUMENTS.items()}
FAULTS = ("repaired", "", "no_senders")
"""Some damage hurts nothing: text between elements."""
TRIED = {"inputs": 0}


@pytest.fixture(scope="module", autouse=True)
def told() -> Iterator[None]:
    """Say how many inputs were tried."""
    yield
    print(f"\ndamaged metadata: {TRIED['inputs']:,} inputs")


def essence(found: Metadata) -> tuple[object, ...]:
    """All but display names: what call, who takes part, who has called, who speaks where."""
    parties = [(party.participant_id, party.users, party.calling) for party in found.participants]
    return found.call_id, found.group, parties, {label: party.users for label, party in found.senders.items()}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda each: each.__name__.strip("_"))
@pytest.mark.parametrize("vendor", DOCUMENTS)
def test_one_fault_costs_nothing(vendor: str, damage: Damage) -> None:
    """Of each vendor's document, with each kind of damage, the call's id, the parties and their streams are read."""
    for seed in range(12):
        TRIED["inputs"] += 1
        content = damage(DOCUMENTS[vendor].decode(), random.Random(f"{vendor} {seed}"))
        found = metadata.read(content, words=WORDS)
        assert essence(found) == essence(WHOLE[vendor]), content
        assert found.fault in FAULTS


@settings(max_examples=300)
@given(st.sampled_from(sorted(DOCUMENTS)), st.sampled_from(DAMAGES), st.randoms(use_true_random=False))
def test_any_fault_costs_nothing(vendor: str, damage: Damage, chance: random.Random) -> None:
    """The same wherever the damage is."""
    TRIED["inputs"] += 1
    content = damage(DOCUMENTS[vendor].decode(), chance)
    assert essence(metadata.read(content, words=WORDS)) == essence(WHOLE[vendor])


@pytest.mark.parametrize("vendor", DOCUMENTS)
def test_what_is_cut_short_gives_what_came_before(vendor: str) -> None:
    """Wherever a document breaks off: no id, no address and no stream that the whole one does not have."""
    content, whole = DOCUMENTS[vendor], WHOLE[vendor]
    ids = [party.participant_id for party in whole.participants]
    for size in range(0, len(content.rstrip()), 3):
        TRIED["inputs"] += 1
        found = metadata.read(content[:size], words=WORDS)
        assert found.fault in ("bad_xml", "repaired")
        assert found.call_id in ("", whole.call_id, whole.group)
        assert [party.participant_id for party in found.participants] == ids[: len(found.participants)]
        for party, known in zip(found.participants, whole.participants, strict=False):
            assert party.aors == known.aors[: len(party.aors)]
        assert found.senders.keys() <= whole.senders.keys()
        for label, party in found.senders.items():
            assert party.participant_id == whole.senders[label].participant_id


def test_a_repaired_document_says_so() -> None:
    """One unescaped & in a name: the fault is counted, and names the kind alone."""
    content = DOCUMENTS["rfc7865"].replace(b"Anna", b"Sales & Service")
    found = metadata.read(content)
    assert found.fault == "repaired"
    assert [party.name for party in found.participants] == ["", "Sales & Service"]


@pytest.mark.parametrize(
    "where", [b"<recording", b"<session ", b"</recording>", b"<participant "], ids=lambda each: each.decode()
)
def test_a_document_type_is_refused_wherever_it_stands(where: bytes) -> None:
    """Damage opens no way for entities: what declares any is not read."""
    bomb = b'& <! DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    content = DOCUMENTS["rfc7865"].replace(where, bomb + where, 1)
    assert metadata.read(content) == Metadata(fault="forbidden_xml")
