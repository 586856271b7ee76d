"""Where RTP packets leave: a UDP port of a stream's own, or one that the streams of many calls share.

A shared port sends what its streams have due in one go, one system call for hundreds of packets to as many addresses:
a call a packet costs several times as much as the packet.
"""

import ctypes
import socket
import struct
from typing import Any, Final, Protocol

import numpy as np

BURST_PACKETS: Final = 1024
"""The most that Linux takes in one call."""
ADDRESS_BYTES: Final = 16
"""Of struct sockaddr_in."""


class Port(Protocol):
    """What a stream needs of a UDP socket."""

    def getsockname(self) -> tuple[str, int]:
        """The address and port that the packets come from, which the SDP names."""

    def connect(self, address: tuple[str, int], /) -> None:
        """Where they go from now on; OSError if there is no way."""

    def send(self, packet: bytes, /) -> object:
        """One packet, without blocking; OSError where it could not be sent."""

    def close(self) -> None: ...


class _Piece(ctypes.Structure):
    """struct iovec."""

    _fields_ = (("base", ctypes.c_size_t), ("size", ctypes.c_size_t))


class _Header(ctypes.Structure):
    """struct msghdr."""

    _fields_ = (
        ("name", ctypes.c_size_t),
        ("name_size", ctypes.c_uint32),
        ("pieces", ctypes.c_size_t),
        ("piece_count", ctypes.c_size_t),
        ("control", ctypes.c_size_t),
        ("control_size", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    """struct mmsghdr."""

    _fields_ = (("header", _Header), ("sent", ctypes.c_uint))


class SharedPort:
    """A port of many streams. Belongs to the thread of its sender."""

    def __init__(self, own: socket.socket) -> None:
        self.socket = own
        self.unsent = 0
        """Packets that the system did not take."""
        self._packets: list[bytes] = []
        self._addresses: list[bytes] = []
        self._messages = (_Message * BURST_PACKETS)()
        self._pieces = (_Piece * BURST_PACKETS)()
        self._sendmmsg = ctypes.CDLL(None).sendmmsg
        messages = _as_array(self._messages, _Header)
        messages["name_size"], messages["piece_count"] = ADDRESS_BYTES, 1
        messages["pieces"] = _every(ctypes.addressof(self._pieces), ctypes.sizeof(_Piece))
        self._names, self._places = messages["name"], _as_array(self._pieces, _Piece)

    def share(self) -> Port:
        """The port as one stream sees it."""
        return _Share(self)

    def add(self, packet: bytes, address: bytes) -> None:
        """Let a packet leave with the next burst. `address`: struct sockaddr_in."""
        self._packets.append(packet)
        self._addresses.append(address)

    def flush(self) -> None:
        """Send all that was added."""
        packets, addresses = self._packets, self._addresses
        self._packets, self._addresses = [], []
        for start in range(0, len(packets), BURST_PACKETS):
            self._send(packets[start : start + BURST_PACKETS], addresses[start : start + BURST_PACKETS])

    def close(self) -> None:
        """What waits is not sent."""
        self.socket.close()

    def _send(self, packets: list[bytes], addresses: list[bytes]) -> None:
        count, content, names = len(packets), b"".join(packets), b"".join(addresses)
        sizes = np.fromiter(map(len, packets), np.uintp, count)
        self._places["base"][:count] = _address_of(content) + sizes.cumsum() - sizes
        self._places["size"][:count] = sizes
        self._names[:count] = _every(_address_of(names), ADDRESS_BYTES)[:count]
        sent = self._sendmmsg(self.socket.fileno(), self._messages, count, 0)
        self.unsent += count - max(0, sent)


class _Share:
    """A shared port as one stream sees it."""

    def __init__(self, port: SharedPort) -> None:
        self._port = port
        self._address = b""

    def getsockname(self) -> tuple[str, int]:
        host, number = self._port.socket.getsockname()
        return host, number

    def connect(self, address: tuple[str, int]) -> None:
        host, number = address
        family = struct.pack("=H", socket.AF_INET)
        self._address = family + struct.pack("!H4s8x", number, socket.inet_aton(host))

    def send(self, packet: bytes) -> None:
        self._port.add(packet, self._address)

    def close(self) -> None:
        """Others use the port."""


def _as_array(
    structures: ctypes.Array[Any], fields_of: type[ctypes.Structure]
) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """An array of structures, by the fields of the structure with which each begins."""
    names = [str(field[0]) for field in fields_of._fields_]
    places = [getattr(fields_of, name) for name in names]
    form = np.dtype(
        {
            "names": names,
            "formats": [f"u{place.size}" for place in places],
            "offsets": [place.offset for place in places],
            "itemsize": ctypes.sizeof(structures) // len(structures),
        }
    )
    return np.frombuffer(memoryview(structures).cast("B"), form)


def _every(start: int, step: int) -> np.ndarray[tuple[int], np.dtype[np.uintp]]:
    return start + step * np.arange(BURST_PACKETS, dtype=np.uintp)


def _address_of(data: bytes) -> int:
    return np.frombuffer(data, np.uint8).ctypes.data
