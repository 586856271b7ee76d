"""A leg's time: packets lie where they were spoken, whatever the network, the sender's clock and ours do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from sip_bridge.hearing.ring import Kind
from sip_bridge.hearing.segmenter import FRAME_SECONDS
from tests.sip_bridge.packets import (
    BEGUN,
    LINE,
    SPEECH,
    STOPPED_SECONDS,
    WORDS,
    Listening,
    Packet,
    decoded,
    missing,
    places,
    stalled,
    stream,
)

QUIET = LINE[:30] + LINE[318:400]
"""A line on which nobody speaks."""


def quiet(packets: int) -> list[bytes]:
    """So much of it."""
    return [QUIET[number % len(QUIET)] for number in range(packets)]


def test_packets_lie_where_they_were_spoken() -> None:
    """The first one's end is when it comes, each frame's due time is its place on the clock, and nothing lags."""
    listening = Listening().hear(stream(LINE))
    assert missing(listening.heard) == []
    for entry in listening.entries:
        assert entry.due_at == pytest.approx(BEGUN + (entry.start_frame + len(entry.flags)) * FRAME_SECONDS)
    assert listening.ring.inlet.counts().lagSeconds == pytest.approx(0, abs=0.001)


@pytest.mark.parametrize("seconds", [0.5, 1.0, 2.5, 4.0])
@pytest.mark.parametrize("begin", [0.61, 2.01], ids=["in silence", "in speech"])
def test_a_stall_loses_and_moves_nothing(begin: float, seconds: float) -> None:
    """What the network held back is heard whole and in its place; the lag is in its due time, and over afterwards."""
    listening = Listening().hear(stalled(stream(LINE), begin, begin + seconds))
    assert missing(listening.heard) == []
    counts = listening.ring.inlet.counts()
    assert (counts.lost, counts.late, counts.dropped) == (0, 0, 0)
    assert counts.lagSeconds == pytest.approx(0, abs=0.001)
    for entry in listening.entries:
        assert entry.due_at == pytest.approx(BEGUN + (entry.start_frame + len(entry.flags)) * FRAME_SECONDS)


@pytest.mark.parametrize("seconds", [1, 2, 3, 4])
def test_a_stall_of_a_silent_line_moves_nothing(seconds: int) -> None:
    """A burst tells nothing of the sender's clock: the words after it stand where they were said."""
    before = quiet(130)
    listening = Listening().hear(stalled(stream(before + list(LINE)), 1.01, 1.01 + seconds))
    found = places(listening.heard)
    assert {found[number] for number in WORDS} == {number + len(before) for number in WORDS}


def test_a_stall_in_speech_hands_over_what_was_said() -> None:
    """The words so far end after the hangover and a little; the rest goes on in the next frame, whole."""
    listening = Listening()
    packets = stalled(stream(LINE), 2.01, 4.01)
    for packet in packets[:100]:
        listening.wait_until(packet.at)
        listening.receive(packet)
    patience = SPEECH.hangover * FRAME_SECONDS + STOPPED_SECONDS
    listening.wait_until(2.0 + patience - 0.01)
    assert listening.ended == []
    listening.wait_until(2.0 + patience + 0.13)  # each leg is looked at every 100 ms
    assert listening.ended == [100]
    listening.hear(packets[100:])
    assert listening.ended == [100]
    assert missing(listening.heard) == []


def test_a_stall_keeps_part_of_a_frame() -> None:
    """Packets of 30 ms leave half a frame over, which waits for its other half."""
    audio = b"".join(LINE)
    parts = [audio[place : place + 240] for place in range(0, len(audio), 240)]
    packets = stream(parts, step=240, seconds=0.03)
    stall = 0.03 * 67 + 0.001
    listening = Listening().hear(stalled(packets, stall, stall + 1))
    assert listening.ended == [100]
    assert missing(listening.heard) == []


def test_a_leg_says_its_time_without_going_back() -> None:
    """After a second without audio the clock tells; packets that come after all lie before that."""
    listening = Listening().hear(stalled(stream(LINE), 2.01, 4.01)[:100], 0.5)
    assert listening.ring.position == 100
    listening.wait_until(3.5)
    assert listening.ring.position == 175
    listening.hear(stalled(stream(LINE), 2.01, 4.01)[100:150], 0)
    assert listening.ring.position == 200
    assert [place for place in places(listening.heard) if place is not None][-1] < 150


def test_silence_that_is_not_sent_is_silence() -> None:
    """Timestamps jump, numbers do not (RFC 3551 section 4.1): the speech ends, what follows is in its place."""
    packets = stream(LINE)
    sent = [*packets[:150], *(replace(each, number=each.number - 60) for each in packets[210:])]
    listening = Listening().hear(sent)
    assert missing(listening.heard) == list(range(150, 210))
    assert listening.ended == [150]
    assert listening.ring.inlet.counts().lost == 0


def test_less_silence_than_the_hangover_ends_nothing() -> None:
    """What was not sent is filled with silence, and the utterance goes on."""
    packets = stream(LINE)
    sent = [*packets[:150], *(replace(each, number=each.number - 10) for each in packets[160:])]
    listening = Listening().hear(sent)
    assert missing(listening.heard) == list(range(150, 160))
    assert {listening.heard[number] for number in range(150, 160)} == {bytes(320)}
    assert listening.ended == []


