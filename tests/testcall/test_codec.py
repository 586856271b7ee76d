"""Codecs: what is chosen of an offer, and packets in each of them."""

import numpy as np
import pytest

from testcall import alaw, codec, scenario, ulaw
from testcall.codec import G722, OPUS, PCMA, PCMU

OFFERED = ("18 G729/8000", "0", "8 PCMA/8000", "9", "107 opus/48000/2", "101 telephone-event/8000")


@pytest.mark.parametrize(
    ("payload_type", "expected"),
    [(0, PCMU), (8, PCMA), (9, G722), (107, OPUS), (18, None), (101, None), (3, None)],
)
def test_a_payload_type_means_what_was_offered(payload_type: int, expected: codec.Codec | None) -> None:
    """By its rtpmap, or by RFC 3551 where it has none; None for what cannot be spoken and what was not offered."""
    assert codec.chosen(payload_type, OFFERED) is expected


@pytest.mark.parametrize(("spoken_in", "size"), [(PCMU, 160), (PCMA, 160), (G722, 160), (OPUS, None)])
def test_every_packet_has_20_ms(spoken_in: codec.Codec, size: int | None) -> None:
    """As many packets come out as went in, of the size of 20 ms where that is fixed."""
    said = scenario.load("turns_angry").payloads("agent")[60:110]
    packets = codec.encode(spoken_in, said)
    assert len(packets) == 50
    assert size is None or {len(packet) for packet in packets} == {size}


def test_a_law_says_the_same() -> None:
    """Words turned into A-law differ from the µ-law ones by the steps of the two codings alone."""
    said = scenario.load("turns_angry").payloads("agent")[60:110]
    one = ulaw.decode(b"".join(said)).astype(np.float64)
    other = alaw.decode(b"".join(codec.encode(PCMA, said))).astype(np.float64)
    assert np.corrcoef(one, other)[0, 1] > 0.999


def test_both_parties_in_one_stream() -> None:
    """A mixed stream is as long as the longer leg and holds both voices."""
    spoken = scenario.load("turns_angry")
    legs = [ulaw.decode(b"".join(spoken.payloads(party))).astype(np.float64) for party in scenario.PARTIES]
    mixed = ulaw.decode(b"".join(spoken.payloads("mixed"))).astype(np.float64)
    assert len(mixed) == max(map(len, legs))
    assert all(np.corrcoef(mixed, leg)[0, 1] > 0.5 for leg in legs)
