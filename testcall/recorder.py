"""A recording session as the one who records holds it (RFC 7866 section 6): its dialog, its streams, their changes.

Between the endpoint, which carries messages, and whoever decides what the call does: `call`, which plays a scenario, or
a test, which steers it. What a request says is how the session stands: change the lines, then ask.
"""

import asyncio
import contextlib
import ipaddress
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from testcall import codec, digest, metadata, rtp, sdp
from testcall.codec import Codec
from testcall.dialect import Dialect, Voice
from testcall.dialog import ALLOW, Dialog, response_to
from testcall.digest import Credentials
from testcall.endpoint import Endpoint
from testcall.metadata import CallFacts, fill
from testcall.rtp_port import Port
from testcall.sip import Headers, Request, Response
from testcall.target import Target, parse_target
from testcall.transport import SocketAddress

ANSWER_SECONDS: Final = 10.0
"""How long the other side may take for a change of a call that is up."""


@dataclass(slots=True, eq=False)
class Line:
    """One m-line, and the RTP stream that it describes."""

    voice: Voice
    label: str
    socket: Port
    codecs: tuple[str, ...]
    direction: str = ""
    """Empty is the dialect's; `inactive` is a pause."""
    ended: bool = False
    """Its port is 0 from the next offer on."""
    answer: sdp.AnsweredStream | None = None
    """What the other side said last."""
    ssrc: int = field(default_factory=lambda: random.getrandbits(32))
    sequence: int = field(default_factory=lambda: random.getrandbits(16))
    begun: float = field(default_factory=time.monotonic)
    """When its timestamps were 0."""

    @property
    def codec(self) -> Codec | None:
        """What was agreed on; None if nothing was, or nothing that can be spoken here."""
        return codec.chosen(self.answer.payload_type, self.codecs) if self.answer else None

    @property
    def offered(self) -> sdp.OfferedStream:
        port = 0 if self.ended else self.socket.getsockname()[1]
        return sdp.OfferedStream(port, self.label, self.direction, self.codecs)


