"""RTP packets and their pacing."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testcall import rtp, ulaw
from testcall.rtp import PACKET_SECONDS, SLOT_SECONDS, SLOTS, Lateness, Pacer, Stream


def stream(packets: int) -> Stream:
    return Stream([bytes([number % 256]) * 160 for number in range(packets)], lambda _: None)


def test_audio_is_cut_into_payloads() -> None:
    """Every payload has 160 bytes; the last is filled up with silence."""
    payloads = rtp.packetise(b"\x01" * 161)
    assert payloads == [b"\x01" * 160, b"\x01" + bytes([ulaw.SILENCE]) * 159]
    assert rtp.packetise(b"") == []


def test_packet_has_the_header_of_rfc_3550() -> None:
    """Version 2, µ-law, the marker on the first packet alone; number and timestamp advance and wrap."""
    leg = Stream([b"a" * 160, b"b" * 160], print, ssrc=7, first_sequence=0xFFFF, first_timestamp=0xFFFFFFFF)
    assert struct.unpack("!BBHII160s", leg.packet(0)) == (0x80, 0x80, 0xFFFF, 0xFFFFFFFF, 7, b"a" * 160)
    assert struct.unpack("!BBHII160s", leg.packet(1)) == (0x80, 0x00, 0, 159, 7, b"b" * 160)


def test_streams_start_at_random() -> None:
    """Source, first number and first timestamp differ from stream to stream."""
    streams = [stream(1) for _ in range(50)]
    for name in ("ssrc", "first_sequence", "first_timestamp"):
        assert len({getattr(each, name) for each in streams}) > 40


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=6),
    st.lists(st.floats(0.0001, 0.9), min_size=1, max_size=60),
    st.floats(0, 1e6),
)
def test_every_packet_is_due_once_in_order_and_never_early(
    lengths: list[int], steps: list[float], origin: float
) -> None:
    """However unevenly the clock is read, a stream's packets come each once, 20 ms apart, none before its time."""
    pacer = Pacer(origin)
    now = origin
    seen: dict[Stream, list[tuple[int, float]]] = {}
    for length in lengths:
        leg = stream(length)
        seen[leg] = []
        pacer.add([leg], now)
        now += 0.013
    for step in [*steps, 0.9, 0.9]:
        now += step
        for due_at, entries in pacer.due(now):
            assert due_at <= now + 1e-6
            for leg, index in entries:
                seen[leg].append((index, due_at))
    for leg, packets in seen.items():
        assert [index for index, _ in packets] == list(range(len(leg.payloads) + 1))
        times = [due_at for _, due_at in packets]
        assert times == pytest.approx([times[0] + index * PACKET_SECONDS for index in range(len(times))], abs=1e-5)
    assert pacer.next_due() is None


def test_legs_of_a_call_start_together() -> None:
    """Streams that are added together are due at the same time, within 20 ms."""
    pacer = Pacer(100.0)
    legs = [stream(2), stream(2)]
    pacer.add(legs, 100.5)
    due_at = pacer.next_due()
    assert due_at is not None
    assert 100.5 < due_at <= 100.5 + PACKET_SECONDS + SLOT_SECONDS
    assert pacer.due(due_at) == [(due_at, [(legs[0], 0), (legs[1], 0)])]


def test_streams_are_spread_over_the_slots() -> None:
    """Calls that begin at the same phase do not send in one burst."""
    pacer = Pacer(0.0)
    for number in range(100):
        pacer.add([stream(1000)], number * PACKET_SECONDS)
    pacer.due(2.0)
    bursts = [len(entries) for _, entries in pacer.due(2.0 + PACKET_SECONDS)]
    assert bursts == [100 // SLOTS] * SLOTS


def test_long_stop_is_jumped_over_and_counted() -> None:
    """Held up for more than a second, the packets between are lost, and the stream goes on in time."""
    pacer = Pacer(0.0)
    leg = stream(1000)
    pacer.add([leg], 0.0)
    pacer.due(0.1)
    late = [index for _, entries in pacer.due(5.1) for _, index in entries]
    assert late == [] or late[0] > 245
    (following,) = [index for _, entries in pacer.due(5.1 + PACKET_SECONDS) for _, index in entries]
    assert following == pytest.approx(254, abs=1)
    assert pacer.skipped_ticks == pytest.approx(5.0 / SLOT_SECONDS, abs=2)


def test_idle_time_is_not_lateness() -> None:
    """A stream that starts after hours without any begins at once and counts nothing as skipped."""
    pacer = Pacer(0.0)
    pacer.add([stream(1)], 0.0)
    pacer.due(1.0)
    pacer.add([stream(1)], 9000.0)
    ((due_at, _),) = pacer.due(9000.0 + PACKET_SECONDS)
    assert 9000.0 < due_at <= 9000.0 + PACKET_SECONDS + SLOT_SECONDS
    assert pacer.skipped_ticks == 0


def test_removed_stream_sends_no_more() -> None:
    """A stream taken out is not due again, and taking it out twice is no error."""
    pacer = Pacer(0.0)
    leg = stream(10)
    pacer.add([leg], 0.0)
    pacer.remove(leg)
    pacer.remove(leg)
    assert pacer.due(0.5) == []


def test_lateness_is_counted_by_the_millisecond() -> None:
    """Quantiles are upper edges of milliseconds, weighted by packets; the longest is exact."""
    late = Lateness()
    assert late.quantile_seconds(0.5) == 0.0
    late.add(0.0004, 98)
    late.add(0.0074, 2)
    assert late.packets == 100
    assert late.quantile_seconds(0.5) == 0.001
    assert late.quantile_seconds(0.99) == 0.008
    assert late.max_seconds == 0.0074


def test_port_is_even() -> None:
    """RTP has an even port, so that RTCP's would be the next."""
    with rtp.open_socket("127.0.0.1") as each:
        assert each.getsockname()[1] % 2 == 0
