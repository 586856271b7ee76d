"""Which packets a leg hears: their order, losses and copies, whose they are, and what they carry."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sip_bridge.segmenter import FRAME_SECONDS
from testcall import alaw, ulaw
from tests.sip_bridge.packets import (
    BEGUN,
    LINE,
    MOST_AHEAD_SECONDS,
    SPEECH,
    WORDS,
    Listening,
    Packet,
    decoded,
    missing,
    places,
    stalled,
    stream,
)


def counted(listening: Listening) -> dict[str, int]:
    """What went wrong, and how often."""
    counts = listening.ring.inlet.counts()
    names = ("lost", "late", "dropped", "undecodable", "foreign")
    return {name: count for name in names if (count := getattr(counts, name))}


@pytest.mark.parametrize("packets", [1, 2, 5, 9])
def test_packets_out_of_order_are_heard_in_order(packets: int) -> None:
    """Every tenth one comes so many places too late."""
    sent = [
        packet.later(packets * FRAME_SECONDS + 0.001) if packet.number % 10 == 5 else packet for packet in stream(LINE)
    ]
    listening = Listening().hear(sent)
    assert (missing(listening.heard), counted(listening)) == ([], {})


def test_a_packet_that_comes_too_late_is_counted() -> None:
    """Its place was given up: it counts as lost, then as late, however often it comes."""
    sent = [packet.later(0.3) if packet.number in (100, 150) else packet for packet in stream(LINE)]
    again = [packet.later(0.4) for packet in stream(LINE) if packet.number == 150]
    listening = Listening().hear([*sent, *again])
    assert (missing(listening.heard), counted(listening)) == ([100, 150], {"lost": 2, "late": 2})


@pytest.mark.parametrize("later", [0.0, 0.05, 0.5])
def test_a_copy_is_heard_once(later: float) -> None:
    """Every packet comes twice, as a port mirror sends them: that is no fault."""
    listening = Listening().hear([copy for packet in stream(LINE) for copy in (packet, packet.later(later))])
    assert (missing(listening.heard), counted(listening)) == ([], {})


def test_a_lost_packet_is_bridged() -> None:
    """By what was heard before, half as loud and softer yet; what follows waits for it 0.2 s at most."""
    listening = Listening().hear([packet for packet in stream(LINE) if packet.number not in (150, 151)], 0)
    assert (missing(listening.heard), counted(listening)) == ([150, 151], {"lost": 2})
    before, *bridged = (np.frombuffer(listening.heard[number], np.int16) for number in (149, 150, 151))
    for part, each in enumerate(bridged, 1):
        assert np.abs(each - before / 2**part).max() <= 1


def test_a_loss_delays_for_a_moment_only() -> None:
    """Ten packets, or 0.2 s where no more come, and what waited is heard."""
    listening = Listening()
    packets = stream(LINE)
    sent = [*packets[:150], *packets[151:160]]
    listening.hear(sent, 0)
    assert listening.ring.position == 150
    listening.hear(packets[160:161], 0)
    assert listening.ring.position == 161
    listening.hear(packets[162:163], 0)
    assert listening.ring.position == 161
    listening.hear([], 0.31)  # each leg is looked at every 100 ms
    assert listening.ring.position == 163


@pytest.mark.parametrize("lost", [5, SPEECH.hangover, SPEECH.hangover + 1, 80])
def test_a_longer_loss_is_silence(lost: int) -> None:
    """On the time axis; one longer than the hangover ends the utterance."""
    gone = range(150, 150 + lost)
    listening = Listening().hear([packet for packet in stream(LINE) if packet.number not in gone])
    assert (missing(listening.heard), counted(listening)) == (list(gone), {"lost": lost})
    assert listening.ended == ([150] if lost > SPEECH.hangover else [])
    assert {listening.heard.get(number, b"") for number in gone} == {b"" if listening.ended else bytes(320)}


@pytest.mark.parametrize("samples", [80, 240, 480])
def test_losses_are_counted_in_frames(samples: int) -> None:
    """Whatever a packet's length; one of less than a frame counts as one."""
    audio = b"".join(LINE)
    packets = stream(
        [audio[place : place + samples] for place in range(0, len(audio), samples)],
        step=samples,
        seconds=samples / 8000,
    )
    late = len(packets) // 2
    sent = [packet.later(0.3 + 12 * samples / 8000) if place == late else packet for place, packet in enumerate(packets)]
    frames = max(1, samples // 160)
    assert counted(Listening().hear(sent)) == {"lost": frames, "late": frames}


@pytest.mark.parametrize("number", [40_000, 7_000, 150, 5], ids=["behind", "ahead", "near", "at its beginning"])
def test_a_sender_begins_its_numbering_anew(number: int) -> None:
    """It is heard on after a few packets, wherever it begins, with its words in their places."""
    first, second = stream(LINE[:200]), stream(LINE[200:], 200 * FRAME_SECONDS, number, 12_345)
    listening = Listening().hear([*first, *second])
    gone = missing(listening.heard)
    if number == 150:  # numbers just behind: they could be copies
        assert gone == list(range(200, 209))
    else:
        found = places(listening.heard)
        assert {found[place] for place in range(202, WORDS.stop)} <= {None, *range(202 - 1, WORDS.stop)}
        assert sum(found[place] is None for place in range(200, WORDS.stop)) <= 1


def test_another_source_after_silence_takes_over() -> None:
    """A PBX that changes its source (SSRC) stops the old one: after 0.2 s of silence the third packet is heard."""
    first, second = stream(LINE[:150]), stream(LINE[165:], 165 * FRAME_SECONDS, 9_000, 77_777, source=88)
    listening = Listening().hear([*first, *second])
    assert missing(listening.heard) == list(range(150, 167))
    assert counted(listening) == {"foreign": 2}


def test_a_source_beside_a_living_one_is_ignored() -> None:
    """A stranger's packets, or another party's, are counted and not heard, however many come."""
    stranger = stream(LINE[100:] + LINE[:100], 0.005, 30_000, 5, source=88)
    listening = Listening().hear([*stream(LINE), *stranger])
    assert (missing(listening.heard), counted(listening)) == ([], {"foreign": len(LINE)})


def test_sources_may_take_turns() -> None:
    """One after the other, each after silence of its own."""
    sent, begin = list[Packet](), 0.0
    for source in range(5):
        sent += stream(LINE, begin, source * 1000, source, source=source)
        begin += 10
    found = Listening().hear(sent).heard
    for turn in range(5):
        assert [number for number in WORDS if found.get(turn * 500 + number) != decoded(LINE[number])] == []


def test_the_codec_may_change_in_mid_stream() -> None:
    """From µ-law to A-law, both static types of G.711, without a word in the SDP."""
    packets = stream(LINE)
    other = {number: alaw.encode(ulaw.decode(LINE[number])) for number in range(150, len(LINE))}
    sent = [
        replace(packet, type=8, payload=other[packet.number]) if packet.number in other else packet for packet in packets
    ]
    listening = Listening().hear(sent)
    wanted = {number: alaw.decode(other[number]).astype("<i2").tobytes() for number in other}
    assert missing(listening.heard) == list(range(150, WORDS.stop))
    assert [number for number in range(150, WORDS.stop) if listening.heard[number] != wanted[number]] == []
    assert counted(listening) == {}


@pytest.mark.parametrize("type", [3, 18, 96, 127])
def test_what_cannot_be_decoded_is_counted(type: int) -> None:
    """With its payload type; it is not heard as noise."""
    packets = [replace(packet, type=type) if packet.number >= 150 else packet for packet in stream(LINE)]
    listening = Listening().hear(packets)
    assert counted(listening) == {"undecodable": len(LINE) - 150}
    assert listening.ring.inlet.counts().undecodableType == type
    assert max(listening.heard) == 149


def test_a_codec_that_the_library_lacks_is_undecodable() -> None:
    """Whatever the offer called it."""
    listening = Listening()
    listening.ring.inlet.setPayload(98, "opus", 44_100, 3)
    listening.ring.inlet.setPayload(99, "no/such codec", 0, 0)
    listening.hear([replace(packet, type=98 + packet.number % 2) for packet in stream(LINE)])
    assert counted(listening) == {"undecodable": len(LINE)}


def test_comfort_noise_and_digits_are_no_speech_and_no_fault() -> None:
    """They keep the stream alive; the time they take is silence."""
    listening = Listening()
    listening.ring.inlet.setPayload(101, "telephone-event", 8000, 1)
    events = {number: 101 if number < 180 else 13 for number in range(150, 210)}
    sent = [replace(packet, type=events.get(packet.number, 0), payload=b"\x05\x0a\x00\xa0") for packet in stream(LINE)]
    sent = [packet if packet.number in events else replace(packet, payload=LINE[packet.number]) for packet in sent]
    listening.hear(sent)
    assert (missing(listening.heard), counted(listening)) == (list(range(150, 210)), {})


def test_packets_without_audio_are_nothing() -> None:
    """An empty payload, or one that is nobody's."""
    packets = stream(LINE)
    sent = [replace(packet, payload=b"") if packet.number % 50 == 0 else packet for packet in packets]
    listening = Listening().hear(sent)
    assert counted(listening) == {}


def test_a_flood_is_bounded() -> None:
    """Ten times as fast as real time: five seconds ahead of the clock are heard, the rest is counted as late."""
    packets = stream(LINE * 10)
    listening = Listening().hear([replace(packet, at=packet.at / 10) for packet in packets], 0)
    assert -MOST_AHEAD_SECONDS <= listening.off_seconds < -4.5
    counts = listening.ring.inlet.counts()
    assert counts.heard + counts.late == len(packets)
    assert counts.late > len(packets) / 4


def test_a_clock_that_is_set_back_deafens_nobody() -> None:
    """The leg goes on from where it is."""
    listening = Listening().hear(stream(LINE[:150]), 0)
    position = listening.ring.position
    listening.now -= 3_600
    entries = []
    for packet in stream(LINE)[150:]:
        listening.now += FRAME_SECONDS
        listening.receive(packet)
        entries += listening.ring.take()
    assert (sum(len(entry.flags) for entry in entries) >= WORDS.stop - 150, counted(listening)) == (True, {})
    assert listening.ring.position == position + 250
    assert BEGUN - 3_600 < entries[-1].due_at < listening.now


def test_what_nobody_takes_is_bounded() -> None:
    """Five seconds of speech wait; the oldest goes, is counted, and the time of the rest stays."""
    listening = Listening()
    for packet in stream(LINE * 2):
        listening.now = BEGUN + packet.at
        listening.receive(packet)
    listening.take()
    dropped = listening.ring.inlet.counts().dropped
    heard = listening.heard
    assert dropped > 100
    assert len(heard) <= 250
    assert all(heard[number] == decoded((LINE * 2)[number]) for number in heard)


def test_marks_take_no_room() -> None:
    """However often a leg is paused and goes on while nobody listens: of marks in a row the last one counts."""
    listening = Listening()
    for number in range(1_000):
        listening.ring.pause(BEGUN + number)
        listening.ring.resume(BEGUN + number + 0.5)
    assert [(each.kind.name, each.start_frame) for each in listening.ring.take()] == [("RESUMED", 49_975)]
    packets = stream(LINE * 30)
    for packet in packets:
        listening.now = BEGUN + 1_000 + packet.at
        listening.receive(packet)
        if packet.number % 20 == 0:
            listening.ring.pause(listening.now)
            listening.ring.resume(listening.now)
    assert sum(not each.flags for each in listening.ring.take()) < 100


def test_a_stall_with_losses_keeps_the_time() -> None:
    """What did not come of the burst is lost, the rest is in its place."""
    gone = range(120, 130)
    sent = [packet for packet in stalled(stream(LINE), 2.01, 3.01) if packet.number not in gone]
    listening = Listening().hear(sent)
    assert (missing(listening.heard), counted(listening)) == (list(gone), {"lost": 10})
