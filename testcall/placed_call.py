"""One placed call, from its INVITE to its BYE."""

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from testcall import rtp
from testcall.dialect import Dialect, Voice
from testcall.digest import Credentials
from testcall.endpoint import Endpoint
from testcall.metadata import CallFacts, fill
from testcall.recorder import Recorder
from testcall.scenario import Scenario
from testcall.sip import Request, Response
from testcall.target import Target

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
    expected_call_id: str
    """Under which id the dialect says that the bridge publishes it."""
    ending: Ending = Ending.UNANSWERED
    detail: str = ""
    """The response's status line, or what went wrong."""
    started_at: float = field(default_factory=time.time)
    answered_at: float | None = None
    audio_at: float | None = None
    """When the first packet was due: add a turn's seconds to know when it is spoken."""
    ended_at: float | None = None
    packets_sent: dict[Voice, int] = field(default_factory=dict)
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
        credentials: Credentials | None = None,
    ) -> None:
        """`number` tells parallel calls apart: it chooses the caller's number out of 100.

        WavError where the scenario's audio cannot be read.
        """
        agent = scenario.agent_name
        self.scenario = scenario
        self.call_id = f"{secrets.token_hex(12)}@testcall.example.com"
        self.facts = CallFacts(
            customer_aor=f"sip:+155501{number % 100:02d}@example.com",
            agent_aor=f"sip:{agent.lower() or 'agent'}@example.com",
            agent_name=agent,
            sip_call_id=self.call_id,
        )
        self.outcome = Outcome(
            scenario.name,
            self.call_id,
            self.facts.session_id,
            self.facts.sip_session_id,
            fill(dialect.expected.call_id, self.facts.fields(dialect)),
        )
        self.answer = b""
        """The SDP of the 200."""
        self._target = target
        self._credentials = credentials
        self._endpoint = endpoint
        self._sender = sender
        self._dialect = dialect
        for voice in dialect.legs:
            scenario.payloads(voice)  # a file that is no audio is found before anything is sent
        self._streams: dict[Voice, rtp.Stream] = {}
        self._playing = 0
        self._over = asyncio.Event()

    async def run(self) -> Outcome:
        """Places the call and returns when it has ended. Cancelled, it hangs up first."""
        try:
            await self._endpoint.transport.connect()
            recorder = Recorder(
                self._endpoint,
                self._sender,
                self._dialect,
                self.facts,
                self._target,
                self._credentials,
                shared_ports=True,
            )
            recorder.hung_up = self._hung_up
            try:
                await self._ask(recorder)
            finally:
                recorder.stop(self._streams.values())
                recorder.close()
        except (OSError, TimeoutError) as error:
            self._failed(Ending.UNANSWERED, str(error) or "no final response in time")
        finally:
            self.outcome.ended_at = time.time()
            self.outcome.packets_sent = {voice: stream.sent for voice, stream in self._streams.items()}
            self.outcome.packets_unsent = sum(stream.unsent for stream in self._streams.values())
        return self.outcome

    async def _ask(self, recorder: Recorder) -> None:
        """The INVITE, and what follows from its answer."""
        invite = recorder.request("INVITE")
        response = await self._invite(recorder, invite)
        if proven := recorder.again(invite, response):
            response = await self._invite(recorder, invite := proven)
        if response.status >= 300:
            self._failed(Ending.REFUSED, f"{response.status} {response.reason}")
            return
        self._acknowledge(recorder, invite, response)
        await self._talk(recorder, response)

    async def _invite(self, recorder: Recorder, invite: Request) -> Response:
        """Its final response; taken back where none comes in time, or where we are to end."""
        with self._endpoint.transaction(invite) as invitation:
            try:
                return await invitation.final()
            except TimeoutError:
                await self._end_if_answered(recorder, invite, await invitation.cancel())
                raise
            except asyncio.CancelledError:
                await self._end_if_answered(recorder, invite, await invitation.cancel())
                self._failed(Ending.CANCELLED, "taken back before the answer")
                raise

    def _acknowledge(self, recorder: Recorder, invite: Request, response: Response) -> None:
        self.outcome.answered_at = time.time()
        self.outcome.detail = f"{response.status} {response.reason}"
        self.answer = response.body
        recorder.acknowledge(invite, response)

    async def _end_if_answered(self, recorder: Recorder, invite: Request, response: Response | None) -> None:
        """A 200 that crossed our CANCEL has made a call: it is acknowledged and ended."""
        if response is not None and response.status < 300:
            self._acknowledge(recorder, invite, response)
            await self._hang_up(recorder)

    async def _talk(self, recorder: Recorder, response: Response) -> None:
        """Plays the legs until they are over, the other side hangs up or we are cancelled; then BYE."""
        try:
            problem = recorder.agree(response) or self._start_streams(recorder)
            if problem:
                await self._hang_up(recorder)
                self._failed(Ending.BAD_ANSWER, problem)
                return
            await self._over.wait()
        except asyncio.CancelledError:
            self.outcome.ending = await self._hang_up(recorder) or Ending.HUNG_UP
            raise
        if self.outcome.ending is not Ending.CUT_OFF:
            self.outcome.ending = await self._hang_up(recorder) or Ending.COMPLETED

    def _start_streams(self, recorder: Recorder) -> str:
        """Begins to send to the answer's ports; why that makes no sense, if it does not."""
        for line in recorder.lines:
            leg = line.answer
            if leg is None or line.codec is None or not leg.wants_audio:
                said = f"{leg.direction}, port {leg.port}, type {leg.payload_type}" if leg else "not at all"
                return f"the {line.voice}'s stream was answered {said}"
            payloads = self.scenario.payloads(line.voice, line.codec)
            self._streams[line.voice] = recorder.stream(line, payloads, self._stream_ended)
        self._playing = len(self._streams)
        self._sender.add(list(self._streams.values()))
        self.outcome.audio_at = time.time()
        return ""

    def _stream_ended(self) -> None:
        self._playing -= 1
        if not self._playing:
            self._over.set()

    async def _hang_up(self, recorder: Recorder) -> Ending | None:
        """Sends the BYE; the failure it met, if any."""
        recorder.stop(self._streams.values())
        try:
            await self._endpoint.transport.connect()
            response = await recorder.hang_up(GOODBYE_SECONDS)
        except (OSError, TimeoutError):
            return Ending.BYE_UNANSWERED
        # 481: the other side has ended the call in the same moment.
        if response.status < 300 or response.status == 481:
            return None
        self.outcome.detail = f"BYE: {response.status} {response.reason}"
        return Ending.BYE_UNANSWERED

    def _hung_up(self, goodbye: Request) -> None:
        self.outcome.ending = Ending.CUT_OFF
        self.outcome.detail = goodbye.first("Reason") or "the other side sent BYE"
        self._over.set()

    def _failed(self, ending: Ending, detail: str) -> None:
        self.outcome.ending = ending
        self.outcome.detail = detail