class Recorder:
    """One recording session. Its lines and facts may be changed at any time, and count from the next request on."""

    def __init__(
        self,
        endpoint: Endpoint,
        sender: rtp.RtpSender,
        dialect: Dialect,
        facts: CallFacts,
        target: Target,
        credentials: Credentials | None = None,
        *,
        shared_ports: bool = False,
    ) -> None:
        """`endpoint` is connected; `facts` have the dialog's Call-ID. `credentials` answer a challenge.

        `shared_ports`: packets leave from ports of the sender's, which other calls use too.
        """
        self._credentials = credentials
        self.dialect = dialect
        self.facts = facts
        self.endpoint = endpoint
        self.received: list[Request] = []
        """The other side's requests within the dialog."""
        self.hung_up: Callable[[Request], object] = lambda _: None
        """Called with the other side's BYE."""
        self._sender = sender
        self._shared_ports = shared_ports
        self._session = random.getrandbits(31)
        self._version = -1
        self._offer = b""
        local_uri = fill(dialect.from_uri, self._place)
        self.dialog = Dialog(facts.sip_call_id, local_uri, target.uri, self._contact, self._via)
        self.lines: list[Line] = []
        for voice in dialect.legs:
            self.add_line(voice, dialect.labels.get(voice, ""))
        endpoint.attach(facts.sip_call_id, self._answer)

    def add_line(self, voice: Voice, label: str = "") -> Line:
        """Another m-line."""
        shared = self._shared_ports
        port = self._sender.share(self._host, len(self.lines)) if shared else rtp.open_socket(self._host)
        line = Line(voice, label, port, self.dialect.sdp.codecs)
        self.lines.append(line)
        return line

    def offer(self) -> bytes:
        """The session as it stands; each is one version on (RFC 3264 section 8)."""
        self._version += 1
        self._offer = sdp.offer(
            self._host,
            [line.offered for line in self.lines],
            session=self._session,
            version=self._version,
            form=self.dialect.sdp,
        )
        return self._offer

    def request(self, method: str, headers: Headers = (), without: tuple[str, ...] = ()) -> Request:
        """An INVITE or UPDATE with the body's parts, but for those left out by name; without all, no body."""
        first = not self.dialog.remote_tag
        if (first and self.dialect.late_offer) or set(self.dialect.body) <= set(without):
            return self.dialog.request(method, (*self._headers, *headers))
        # An offer is only made where it is sent: its version counts.
        described, body = metadata.body(self.dialect, b"" if "sdp" in without else self.offer(), self.facts, without)
        return self.dialog.request(method, (*self._headers, *headers, *described), body)

    def again(
        self, request: Request, response: Response, headers: Headers = (), without: tuple[str, ...] = ()
    ) -> Request | None:
        """The same request with what the response has challenged us for; None if it has not, or we know no answer."""
        credentials = self._credentials
        if credentials is None or not (challenge := digest.challenge_of(response, credentials)):
            return None
        proof = digest.authorization(challenge, request.method, request.uri, credentials)
        return self.request(request.method, (*headers, proof), without)

    def acknowledge(self, invite: Request, response: Response) -> None:
        """The ACK of a 2xx; with our side of the session where the INVITE had left the offer to the other side."""
        self.dialog.answered(response)
        described: Headers = ()
        answer = b""
        if not invite.body and response.body:
            described, answer = (("Content-Type", "application/sdp"),), self.offer()
        self.endpoint.acknowledge(invite, self.dialog.ack(invite, described, answer), self.next_hop)

    def agree(self, response: Response) -> str:
        """Take the answer in a 2xx: where the packets go. What is wrong with it, if anything."""
        try:
            answered = sdp.parse_answer(response.body)
        except sdp.SdpError as error:
            return str(error)
        if len(answered) != len(self.lines):
            return f"{len(self.lines)} streams were offered, {len(answered)} answered"
        for line, answer in zip(self.lines, answered, strict=True):
            line.answer = answer
            if answer.port:
                try:
                    line.socket.connect((answer.address, answer.port))
                except OSError as error:
                    return f"no way to {answer.address}:{answer.port}: {error.strerror}"
        return ""

    async def ask(self, method: str = "INVITE", *headers: tuple[str, str], without: tuple[str, ...] = ()) -> Response:
        """Send an INVITE or UPDATE that says how the session stands; its final response, acknowledged and agreed to.

        TimeoutError if none comes; ValueError where the answer does not fit the offer.
        """
        request = self.request(method, headers, without)
        with self.endpoint.transaction(request, self.next_hop) as transaction:
            response = await transaction.final(ANSWER_SECONDS)
        if proven := self.again(request, response, headers, without):
            request = proven
            with self.endpoint.transaction(request, self.next_hop) as transaction:
                response = await transaction.final(ANSWER_SECONDS)
        if response.status < 300:
            if method == "INVITE":
                self.acknowledge(request, response)
            if response.body and (problem := self.agree(response)):
                raise ValueError(problem)
        return response

    async def hang_up(self, timeout_seconds: float = ANSWER_SECONDS) -> Response:
        """Send the BYE; its response. TimeoutError if none comes."""
        with self.endpoint.transaction(self.dialog.request("BYE"), self.next_hop) as goodbye:
            return await goodbye.final(timeout_seconds)

    def stream(self, line: Line, payloads: Sequence[bytes], ended: Callable[[], object]) -> rtp.Stream:
        """The line's next packets, in its agreed codec; source, numbers and timestamps go on from the last ones."""
        spoken_in = line.codec or codec.PCMU
        first, line.sequence = line.sequence, line.sequence + len(payloads)
        return rtp.Stream(
            payloads,
            line.socket.send,
            ended,
            payload_type=line.answer.payload_type if line.answer else rtp.PAYLOAD_TYPE,
            timestamp_step=spoken_in.timestamp_step,
            ssrc=line.ssrc,
            first_sequence=first,
            first_timestamp=int((time.monotonic() - line.begun) * spoken_in.clock_hz),
        )

    async def play(self, spoken: Mapping[Line, Sequence[bytes]]) -> None:
        """Send packets of µ-law on these lines together, each in its agreed codec, until the last has had its time.

        Not until all are sent: a sender that was held up leaves some out.
        """
        ends = [asyncio.Event() for _ in spoken]
        streams = [
            self.stream(line, codec.encode(line.codec or codec.PCMU, payloads), end.set)
            for (line, payloads), end in zip(spoken.items(), ends, strict=True)
        ]
        self._sender.add(streams)
        try:
            for end in ends:
                await end.wait()
        finally:
            self.stop(streams)

    async def move(self, endpoint: Endpoint) -> None:
        """Go on from another endpoint, which is connected, and other RTP ports: a standby has taken over."""
        self.endpoint.detach(self.facts.sip_call_id)
        self.endpoint = endpoint
        endpoint.attach(self.facts.sip_call_id, self._answer)
        self.dialog.contact, self.dialog.via = self._contact, self._via
        for line in self.lines:
            line.socket.close()
            line.socket = rtp.open_socket(self._host)
            line.ssrc = random.getrandbits(32)

    def close(self) -> None:
        """Let go of the ports; no request finds the session any more."""
        self.endpoint.detach(self.facts.sip_call_id)
        for line in self.lines:
            line.socket.close()

    def stop(self, streams: Iterable[rtp.Stream]) -> None:
        """Send no more of these."""
        for stream in streams:
            self._sender.remove(stream)

    @property
    def next_hop(self) -> SocketAddress:
        """The dialog's next hop where it is an address, else the target: names are resolved for the target alone."""
        with contextlib.suppress(ValueError):
            hop = parse_target(self.dialog.next_hop)
            ipaddress.IPv4Address(hop.host)
            return hop.host, hop.port
        return self.endpoint.target

    @property
    def _host(self) -> str:
        return self.endpoint.transport.local[0]

    @property
    def _place(self) -> dict[str, str]:
        host, port = self.endpoint.transport.local
        here = {"host": host, "here": f"{host}:{port}", "transport": self.endpoint.transport.name.lower()}
        return self.facts.fields(self.dialect) | here

    @property
    def _contact(self) -> str:
        return fill(self.dialect.contact, self._place)

    @property
    def _via(self) -> str:
        return f"SIP/2.0/{self.endpoint.transport.name} {self._place['here']}"

    @property
    def _headers(self) -> Headers:
        lines = [fill(line, self._place).partition(":") for line in self.dialect.headers]
        return (*((name, value.strip()) for name, _, value in lines), ("Allow", ALLOW))

    def _answer(self, request: Request) -> Response:
        """The other side's requests within this session."""
        self.received.append(request)
        match request.method:
            case "BYE":
                self.hung_up(request)
                return response_to(request, 200, "OK")
            case "INVITE" | "UPDATE":  # a session refresh: the streams stay as they are
                headers = (("Contact", self.dialog.contact), ("Content-Type", "application/sdp"))
                return response_to(request, 200, "OK", headers, self._offer)
            case "OPTIONS" | "INFO":
                return response_to(request, 200, "OK", (("Allow", ALLOW),))
            case _:
                return response_to(request, 405, "Method Not Allowed", (("Allow", ALLOW),))
