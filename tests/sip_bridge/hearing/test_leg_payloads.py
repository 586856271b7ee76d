"""What packets carry: codecs, comfort noise, digits, and what nobody decodes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from testcall import alaw, ulaw
from tests.sip_bridge.packets import (
    LINE,
    WORDS,
    Listening,
    missing,
    stream,
)


def test_the_codec_may_change_in_mid_stream() -> None:
    """From µ-law to A-law, both static types of G.711, without a word in the SDP."""
    packets = stream(LINE)
    other = {number: alaw.encode(ulaw.decode(LINE[number])) for number in range(150, len(LINE))}
    sent = [
        replace(packet, type=8, payload=other[packet.number]) if packet.number in other else packet
        for packet in packets
    ]
    listening = Listening().hear(sent)
    wanted = {number: alaw.decode(other[number]).astype("<i2").tobytes() for number in other}
    assert missing(listening.heard) == list(range(150, WORDS.stop))
    assert [number for number in range(150, WORDS.stop) if listening.heard[number] != wanted[number]] == []
    assert listening.counted == {}


@pytest.mark.parametrize("type", [3, 18, 96, 127])
def test_what_cannot_be_decoded_is_counted(type: int) -> None:
    """With its payload type; it is not heard as noise."""
    packets = [replace(packet, type=type) if packet.number >= 150 else packet for packet in stream(LINE)]
    listening = Listening().hear(packets)
    assert listening.counted == {"undecodable": len(LINE) - 150}
    assert listening.ring.inlet.counts().undecodableType == type
    assert max(listening.heard) == 149


def test_a_codec_that_the_library_lacks_is_undecodable() -> None:
    """Whatever the offer called it."""
    listening = Listening()
    listening.ring.inlet.setPayload(98, "opus", 44_100, 3)
    listening.ring.inlet.setPayload(99, "no/such codec", 0, 0)
    listening.hear([replace(packet, type=98 + packet.number % 2) for packet in stream(LINE)])
    assert listening.counted == {"undecodable": len(LINE)}


def test_comfort_noise_and_digits_are_no_speech_and_no_fault() -> None:
    """They keep the stream alive; the time they take is silence."""
    listening = Listening()
    listening.ring.inlet.setPayload(101, "telephone-event", 8000, 1)
    events = {number: 101 if number < 180 else 13 for number in range(150, 210)}
    sent = [replace(packet, type=events.get(packet.number, 0), payload=b"\x05\x0a\x00\xa0") for packet in stream(LINE)]
    sent = [packet if packet.number in events else replace(packet, payload=LINE[packet.number]) for packet in sent]
    listening.hear(sent)
    assert (missing(listening.heard), listening.counted) == (list(range(150, 210)), {})


def test_packets_without_audio_are_nothing() -> None:
    """An empty payload, or one that is nobody's."""
    packets = stream(LINE)
    sent = [replace(packet, payload=b"") if packet.number % 50 == 0 else packet for packet in packets]
    listening = Listening().hear(sent)
    assert listening.counted == {}
