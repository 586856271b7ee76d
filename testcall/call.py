"""One placed call, from its INVITE to its BYE."""

import asyncio
import contextlib
import ipaddress
import random
import secrets
import socket
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from testcall import metadata, rtp, sdp
from testcall.dialog import ALLOW, Dialog, response_to
from testcall.endpoint import Endpoint
from testcall.metadata import CallFacts, Dialect, Party
from testcall.scenario import Scenario
from testcall.sip import Request, Response
from testcall.target import Target, parse_target
from testcall.transport import SocketAddress

GOODBYE_SECONDS: Final = 4.0
"""How long the other side may take to answer a BYE."""


class Ending(StrEnum):
    """How a placed call ended; all but the first two are failures."""

    COMPLETED = "completed"
    """Answered, all audio sent, our BYE answered."""
    HUNG_UP = "hung up"
    """Answered, ended by us before the audio was over because we were told to stop, our BYE answered."""
    REFUSED = "refused"
    """A final response of 300 or more."""
    UNANSWERED = "unanswered"
    """No final response in time, or no connection."""
    BAD_ANSWER = "bad answer"
    """A 200 whose SDP does not fit the offer, or takes no audio of one of the legs."""
    CUT_OFF = "cut off"
    """The other side sent the BYE."""
    BYE_UNANSWERED = "bye unanswered"
    CANCELLED = "cancelled"
    """Taken back by us before it was answered."""


@dataclass(slots=True)
class Outcome:
    """What became of one call; times are Unix seconds, None where it did not get that far."""

    scenario: str
    sip_call_id: str
    session_id: str
    sip_session_id: str
    ending: Ending = Ending.UNANSWERED
    detail: str = ""
    """The response's status line, or what went wrong."""
    started_at: float = field(default_factory=time.time)
    answered_at: float | None = None
    audio_at: float | None = None
    """When the first packet was due: add a turn's seconds to know when it is spoken."""
    ended_at: float | None = None
    packets_sent: dict[Party, int] = field(default_factory=dict)
    packets_unsent: int = 0

    @property
    def proper(self) -> bool:
        return self.ending in {Ending.COMPLETED, Ending.HUNG_UP}