def test_a_leg_whose_packets_come_late_begins_with_silence() -> None:
    """Its first packet is where the clock is."""
    found = places(Listening().hear(stream(LINE, begin=7)).heard)
    assert {found[number] for number in WORDS} == {number + 350 for number in WORDS}


def test_a_leg_may_begin_at_a_later_call_time() -> None:
    """Its frames are numbered from there; to begin once more changes nothing."""
    listening = Listening(call_seconds=12.5)
    listening.ring.begin(99, BEGUN)
    assert listening.ring.position == 625
    found = places(listening.hear(stream(LINE)).heard)
    assert {found[number] for number in WORDS} == {number + 625 for number in WORDS}


def test_a_pause_is_silence_until_it_ends() -> None:
    """It begins and ends where the clock is, what was being said ends with it, what comes meanwhile is not heard."""
    listening = Listening()
    packets = stream(LINE)
    listening.hear(packets[:150], 0)
    listening.ring.pause(listening.now)
    listening.ring.pause(listening.now + 1)
    listening.hear(packets[150:200], 0)
    listening.ring.resume(listening.now)
    listening.ring.resume(listening.now + 1)
    listening.hear(packets[200:])
    assert missing(listening.heard) == list(range(150, 200))
    marks = [(each.kind, each.start_frame) for each in listening.entries if not each.flags]
    assert marks == [(Kind.PAUSED, 150), (Kind.RESUMED, 200)]
    assert listening.ended == [150]


def test_a_pause_after_silence_begins_where_it_begins() -> None:
    """Not where the last packet was: a sender may fall silent seconds before."""
    listening = Listening().hear(stream(LINE[:50]), 3)
    listening.ring.pause(listening.now)
    listening.hear([], 2)
    listening.ring.resume(listening.now)
    listening.take()
    assert [(each.kind, each.start_frame) for each in listening.entries if not each.flags] == [
        (Kind.PAUSED, 200),
        (Kind.RESUMED, 300),
    ]


@pytest.mark.parametrize(
    ("number", "timestamp"),
    [(65_535 - 100, 0), (0, 2**32 - 160 * 100), (65_536 - 150, 2**32 - 160 * 150 + 7)],
    ids=["numbers", "timestamps", "both"],
)
@pytest.mark.parametrize("lost", [(), (99, 100, 101, 149, 150, 151)], ids=["whole", "with losses"])
def test_what_wraps_goes_on(number: int, timestamp: int, lost: tuple[int, ...]) -> None:
    """Numbers have 16 bits and timestamps 32; nothing happens where they begin anew, with and without losses."""
    packets = stream(LINE, number=number, timestamp=timestamp)
    listening = Listening().hear([packet for place, packet in enumerate(packets) if place not in lost])
    assert missing(listening.heard) == list(lost)
    assert listening.ring.inlet.counts().lost == len(lost)


def odd(packets: list[Packet], kind: str) -> Iterator[Packet]:
    """The same packets with timestamps that tell the wrong time."""
    for place, packet in enumerate(packets):
        jumps = place * 0x2545F491 & 0xFFFFFFFF
        told = {"constant": 5, "none": 0, "16 kHz": place * 320, "48 kHz": place * 960, "random": jumps}[kind]
        yield replace(packet, timestamp=told)


@pytest.mark.parametrize("kind", ["constant", "none", "16 kHz", "48 kHz", "random"])
@pytest.mark.parametrize("every", [0, 25], ids=["whole", "with losses"])
def test_wrong_timestamps_do_not_move_the_time(kind: str, every: int) -> None:
    """Packets that come one after the other are heard so, and the leg stays by the clock."""
    sent = [packet for packet in odd(stream(LINE * 5), kind) if not every or packet.number % every]
    listening = Listening().hear(sent, 0)
    assert abs(listening.off_seconds) < 0.3
    if not every:
        assert len(missing(listening.heard)) == 0


@pytest.mark.parametrize("kind", ["16 kHz", "48 kHz", "random"])
def test_wrong_timestamps_make_no_loss_longer(kind: str) -> None:
    """Where every tenth packet is lost in speech, the words stay in their places to a fifth of a second."""
    sent = [packet for packet in odd(stream(LINE), kind) if packet.number % 10]
    found = places(Listening().hear(sent).heard)
    assert max(abs(place - number) for number, place in enumerate(found) if number in WORDS and place is not None) <= 10


@pytest.mark.parametrize("drift", [-0.001, 0.001], ids=["fast", "slow"])
def test_a_senders_clock_drifts(drift: float) -> None:
    """A tenth of a percent, for an hour: the leg stays within half a second of our clock, and nothing said is lost."""
    listening = Listening()
    packets, turn = 3600 * 50, len(LINE) + 200
    said = 0
    off = list[float]()
    for place in range(packets):
        inside = place % turn
        payload = LINE[inside] if inside < len(LINE) else QUIET[inside % len(QUIET)]
        listening.wait_until((place + 1) * 0.02 * (1 + drift))
        listening.receive(Packet(0, payload, place & 0xFFFF, place * 160 & 0xFFFFFFFF))
        if place % turn == turn - 1:
            off.append(listening.off_seconds)
            assert abs(off[-1]) < 0.5
            heard = set(listening.heard.values())
            said += len(heard)
            assert not [number for number in WORDS if decoded(LINE[number]) not in heard]
            listening.entries.clear()
    assert said >= packets // turn * len(WORDS)
    assert min(map(abs, off[len(off) // 2 :])) < 0.1  # it is made up for wholly
    assert listening.ring.inlet.counts().lost == 0
