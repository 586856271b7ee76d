"""Whose packets reach a stream: those from the address in its SDP, or from the first address heard.

RTP does not authenticate its sender, and the library decodes whatever reaches its port. A filter on the stream's socket
(Linux) therefore makes the kernel drop packets from elsewhere: they are never decoded, and the socket counts them.
Addresses are compared, not ports, because many media servers send from another port than they listen on. A sender that
forges the right address passes; use SRTP against that.

Everything here runs on the library's thread, the only one that opens and closes these sockets.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal

from prometheus_client import Counter

FOREIGN = Counter(
    "callvane_rtp_foreign_packets_total",
    "RTP packets dropped by a stream's socket: from a foreign source (bridge.rtp_source), or because of a full buffer.",
)
UNGUARDED = Counter(
    "callvane_rtp_streams_unguarded_total", "Streams whose source filter (bridge.rtp_source) could not be installed."
)

SO_ATTACH_FILTER, SO_DETACH_FILTER, SO_MEMINFO = 26, 27, 55
"""From <asm-generic/socket.h>."""
MEMINFO_DROPS = 8
NETWORK_HEADER = 0xFFF00000
"""SKF_NET_OFF: offsets above this are relative to the IP header."""
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
"""Classic BPF instructions: load a word, jump if equal, return the number of bytes to keep."""
WHOLE = 0xFFFF
MAX_PROGRAMS = 256
"""Cached filters: those of the media servers seen last."""

Address = IPv4Address | IPv6Address


@dataclass(slots=True)
class _Stream:
    descriptor: int
    inode: int
    """The socket's inode: the library may close the socket and another one get its descriptor."""
    told: Address | None
    """The address in the SDP."""
    held: Address | None = None
    """The address the socket is restricted to."""
    dropped: int = 0


class RtpSources:
    """The RTP sources of one dialog's streams, by m-line index."""

    def __init__(self, mode: Literal["strict", "learn", "off"]) -> None:
        self.mode = mode
        self._streams: dict[int, _Stream] = {}

    def expect(self, index: int, descriptor: int, remote: str) -> None:
        """A stream was negotiated or renegotiated. `descriptor`: its socket's. `remote`: `address:port` in its SDP."""
        told, known = _address(remote), self._streams.get(index)
        try:
            inode = os.fstat(descriptor).st_ino
            if known and (known.descriptor, known.inode, known.told) == (descriptor, inode, told):
                return
            with _lent(descriptor) as own:
                stream = self._streams[index] = _Stream(descriptor, inode, told, dropped=drops(own))
                if self.mode == "strict" and told:
                    self._hold(stream, own, told)
                elif known:
                    with contextlib.suppress(OSError):  # it had no filter
                        own.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
        except OSError:
            UNGUARDED.inc()

    def inspect(self, index: int, source: str, dropped: int) -> None:
        """Count dropped packets. If the source is not known yet, learn it from the latest packet.

        `source`: `address:port` of the latest packet. `dropped`: packets that the socket dropped since it was opened.
        """
        stream = self._streams.get(index)
        if stream is None:
            return
        if dropped > stream.dropped:
            FOREIGN.inc(dropped - stream.dropped)
            stream.dropped = dropped
        if stream.held is None and (heard := _address(source)):
            with contextlib.suppress(OSError), _lent(stream.descriptor) as own:
                if os.fstat(stream.descriptor).st_ino == stream.inode:
                    self._hold(stream, own, heard)

    def _hold(self, stream: _Stream, own: socket.socket, address: Address) -> None:
        try:
            _attach(own, address)
        except OSError:
            UNGUARDED.inc()
        stream.held = address


def program(address: Address) -> list[tuple[int, int, int, int]]:
    """The filter that keeps only packets from `address`, as (operation, jump if true, jump if false, operand)."""
    words = struct.unpack(f"!{len(address.packed) // 4}I", address.packed)
    first = 12 if address.version == 4 else 8  # offset of the source address in the header
    code = []
    for place, word in enumerate(words):
        code.append((LOAD, 0, 0, NETWORK_HEADER + first + 4 * place))
        code.append((EQUAL, 0, 2 * (len(words) - place) - 1, word))
    return [*code, (RETURN, 0, 0, WHOLE), (RETURN, 0, 0, 0)]


def _attach(own: socket.socket, address: Address) -> None:
    count, instructions = _compiled(address)
    own.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", count, ctypes.addressof(instructions)))


@lru_cache(maxsize=MAX_PROGRAMS)
def _compiled(address: Address) -> tuple[int, ctypes.Array[ctypes.c_char]]:
    """The filter's number of instructions and their encoding."""
    code = program(address)
    return len(code), ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in code))


def drops(own: socket.socket) -> int:
    """Packets a socket has dropped since it was opened, because of its filter or a full buffer."""
    try:
        values = own.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 4 * (MEMINFO_DROPS + 1))
    except OSError:
        return 0
    return int(struct.unpack(f"{len(values) // 4}I", values)[MEMINFO_DROPS])


@contextlib.contextmanager
def _lent(descriptor: int) -> Iterator[socket.socket]:
    """Borrow the library's socket with this descriptor."""
    lent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 0, descriptor)  # any family avoids a lookup
    try:
        yield lent
    finally:
        lent.detach()


@lru_cache(maxsize=MAX_PROGRAMS)
def _parsed(address: str) -> Address:
    return ip_address(address)


def _address(name: str) -> Address | None:
    """The address in `address:port`; None if there is none, or if it is unspecified, such as 0.0.0.0."""
    try:
        address = _parsed(name.rpartition(":")[0].strip("[]"))
    except ValueError:
        return None
    return None if address.is_unspecified else address