class PlacedCall:
    """A call on its way; `run` it once. Its facts and outcome may be read meanwhile."""

    def __init__(
        self,
        scenario: Scenario,
        target: Target,
        endpoint: Endpoint,
        sender: rtp.RtpSender,
        dialect: Dialect,
        number: int = 0,
    ) -> None:
        """`number` tells parallel calls apart: it chooses the caller's number out of 100.

        WavError where the scenario's audio cannot be read.
        """
        agent = scenario.agent_name
        self.scenario = scenario
        self.facts = CallFacts(
            customer_aor=f"sip:+155501{number % 100:02d}@example.com",
            agent_aor=f"sip:{agent.lower() or 'agent'}@example.com",
            agent_name=agent,
        )
        self.call_id = f"{secrets.token_hex(12)}@testcall.example.com"
        self.outcome = Outcome(scenario.name, self.call_id, self.facts.session_id, self.facts.sip_session_id)
        self._target = target
        self._endpoint = endpoint
        self._sender = sender
        self._dialect = dialect
        self._audio = {party: scenario.payloads(party) for party in dialect.legs}
        self._sockets: list[socket.socket] = []
        self._streams: dict[Party, rtp.Stream] = {}
        self._playing = 0
        self._offer = b""
        self._over = asyncio.Event()

    async def run(self) -> Outcome:
        """Places the call and returns when it has ended. Cancelled, it hangs up first."""
        try:
            await self._endpoint.transport.connect()
            await self._ask(self._prepare())
        except (OSError, TimeoutError) as error:
            self._failed(Ending.UNANSWERED, str(error) or "no final response in time")
        finally:
            self._endpoint.detach(self.call_id)
            for stream in self._streams.values():
                self._sender.remove(stream)
            for each in self._sockets:
                each.close()
            self.outcome.ended_at = time.time()
            self.outcome.packets_sent = {party: stream.sent for party, stream in self._streams.items()}
            self.outcome.packets_unsent = sum(stream.unsent for stream in self._streams.values())
        return self.outcome

    def _prepare(self) -> Dialog:
        """Ports, SDP and dialog: all that is settled before anything is sent."""
        transport = self._endpoint.transport
        host, port = transport.local
        parameters = self._dialect.contact_parameters
        dialog = Dialog(
            call_id=self.call_id,
            local_uri=f"sip:recorder@{host}:{port}",
            remote_uri=self._target.uri,
            contact=f"<sip:recorder@{host}:{port};transport={transport.name.lower()}>"
            + (f";{parameters}" if parameters else ""),
            via=f"SIP/2.0/{transport.name} {host}:{port}",
        )
        for _ in self._dialect.legs:
            self._sockets.append(rtp.open_socket(host))
        self._offer = sdp.offer(
            host,
            [
                sdp.OfferedStream(each.getsockname()[1], self._dialect.labels.get(party, ""))
                for party, each in zip(self._dialect.legs, self._sockets, strict=True)
            ],
            session=random.getrandbits(31),
        )
        self._endpoint.attach(self.call_id, lambda request: self._answer(dialog, request))
        return dialog

    async def _ask(self, dialog: Dialog) -> None:
        """The INVITE, and what follows from its answer."""
        described, body = metadata.body(self._dialect, self._offer, self.facts)
        headers = (*self._dialect.headers.items(), ("Allow", ALLOW), *described)
        invite = dialog.request("INVITE", headers, body)
        with self._endpoint.transaction(invite) as invitation:
            try:
                response = await invitation.final()
            except TimeoutError:
                await self._end_if_answered(dialog, invite, await invitation.cancel())
                raise
            except asyncio.CancelledError:
                await self._end_if_answered(dialog, invite, await invitation.cancel())
                self._failed(Ending.CANCELLED, "taken back before the answer")
                raise
        if response.status >= 300:
            self._failed(Ending.REFUSED, f"{response.status} {response.reason}")
            return
        self._acknowledge(dialog, invite, response)
        await self._talk(dialog, response)

    def _acknowledge(self, dialog: Dialog, invite: Request, response: Response) -> None:
        self.outcome.answered_at = time.time()
        self.outcome.detail = f"{response.status} {response.reason}"
        dialog.answered(response)
        self._endpoint.acknowledge(invite, dialog.ack(invite), self._next_hop(dialog))

    async def _end_if_answered(self, dialog: Dialog, invite: Request, response: Response | None) -> None:
        """A 200 that crossed our CANCEL has made a call: it is acknowledged and ended."""
        if response is not None and response.status < 300:
            self._acknowledge(dialog, invite, response)
            await self._hang_up(dialog)

    async def _talk(self, dialog: Dialog, response: Response) -> None:
        """Plays both legs until they are over, the other side hangs up or we are cancelled; then BYE."""
        try:
            problem = self._start_streams(response)
            if problem:
                await self._hang_up(dialog)
                self._failed(Ending.BAD_ANSWER, problem)
                return
            await self._over.wait()
        except asyncio.CancelledError:
            self.outcome.ending = await self._hang_up(dialog) or Ending.HUNG_UP
            raise
        if self.outcome.ending is not Ending.CUT_OFF:
            self.outcome.ending = await self._hang_up(dialog) or Ending.COMPLETED

    def _start_streams(self, response: Response) -> str:
        """Begins to send to the answer's ports; what is wrong with the answer, if anything."""
        try:
            answered = sdp.parse_answer(response.body)
        except sdp.SdpError as error:
            return str(error)
        if len(answered) != len(self._sockets):
            return f"{len(self._sockets)} streams were offered, {len(answered)} answered"
        for party, each, leg in zip(self._dialect.legs, self._sockets, answered, strict=True):
            if not leg.wants_audio or leg.payload_type != rtp.PAYLOAD_TYPE:
                return f"the {party}'s stream was answered {leg.direction}, port {leg.port}, type {leg.payload_type}"
            try:
                each.connect((leg.address, leg.port))
            except OSError as error:
                return f"no way to {leg.address}:{leg.port}: {error.strerror}"
            self._streams[party] = rtp.Stream(self._audio[party], each.send, self._stream_ended)
        self._playing = len(self._streams)
        self._sender.add(list(self._streams.values()))
        self.outcome.audio_at = time.time()
        return ""

    def _stream_ended(self) -> None:
        self._playing -= 1
        if not self._playing:
            self._over.set()

    async def _hang_up(self, dialog: Dialog) -> Ending | None:
        """Sends the BYE; the failure it met, if any."""
        for stream in self._streams.values():
            self._sender.remove(stream)
        with contextlib.suppress(OSError, TimeoutError):
            await self._endpoint.transport.connect()
            with self._endpoint.transaction(dialog.request("BYE"), self._next_hop(dialog)) as goodbye:
                response = await goodbye.final(GOODBYE_SECONDS)
            # 481: the other side has ended the call in the same moment.
            if response.status < 300 or response.status == 481:
                return None
            self.outcome.detail = f"BYE: {response.status} {response.reason}"
        return Ending.BYE_UNANSWERED

    def _next_hop(self, dialog: Dialog) -> SocketAddress:
        """The dialog's next hop where it is an address, else the target: names are resolved for the target alone."""
        with contextlib.suppress(ValueError):
            hop = parse_target(dialog.next_hop)
            ipaddress.IPv4Address(hop.host)
            return hop.host, hop.port
        return self._endpoint.target

    def _answer(self, dialog: Dialog, request: Request) -> Response:
        """The other side's requests within this call."""
        match request.method:
            case "BYE":
                self.outcome.ending = Ending.CUT_OFF
                self.outcome.detail = request.first("Reason") or "the other side sent BYE"
                self._over.set()
                return response_to(request, 200, "OK")
            case "INVITE" | "UPDATE":  # a session refresh: the streams stay as they are
                headers = (("Contact", dialog.contact), ("Content-Type", "application/sdp"))
                return response_to(request, 200, "OK", headers, self._offer)
            case "OPTIONS" | "INFO":
                return response_to(request, 200, "OK", (("Allow", ALLOW),))
            case _:
                return response_to(request, 405, "Method Not Allowed", (("Allow", ALLOW),))

    def _failed(self, ending: Ending, detail: str) -> None:
        self.outcome.ending = ending
        self.outcome.detail = detail
