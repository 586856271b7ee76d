"""Whose packets reach a stream: those of the address that its SDP names, or that was heard first.

RTP says nothing of who sent it, and the library decodes whatever reaches its port. So the kernel is told to drop what
comes from elsewhere, by a filter on the stream's socket (Linux): nothing foreign is ever decoded, and the socket counts
it. Addresses are compared, not ports: many media servers send from another port than they listen on. Whoever can forge
the right address passes; against them there is SRTP.

All of it runs on the library's thread, the only one that opens and closes these sockets.
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
    "RTP packets that a stream's socket dropped: of a foreign source (bridge.rtp_source), or its buffer was full.",
)
UNGUARDED = Counter(
    "callvane_rtp_streams_unguarded_total", "Streams whose source could not be held to one address, though asked to."
)

SO_ATTACH_FILTER, SO_DETACH_FILTER, SO_MEMINFO = 26, 27, 55
"""Of <asm-generic/socket.h>."""
MEMINFO_DROPS = 8
NETWORK_HEADER = 0xFFF00000
"""SKF_NET_OFF: offsets from here on are counted from the IP header."""
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
"""Instructions of the classic BPF: load a word, jump if equal, return so many bytes to keep."""
WHOLE = 0xFFFF
MAX_PROGRAMS = 256
"""Kept, of the media servers that were seen last."""

Address = IPv4Address | IPv6Address


@dataclass(slots=True)
class _Stream:
    descriptor: int
    inode: int
    """Of the socket: the library may close it, and another one have its descriptor."""
    told: Address | None
    """By the SDP."""
    held: Address | None = None
    """What the socket is held to."""
    dropped: int = 0


class RtpSources:
    """One call's streams, by their m-line's place."""

    def __init__(self, mode: Literal["strict", "learn", "off"]) -> None:
        self.mode = mode
        self._streams: dict[int, _Stream] = {}

    def expect(self, index: int, descriptor: int, remote: str) -> None:
        """A stream was negotiated, perhaps anew. `descriptor`: of its socket. `remote`: `address:port` of its SDP."""
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
                    with contextlib.suppress(OSError):  # it had none
                        own.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
        except OSError:
            UNGUARDED.inc()

    def inspect(self, index: int, source: str, dropped: int) -> None:
        """Count what was dropped; learn who sends, where that is to be learnt.

        `source`: of the latest packet. `dropped`: packets that the stream's socket dropped since it was opened.
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
    """The filter that keeps packets of `address` alone: operation, jumps if true and if not, operand."""
    words = struct.unpack(f"!{len(address.packed) // 4}I", address.packed)
    first = 12 if address.version == 4 else 8  # the source's place in the header
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
    """The filter's length and its instructions."""
    code = program(address)
    return len(code), ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in code))


def drops(own: socket.socket) -> int:
    """Packets that a socket has dropped since it was opened, for want of room or by its filter."""
    try:
        values = own.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 4 * (MEMINFO_DROPS + 1))
    except OSError:
        return 0
    return int(struct.unpack(f"{len(values) // 4}I", values)[MEMINFO_DROPS])


@contextlib.contextmanager
def _lent(descriptor: int) -> Iterator[socket.socket]:
    """The socket that the library holds under this descriptor."""
    lent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 0, descriptor)  # any family: else it would be looked up
    try:
        yield lent
    finally:
        lent.detach()


@lru_cache(maxsize=MAX_PROGRAMS)
def _parsed(address: str) -> Address:
    return ip_address(address)


def _address(name: str) -> Address | None:
    """The address in `address:port`; none where it says none, such as 0.0.0.0."""
    try:
        address = _parsed(name.rpartition(":")[0].strip("[]"))
    except ValueError:
        return None
    return None if address.is_unspecified else address
