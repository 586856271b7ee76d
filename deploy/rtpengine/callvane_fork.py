#!/usr/bin/env python3
"""Forks calls whose media passes rtpengine to Callvane: subscribes to both parties' streams, places one SIPREC call.

    python3 callvane_fork.py --rtpengine 127.0.0.1:2223 --bridge 10.0.0.5:5060 --listen 127.0.0.1:2230

Python 3.11 alone, no packages. Kamailio (or whatever steers rtpengine) tells it by datagrams, fields on lines of their
own: `start`, the Call-ID, the caller's tag, the callee's tag; and `stop`, the Call-ID. See README.md.
Nothing here is in the way of a call: what fails is said in the log, and that call is not listened to.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import logging
import os
import re
import secrets
from collections.abc import Sequence
from typing import Any, cast
from xml.sax.saxutils import quoteattr

REPLY_SECONDS = 3.0
LONGEST_CALL_SECONDS = 4 * 3600.0
MAX_CALLS = 2_000
"""Calls at a time; the next ones are not forked, and the log says so."""

Value = Any
"""What the ng protocol carries: numbers, strings, lists and dictionaries of them."""
Address = tuple[str, int]

log = logging.getLogger("callvane_fork")


def bencode(value: Value) -> bytes:
    """The wire form of rtpengine's ng protocol."""
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    if isinstance(value, dict):
        return b"d" + b"".join(bencode(key) + bencode(each) for key, each in value.items()) + b"e"
    data = str(value).encode()
    return b"%d:%s" % (len(data), data)


def bdecode(data: bytes, at: int = 0) -> tuple[Value, int]:
    """The value that starts at `at`, and where it ends. ValueError if there is none."""
    kind = data[at : at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1 : end]), end + 1
    if kind in (b"l", b"d"):
        found: list[Value] = []
        at += 1
        while data[at : at + 1] != b"e":
            value, at = bdecode(data, at)
            found.append(value)
        if kind == b"l":
            return found, at + 1
        return dict(zip(found[::2], found[1::2], strict=True)), at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    return data[colon + 1 : end].decode(errors="replace"), end


