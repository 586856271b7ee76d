"""A port that many streams share."""

import socket

from testcall.rtp import open_socket
from testcall.rtp_port import BURST_PACKETS, SharedPort


def packets(own: socket.socket) -> list[tuple[bytes, int]]:
    """What has come, and from which port."""
    found: list[tuple[bytes, int]] = []
    while True:
        try:
            data, (_, port) = own.recvfrom(2048)
        except BlockingIOError:
            return found
        found.append((data, port))


def test_a_burst_goes_to_as_many_addresses() -> None:
    """Packets of any length, each to its own stream's address, in order, all from the port that the SDP names."""
    with open_socket("127.0.0.1") as own, open_socket("127.0.0.1") as one, open_socket("127.0.0.1") as other:
        port = SharedPort(own)
        first, second = port.share(), port.share()
        first.connect(one.getsockname())
        second.connect(other.getsockname())
        for number in range(20):
            first.send(bytes([number]) * (number + 1))
            second.send(bytes([100 + number]))
        assert packets(one) == []  # nothing leaves before the burst
        port.flush()
        named = first.getsockname()[1]
        assert packets(one) == [(bytes([number]) * (number + 1), named) for number in range(20)]
        assert packets(other) == [(bytes([100 + number]), named) for number in range(20)]
        port.flush()
        assert packets(one) == []
        assert port.unsent == 0


def test_more_than_the_system_takes_at_once_is_sent_in_parts() -> None:
    """Every packet of a long burst arrives once."""
    with open_socket("127.0.0.1") as own:
        listening = [open_socket("127.0.0.1") for _ in range(40)]
        port = SharedPort(own)
        shares = [port.share() for _ in listening]
        for share, each in zip(shares, listening, strict=True):
            share.connect(each.getsockname())
        count = BURST_PACKETS // len(listening) * 2 + 10
        for number in range(count):
            for share in shares:
                share.send(number.to_bytes(2, "big"))
        port.flush()
        for each in listening:
            with each:
                assert [data for data, _ in packets(each)] == [number.to_bytes(2, "big") for number in range(count)]
        assert port.unsent == 0


def test_what_cannot_be_sent_is_counted() -> None:
    """A packet that the system does not take is counted, and hurts nobody."""
    with open_socket("127.0.0.1") as own:
        port = SharedPort(own)
        share = port.share()
        share.connect(("127.0.0.1", 9))
        share.send(bytes(70_000))
        port.flush()
        assert port.unsent == 1
