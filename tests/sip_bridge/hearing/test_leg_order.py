"""Which packets a leg hears: their order, losses and copies, and whose they are."""

from __future__ import annotations

import numpy as np
import pytest

from sip_bridge.hearing.segmenter import FRAME_SECONDS
from tests.sip_bridge.packets import (
    LINE,
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


@pytest.mark.parametrize("packets", [1, 2, 5, 9])
def test_packets_out_of_order_are_heard_in_order(packets: int) -> None:
    """Every tenth one comes so many places too late."""
    sent = [
        packet.later(packets * FRAME_SECONDS + 0.001) if packet.number % 10 == 5 else packet for packet in stream(LINE)
    ]
    listening = Listening().hear(sent)
    assert (missing(listening.heard), listening.counted) == ([], {})


def test_a_packet_that_comes_too_late_is_counted() -> None:
    """Its place was given up: it counts as lost, then as late, however often it comes."""
    sent = [packet.later(0.3) if packet.number in (100, 150) else packet for packet in stream(LINE)]
    again = [packet.later(0.4) for packet in stream(LINE) if packet.number == 150]
    listening = Listening().hear([*sent, *again])
    assert (missing(listening.heard), listening.counted) == ([100, 150], {"lost": 2, "late": 2})


@pytest.mark.parametrize("later", [0.0, 0.05, 0.5])
def test_a_copy_is_heard_once(later: float) -> None:
    """Every packet comes twice, as a port mirror sends them: that is no fault."""
    listening = Listening().hear([copy for packet in stream(LINE) for copy in (packet, packet.later(later))])
    assert (missing(listening.heard), listening.counted) == ([], {})


def test_a_lost_packet_is_bridged() -> None:
    """By what was heard before, half as loud and softer yet; what follows waits for it 0.2 s at most."""
    listening = Listening().hear([packet for packet in stream(LINE) if packet.number not in (150, 151)], 0)
    assert (missing(listening.heard), listening.counted) == ([150, 151], {"lost": 2})
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
    assert (missing(listening.heard), listening.counted) == (list(gone), {"lost": lost})
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
    packets[late] = packets[late].later(0.3 + 12 * samples / 8000)
    frames = max(1, samples // 160)
    assert Listening().hear(packets).counted == {"lost": frames, "late": frames}


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
    assert listening.counted == {"foreign": 2}


def test_a_source_beside_a_living_one_is_ignored() -> None:
    """A stranger's packets, or another party's, are counted and not heard, however many come."""
    stranger = stream(LINE[100:] + LINE[:100], 0.005, 30_000, 5, source=88)
    listening = Listening().hear([*stream(LINE), *stranger])
    assert (missing(listening.heard), listening.counted) == ([], {"foreign": len(LINE)})


def test_sources_may_take_turns() -> None:
    """One after the other, each after silence of its own."""
    sent, begin = list[Packet](), 0.0
    for source in range(5):
        sent += stream(LINE, begin, source * 1000, source, source=source)
        begin += 10
    found = Listening().hear(sent).heard
    for turn in range(5):
        assert [number for number in WORDS if found.get(turn * 500 + number) != decoded(LINE[number])] == []


def test_a_stall_with_losses_keeps_the_time() -> None:
    """What did not come of the burst is lost, the rest is in its place."""
    gone = range(120, 130)
    sent = [packet for packet in stalled(stream(LINE), 2.01, 3.01) if packet.number not in gone]
    listening = Listening().hear(sent)
    assert (missing(listening.heard), listening.counted) == (list(gone), {"lost": 10})