class Rtpengine(asyncio.DatagramProtocol):
    """Asks rtpengine."""

    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport | None = None
        self._numbers = itertools.count()
        self._waiting: dict[bytes, asyncio.Future[dict[str, Value]]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is there."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        """A reply."""
        cookie, _, body = data.partition(b" ")
        waiting = self._waiting.get(cookie)
        if waiting and not waiting.done():
            reply, _ = bdecode(body)
            waiting.set_result(reply if isinstance(reply, dict) else {})

    async def ask(self, command: str, **keys: Value) -> dict[str, Value]:
        """The reply to a command. OSError or TimeoutError where there is none or it is an error."""
        if self._transport is None:
            raise OSError("rtpengine is not asked yet")
        cookie = b"%d_%d" % (os.getpid(), next(self._numbers))
        message: dict[str, Value] = {"command": command} | {key.replace("_", "-"): each for key, each in keys.items()}
        self._waiting[cookie] = asyncio.get_running_loop().create_future()
        try:
            self._transport.sendto(cookie + b" " + bencode(message))
            async with asyncio.timeout(REPLY_SECONDS):
                reply = await self._waiting[cookie]
        finally:
            del self._waiting[cookie]
        if reply.get("result") not in ("ok", "pong"):
            raise OSError(f"rtpengine refuses {command!r}: {reply.get('error-reason', reply)}")
        return reply


def metadata(call_id: str, labels: Sequence[str]) -> str:
    """Recording metadata (RFC 7865): who sends which stream; the caller first. Without anybody's number."""
    parties = "".join(
        f'<participant participant_id="{name}"><nameID aor="sip:{name}@rtpengine.invalid"/></participant>'
        f'<stream stream_id="stream-{name}" session_id={quoteattr(call_id)}><label>{label}</label></stream>'
        f'<participantstreamassoc participant_id="{name}"><send>stream-{name}</send></participantstreamassoc>'
        for name, label in zip(("caller", "callee"), labels, strict=True)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><recording xmlns="urn:ietf:params:xml:ns:recording:1">'
        f"<datamode>complete</datamode><session session_id={quoteattr(call_id)}/>{parties}</recording>"
    )


class Dialog:
    """One recording dialog over a TCP connection of its own (RFC 3261, RFC 7866)."""

    def __init__(self, bridge: Address, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._uri = f"sip:callvane@{bridge[0]}:{bridge[1]};transport=tcp"
        host, port = writer.get_extra_info("sockname")[:2]
        self._local = f"{host}:{port}"
        self._call_id, self._tag, self._to = secrets.token_hex(12), secrets.token_hex(6), f"<{self._uri}>"
        self._target, self._routes, self._sequence, self._branch = self._uri, "", 0, ""

    async def invite(self, sdp: str, recording: str) -> str:
        """The SDP of the bridge's answer, not acknowledged yet. OSError if it refuses."""
        body = (
            f"--callvane\r\nContent-Type: application/sdp\r\n\r\n{sdp}\r\n--callvane\r\n"
            "Content-Type: application/rs-metadata+xml\r\nContent-Disposition: recording-session\r\n\r\n"
            f"{recording}\r\n--callvane--\r\n"
        )
        self._send("INVITE", 'Require: siprec\r\nContent-Type: multipart/mixed;boundary="callvane"\r\n', body)
        while True:
            start, headers, content = await self.receive()
            if re.match(r"SIP/2.0 [2-6]", start):
                break
        self._to = header(headers, "To") or self._to
        if not start.startswith("SIP/2.0 2"):
            self._send("ACK", branch=self._branch)  # part of the INVITE's transaction
            raise OSError(f"the bridge refuses: {start.removeprefix('SIP/2.0 ')}")
        contact = re.search(r"<([^>]+)>", header(headers, "Contact"))
        self._target = contact[1] if contact else self._uri
        routes = re.findall(r"(?im)^record-route[ \t]*:[ \t]*(.+?)\r?$", headers)
        self._routes = "".join(f"Route: {route}\r\n" for route in reversed(routes))
        return content

    def acknowledge(self) -> None:
        """ACK: the streams begin."""
        self._send("ACK")

    def end(self) -> None:
        """BYE."""
        self._send("BYE")

    async def receive(self) -> tuple[str, str, str]:
        """Start line, headers and body of the next message; what the bridge asks is answered. OSError at the end."""
        try:
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode(errors="replace").lstrip()
            length = re.search(r"(?im)^(?:content-length|l)[ \t]*:[ \t]*(\d+)", head)
            body = (await self._reader.readexactly(int(length[1]))).decode() if length else ""
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise OSError(f"the bridge's connection ended: {error}") from None
        start, _, headers = head.partition("\r\n")
        if not start.startswith("SIP/2.0") and not start.startswith("ACK"):
            kept = re.findall(r"(?im)^(?:via|from|to|call-id|cseq|[vfti])[ \t]*:.+\r\n", headers)
            self._writer.write(f"SIP/2.0 200 OK\r\n{''.join(kept)}Content-Length: 0\r\n\r\n".encode())
        return start, headers, body

    def _send(self, method: str, headers: str = "", body: str = "", branch: str = "") -> None:
        self._sequence += method != "ACK"
        self._branch = branch or f"z9hG4bK{secrets.token_hex(8)}"
        self._writer.write(
            (
                f"{method} {self._target} SIP/2.0\r\n"
                f"Via: SIP/2.0/TCP {self._local};branch={self._branch};rport\r\n"
                f"Max-Forwards: 70\r\n{self._routes}"
                f"From: <sip:rtpengine@{self._local}>;tag={self._tag}\r\nTo: {self._to}\r\n"
                f"Call-ID: {self._call_id}\r\nCSeq: {self._sequence} {method}\r\n"
                f"Contact: <sip:rtpengine@{self._local};transport=tcp>;+sip.src\r\n"
                f"{headers}Content-Length: {len(body.encode())}\r\n\r\n{body}"
            ).encode()
        )


def header(headers: str, name: str) -> str:
    """The first header of a name."""
    found = re.search(rf"(?im)^{name}[ \t]*:[ \t]*(.+?)\r?$", headers)
    return found[1] if found else ""


class Forks(asyncio.DatagramProtocol):
    """The calls that are forked at the moment, by their Call-ID."""

    def __init__(self, rtpengine: Rtpengine, bridge: Address) -> None:
        self._rtpengine = rtpengine
        self._bridge = bridge
        self._running: dict[str, asyncio.Task[None]] = {}

    def datagram_received(self, data: bytes, addr: object) -> None:
        """`start` or `stop`."""
        match data.decode(errors="replace").strip().split("\n"):
            case ["start", call_id, caller, callee] if call_id not in self._running and len(self._running) < MAX_CALLS:
                task = asyncio.create_task(self._fork(call_id, caller, callee))
                self._running[call_id] = task
                task.add_done_callback(lambda _: self._running.pop(call_id, None))
            case ["stop", call_id]:
                if call_id in self._running:
                    self._running[call_id].cancel()
            case _:
                log.warning("ignored: %.60r", data)

    async def _fork(self, call_id: str, caller: str, callee: str) -> None:
        try:
            async with asyncio.timeout(LONGEST_CALL_SECONDS):
                await self._hold(call_id, [caller, callee])
        except (OSError, TimeoutError, ValueError, KeyError) as error:
            log.warning("%s: not forked any more: %s", call_id, error)

    async def _hold(self, call_id: str, tags: list[str]) -> None:
        offer = await self._rtpengine.ask("subscribe request", call_id=call_id, from_tags=tags, flags=["SIPREC"])
        writer = None
        try:
            labels = {each["tag"]: each["medias"][0]["label"] for each in offer["tag-medias"]}
            async with asyncio.timeout(REPLY_SECONDS):
                reader, writer = await asyncio.open_connection(*self._bridge)
            dialog = Dialog(self._bridge, reader, writer)
            answer = await dialog.invite(str(offer["sdp"]), metadata(call_id, [labels[tag] for tag in tags]))
            try:
                await self._rtpengine.ask("subscribe answer", call_id=call_id, to_tag=offer["to-tag"], sdp=answer)
                dialog.acknowledge()
                log.info("%s: forked", call_id)
                while not (await dialog.receive())[0].startswith("BYE"):
                    pass
            except asyncio.CancelledError:
                dialog.end()
                await writer.drain()
                raise
        finally:
            if writer:
                writer.close()
            with contextlib.suppress(OSError, TimeoutError):  # it may have forgotten the call with its end
                await self._rtpengine.ask("unsubscribe", call_id=call_id, to_tag=offer["to-tag"])


def address(text: str) -> Address:
    """HOST:PORT."""
    host, _, port = text.rpartition(":")
    return host, int(port)


async def main() -> None:
    """Run until killed."""
    parser = argparse.ArgumentParser(description="Forks calls whose media passes rtpengine to Callvane.")
    for name in ("rtpengine", "bridge", "listen"):
        parser.add_argument(f"--{name}", type=address, required=True, metavar="HOST:PORT")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    loop = asyncio.get_running_loop()
    _, rtpengine = await loop.create_datagram_endpoint(Rtpengine, remote_addr=options.rtpengine)
    await loop.create_datagram_endpoint(lambda: Forks(rtpengine, options.bridge), local_addr=options.listen)
    log.info("waiting for calls on %s:%d", *options.listen)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
