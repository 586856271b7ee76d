"""What is over is over: sessions, participants and streams that have an end."""

from __future__ import annotations

import pytest

from sip_bridge.request import metadata
from sip_bridge.request.metadata import Metadata

OVER = "<disassociate-time>2026-01-01T10:05:00Z</disassociate-time>"
AGAIN = "<associate-time>2026-01-01T10:06:00+00:00</associate-time>"
PEOPLE = "".join(
    f'<participant participant_id="{name}"><nameID aor="sip:{name}@x"/></participant>'
    for name in ("cust", "anna", "dora")
)
STREAMS = "".join(f'<stream stream_id="s{label}"><label>{label}</label></stream>' for label in "12")


def document(*parts: str, mode: str = "complete") -> bytes:
    """One with these parts."""
    return f"<recording><datamode>{mode}</datamode>{''.join(parts)}</recording>".encode()


def speaks(who: str, label: str, times: str = "") -> str:
    """A participant's association with a stream."""
    return f'<participantstreamassoc participant_id="{who}"><send>s{label}</send>{times}</participantstreamassoc>'


def belongs(who: str, times: str = "", session: str = "one") -> str:
    """A participant's association with a session."""
    ids = f'participant_id="{who}" session_id="{session}"'
    return f"<participantsessionassoc {ids}>{times}</participantsessionassoc>"


def senders(found: Metadata) -> dict[str, str]:
    """Who speaks in which stream."""
    return {label: party.participant_id for label, party in found.senders.items()}


CUSTOMER = speaks("cust", "1")


@pytest.mark.parametrize(
    ("parts", "agent", "there"),
    [
        pytest.param([speaks("anna", "2", OVER), speaks("dora", "2")], "dora", 3, id="the stream's time"),
        pytest.param([speaks("dora", "2"), speaks("anna", "2", OVER)], "dora", 3, id="whatever the order"),
        pytest.param(
            [belongs("anna", OVER), belongs("dora"), speaks("anna", "2"), speaks("dora", "2")],
            "dora", 2, id="the session's",
        ),
        pytest.param(
            [belongs("anna", OVER), belongs("anna", AGAIN), belongs("dora", OVER), speaks("anna", "2")],
            "anna", 2, id="back in the session",
        ),
        pytest.param([speaks("anna", "2", AGAIN + OVER), speaks("dora", "2", OVER)], "anna", 3, id="taken up again"),
        pytest.param([speaks("anna", "2", OVER), speaks("anna", "2")], "anna", 3, id="two associations"),
        pytest.param([speaks("anna", "2", "<disassociate-time/>")], "anna", 3, id="an empty time"),
        pytest.param([speaks("anna", "2", OVER.replace("2026", "soon"))], "", 3, id="an unreadable time"),
    ],
)  # fmt: skip
def test_a_snapshot_lists_what_has_been(parts: list[str], agent: str, there: int) -> None:
    """An association with an end does not count, and who has left the session is not in the call."""
    found = metadata.read(document(PEOPLE, STREAMS, CUSTOMER, *parts))
    assert senders(found) == {"1": "cust"} | ({"2": agent} if agent else {})
    assert len(found.participants) == there
    assert found.fault == ""


def test_an_old_form_has_the_time_within_the_participant() -> None:
    """Before RFC 7865 `send` and its times stood there."""
    gone = f'<participant id="anna"><nameID aor="sip:anna@x"/><send>s2</send>{OVER}</participant>'
    new = '<participant id="dora"><nameID aor="sip:dora@x"/><send>s2</send></participant>'
    found = metadata.read(document(STREAMS, gone, new))
    assert senders(found) == {"2": "dora"}
    assert [party.participant_id for party in found.participants] == ["dora"]


@pytest.mark.parametrize("end", ["stop-time", "end-time"])
def test_a_session_that_is_over_does_not_name_the_call(end: str) -> None:
    """The one that goes on does, and its streams and its group alone count."""
    over = f'<session session_id="one"><group-ref>old</group-ref><{end}>2026-01-01T10:05:00Z</{end}></session>'
    running = '<session session_id="two"><group-ref>g</group-ref></session>'
    streams = "".join(
        f'<stream stream_id="s{number}" session_id="{session}"><label>2</label></stream>'
        for number, session in ((1, "one"), (2, "two"))
    )
    found = metadata.read(document(over, running, PEOPLE, streams, speaks("anna", "1"), speaks("dora", "2")))
    assert (found.call_id, found.group, senders(found)) == ("two", "g", {"2": "dora"})
    assert metadata.read(document(over)).call_id == "one"


def test_a_session_may_end_by_its_recording() -> None:
    """RFC 7865 section 6.9: the association of a session with the recording has an end of its own."""
    sessions = '<session session_id="one"/><session session_id="two"/>'
    ended = f'<sessionrecordingassoc session_id="one">{OVER}</sessionrecordingassoc>'
    parties = belongs("anna"), belongs("cust", session="two"), belongs("dora", session="two")
    found = metadata.read(document(sessions, ended, PEOPLE, *parties))
    assert found.call_id == "two"
    assert [party.participant_id for party in found.participants] == ["cust", "dora"]


def test_a_group_may_end() -> None:
    """A session without a reference is in the group that goes on."""
    groups = f'<group group_id="old">{OVER}</group><group group_id="new"/>'
    assert metadata.read(document('<session session_id="one"/>', groups)).group == "new"


def test_a_change_may_be_an_end() -> None:
    """A partial document that ends an association takes its speaker from the stream, and nothing else."""
    first = metadata.read(document(PEOPLE, STREAMS, CUSTOMER, speaks("anna", "2")))
    found = metadata.read(document(speaks("anna", "2", OVER), mode="partial"), first)
    assert senders(found) == {"1": "cust"}
    assert len(found.participants) == 3
    found = metadata.read(document(belongs("anna", OVER), mode="partial"), first)
    assert senders(found) == {"1": "cust"}
    assert [party.participant_id for party in found.participants] == ["cust", "dora"]
    found = metadata.read(document(belongs("anna", OVER), PEOPLE, speaks("dora", "2"), mode="partial"), first)
    assert senders(found) == {"1": "cust", "2": "dora"}


def test_a_complete_snapshot_replaces_what_was_known() -> None:
    """Nothing of the documents before is left."""
    first = metadata.read(document(PEOPLE, STREAMS, CUSTOMER, speaks("anna", "2")))
    other = '<participant id="eva"><nameID aor="sip:eva@x"/></participant><stream id="t"><label>3</label></stream>'
    sends = '<participantstreamassoc participant_id="eva"><send>t</send></participantstreamassoc>'
    assert metadata.read(document(other, sends), first) == metadata.read(document(other, sends))
