"""SIP and RTP: answers forks, hands their audio to the legs. The only file that knows pjsua2.

One thread owns the library: it polls it, drains a queue of commands and runs every callback but one. That one,
`onFrameReceived`, runs on the clock thread of the library's conference bridge and under its locks: it copies, enqueues
and returns. No other thread of the process ever calls into the library.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import pjsua2 as pj

from callbus import Role
from service.settings import ConfigError
from sip_bridge import invite, joining, outcome
from sip_bridge.call import Call, CallIds
from sip_bridge.invite import Invite, OfferedLeg
from sip_bridge.joining import JoinedCall, Naming
from sip_bridge.leg import Leg
from sip_bridge.listener import Listener
from sip_bridge.outcome import Ending, Refusal
from sip_bridge.roles import AgentRules
from sip_bridge.settings import BridgeSettings
from sip_bridge.stream_health import StreamHealth

POLL_SECONDS = 0.02
"""How long the library is given at a time: a command waits at most this long."""
INSPECTION_SECONDS = 2.0
"""Between two looks at a stream's statistics."""
BLOCK_MICROSECONDS = 100_000
"""Ten callbacks a second and leg instead of fifty: each costs a hold of the GIL."""
SPARE_CALLS = 32
"""Library calls above max_calls, for those being refused or ending: above them it answers 486 by itself."""
OVERLOAD_SECONDS = 1.0
"""A listening round this long means that audio is about to be shed: no new forks."""
OPENING_SECONDS = 15.0
ADDRESS_IN_USE = 120098
LINES_KEPT = 32

log = logging.getLogger(__name__)


class Endpoint:
    """Start it, stop it. `drain` and `stop` may be called from any thread."""

    def __init__(self, settings: BridgeSettings, listener: Listener) -> None:
        self.settings = settings
        self.listener = listener
        self.bridge_id = settings.name
        self.dialogs: dict[int, _Dialog] = {}
        """Strong references: Python's collector must never end a call. By the library's call number."""
        self.joined: dict[str, JoinedCall] = {}
        """Open calls of plain forks that name their call, by that name."""
        self.draining = False
        self.call_ids = CallIds()
        self.rules = AgentRules(settings.agent_uri_patterns, settings.agent_extensions, settings.agent_side)
        self._commands: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._running = True
        self._ended: list[_Dialog] = []
        self._opened: Future[int] = Future()
        self.ended: Future[None] = Future()
        """Done when the thread has ended; with the fault, where one ended it."""
        self.turned_at = time.monotonic()
        """When the library last gave the thread back; long ago means that it hangs."""
        self._thread = Thread(target=self._run, name="sip", daemon=True)

    def start(self) -> int:
        """Listen; the SIP port. ConfigError if that cannot be done with these settings."""
        self._thread.start()
        return self._opened.result(OPENING_SECONDS)

    def drain(self) -> None:
        """Refuse new forks from now on."""
        self._commands.put(self._drain)

    def stop(self, timeout_seconds: float) -> bool:
        """Hang up all calls and close the library; false when that took too long (the thread is left behind)."""
        self._commands.put(self._stop)
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    # From here on everything runs on the library's thread.

    def _run(self) -> None:
        try:
            library = _Library()
            account = self._open(library)
        except Exception as error:
            self._opened.set_exception(error)
            return
        try:
            self._serve(library)
            self._close(library, account)
        except Exception as error:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(None)

    def _serve(self, library: _Library) -> None:
        due = time.monotonic()
        while self._running:
            self._turn(library)
            self.turned_at = now = time.monotonic()
            if now >= due:
                due = now + INSPECTION_SECONDS
                for dialog in list(self.dialogs.values()):
                    dialog.inspect(now)
                library.report()

    def _turn(self, library: _Library) -> None:
        library.libHandleEvents(round(POLL_SECONDS * 1000))
        self._ended.clear()  # a call object may not go within its own callback
        while True:
            try:
                command = self._commands.get_nowait()
            except Empty:
                return
            command()

    def _drain(self) -> None:
        self.draining = True

    def _stop(self) -> None:
        self._running = False

    def _open(self, library: _Library) -> _Account:
        settings = self.settings
        library.libCreate()
        library.libInit(_library_config(settings, library))
        port = settings.port
        for transport in sorted(settings.transports):  # TCP first: the port that it was given is then asked of UDP
            port = self._listen(library, transport, port)
        library.libStart()
        library.audDevManager().setNullDev()
        account = _Account(self)
        account.create(_account_config(settings))
        if not settings.bridge_id:
            self.bridge_id = settings.model_copy(update={"port": port}).name
        self._opened.set_result(port)
        return account

    def _listen(self, library: _Library, transport: str, port: int) -> int:
        config = _address(self.settings)
        config.port = port
        kind = {"udp": pj.PJSIP_TRANSPORT_UDP, "tcp": pj.PJSIP_TRANSPORT_TCP}[transport]
        try:
            identity = library.transportCreate(kind, config)
        except pj.Error as error:
            cause = "is taken" if error.status == ADDRESS_IN_USE else f"cannot be used: {error.reason}"
            raise ConfigError(f"bridge.port: {transport} {self.settings.host}:{port} {cause}") from None
        return int(library.transportGetInfo(identity).localName.rpartition(":")[2])

    def _close(self, library: _Library, account: _Account) -> None:
        self.draining = True
        deadline = time.monotonic() + self.settings.shutdown_seconds
        for dialog in list(self.dialogs.values()):
            dialog.end(Ending.SHUTDOWN)
        while self.dialogs and time.monotonic() < deadline:
            self._turn(library)
        for dialog in list(self.dialogs.values()):
            dialog.over(Ending.SHUTDOWN)
        self._ended.clear()
        account.shutdown()
        del account
        library.libDestroy(pj.PJSUA_DESTROY_NO_NETWORK)  # all has been said; it would wait a second for more

    def admit(self, naming: Naming, streams: int) -> Refusal | None:
        """Why no new fork is taken at this moment. Half a call is no use: what joins one that we have is taken."""
        if self.listener.round_seconds > OVERLOAD_SECONDS:
            return Refusal.OVERLOADED
        if joined := self.joined.get(naming.call_id):
            return None if joined.has_room(naming.role or Role.UNKNOWN, streams) else Refusal.LEGS
        if self.draining:
            return Refusal.DRAINING
        if sum(dialog.call is not None for dialog in self.dialogs.values()) >= self.settings.max_calls:
            return Refusal.CAPACITY
        return None

    def forget(self, dialog: _Dialog) -> None:
        """Let go of an ended dialog, once its callback has returned."""
        self.dialogs.pop(dialog.number, None)
        self._ended.append(dialog)


class _Library(pj.Endpoint):  # type: ignore[misc] # pjsua2 ships no types
    """pjsua2's endpoint, with what it says about itself."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=LINES_KEPT)

    def onRejectedIncomingCall(self, prm: Any) -> None:
        """The library refused an INVITE before we saw it."""
        outcome.refused_by_library(prm.statusCode)

    def report(self) -> None:
        """Log the library's errors, a few at a time. Their first lines only: below may stand a caller's number."""
        if self.lines:
            lines, count = [*self.lines][:3], len(self.lines)
            self.lines.clear()
            log.warning("pjsua2 (%d lines): %s", count, " | ".join(lines))


class _LogWriter(pj.LogWriter):  # type: ignore[misc]
    """Keeps what the library logs; runs on any of its threads, under its locks."""

    def __init__(self, lines: deque[str]) -> None:
        super().__init__()
        self._lines = lines

    def write(self, entry: Any) -> None:
        """Take one entry."""
        self._lines.append(entry.msg.partition("\n")[0][:160])


class _Account(pj.Account):  # type: ignore[misc]
    """The one account that all forks come to."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__()
        self._endpoint = endpoint

    def onIncomingCall(self, prm: Any) -> None:
        """An INVITE: answer or refuse it at once, so that no PBX waits for us with a live call."""
        dialog = _Dialog(self, prm.callId, self._endpoint)
        self._endpoint.dialogs[dialog.number] = dialog
        try:
            raw = prm.rdata.wholeMsg.encode("utf-8", "surrogateescape")
            offer = invite.read(raw, self._endpoint.rules, self._endpoint.settings.plain_role)
            dialog.answer(offer, self._naming(raw, offer))
        except Exception:
            log.exception("a fork could not be answered")
            dialog.refuse(Refusal.FAILED)

    def _naming(self, raw: bytes, offer: Invite) -> Naming:
        """What a plain fork says of itself; nothing for one with metadata, which says it better."""
        if offer.metadata_fault != "none":
            return Naming()
        settings = self._endpoint.settings
        naming = joining.read(raw, settings.join_header, settings.role_header)
        if len(offer.legs) != 1:  # one word cannot tell several streams apart
            return Naming(naming.call_id)
        return Naming(naming.call_id, naming.role or settings.plain_role)


class _Dialog(pj.Call):  # type: ignore[misc]
    """One fork: its SIP dialog, the capture ports of its streams, the call that they feed."""

    def __init__(self, account: _Account, number: int, endpoint: Endpoint) -> None:
        super().__init__(account, number)
        self.number = number
        self.call: Call | None = None
        self._endpoint = endpoint
        self._offer: Invite | None = None
        self._naming = Naming()
        self._legs: dict[int, Leg] = {}
        self._ports: dict[int, _CapturePort] = {}
        self._deaf: set[int] = set()
        """Streams whose leg another dialog has taken over."""
        self._health = StreamHealth(endpoint.settings.rtp_timeout_seconds)
        self._ending: Ending | None = None

    def answer(self, offer: Invite, naming: Naming) -> None:
        """Answer 200 with as many streams as the offer has, or refuse."""
        outcome.METADATA.labels(offer.metadata_fault or "complete").inc()
        refusal = self._endpoint.admit(naming, len(offer.legs)) or (None if offer.legs else Refusal.NO_AUDIO)
        if not refusal and not self.getInfo().remOfferer:  # we see an offer where the library has found none
            refusal = Refusal.MALFORMED
        if refusal:
            self.refuse(refusal)
            return
        self._offer, self._naming = offer, naming
        parameters = pj.CallOpParam(True)
        parameters.statusCode = pj.PJSIP_SC_OK
        parameters.opt.audioCount = len(offer.legs)
        parameters.opt.videoCount = parameters.opt.textCount = 0
        parameters.opt.flag |= pj.PJSUA_CALL_SET_MEDIA_DIR  # we only listen, whatever is offered
        for _ in range(offer.legs[-1].index + 1):
            parameters.opt.mediaDir.append(pj.PJMEDIA_DIR_DECODING)
        try:
            super().answer(parameters)
        except pj.Error as error:
            log.info("a fork could not be answered: %s", error.reason, extra={"call_id": offer.call_id})
            self.refuse(Refusal.UNACCEPTABLE)
            return
        outcome.FORKS.labels("answered").inc()

    def refuse(self, refusal: Refusal) -> None:
        """Answer with the refusal's status."""
        outcome.FORKS.labels(refusal.outcome).inc()
        self._ending = Ending.REFUSED
        parameters = pj.CallOpParam()
        parameters.statusCode, parameters.reason = refusal.status, refusal.phrase
        if refusal.status == 503:
            header = pj.SipHeader()
            header.hName, header.hValue = "Retry-After", "10"
            parameters.txOption.headers.append(header)
        try:
            super().answer(parameters)  # a hang-up this early would lose the header
        except pj.Error as error:  # the library has refused it meanwhile
            log.debug("a fork could not be refused: %s", error.reason)

    def end(self, ending: Ending) -> None:
        """Hang up; the dialog ends when the PBX confirms."""
        if self._ending is not None:
            return
        self._ending = ending
        try:
            self.hangup(pj.CallOpParam())
        except pj.Error as error:  # it ended by itself meanwhile
            log.debug("a call could not be hung up: %s", error.reason)

    def _open(self, offer: Invite) -> None:
        if self._naming.call_id:
            self._join(offer)
            return
        call_id = self._endpoint.call_ids.claim(offer.call_id, offer.sip_call_id)
        self._legs = {leg.index: self._leg(leg) for leg in offer.legs}
        self.call = Call(call_id, self._endpoint.bridge_id, list(self._legs.values()), time.time())
        roles = "+".join(leg.role for leg in offer.legs)
        log.info("fork answered: %s%s", roles, _note(offer), extra={"call_id": call_id})
        outcome.ACTIVE.inc()
        self._endpoint.listener.open(self.call)

    def _join(self, offer: Invite) -> None:
        """Feed legs of the call that the fork names: the one that is open under this name, else a new one."""
        endpoint, name = self._endpoint, self._naming.call_id
        joined = endpoint.joined.get(name)
        if opening := joined is None:
            call = Call(endpoint.call_ids.claim(name, offer.sip_call_id), endpoint.bridge_id, [], time.time())
            joined = endpoint.joined[name] = JoinedCall(call)
            outcome.ACTIVE.inc()
        self.call = call = joined.call
        for offered in offer.legs:
            self._seat(joined, offered, opening)
        did = "fork answered" if opening else "fork joined"
        log.info("%s: %s", did, "+".join(leg.leg_id for leg in self._legs.values()), extra={"call_id": call.call_id})
        if opening:
            endpoint.listener.open(call)

    def _seat(self, joined: JoinedCall, offered: OfferedLeg, opening: bool = False) -> None:
        """Let a stream feed a leg of the joined call. `opening`: the listener does not have the call yet."""
        seating = joined.sit(self.number, self._leg(offered))
        leg = self._legs[offered.index] = seating.leg
        if seating.displaced is not None:
            self._endpoint.dialogs[seating.displaced].concede(leg)
        if opening:
            joined.call.legs.append(leg)
            return
        outcome.JOINED.labels("taken_over" if seating.known else "new").inc()
        listener = self._endpoint.listener
        (listener.resume if seating.known else listener.join)(joined.call, leg)

    def concede(self, leg: Leg) -> None:
        """Another dialog feeds this leg from now on: ours stays up, so that its PBX does not try again, unheard."""
        for index in [index for index, own in self._legs.items() if own is leg]:
            del self._legs[index]
            self._deaf.add(index)
            if port := self._ports.pop(index, None):
                port.close()
        if not self._legs:
            self.call = self._offer = None

    def _leave(self, call: Call) -> bool:
        """Let go of our legs of a call that others may feed; whether it is over with that."""
        joined = self._endpoint.joined.get(self._naming.call_id)
        if joined is None or joined.call is not call:
            return True
        left = joined.leave(self.number)
        if joined.deserted:
            del self._endpoint.joined[self._naming.call_id]
            return True
        for leg in left:
            self._endpoint.listener.leave(call, leg)
        log.info("fork left: %s", "+".join(leg.leg_id for leg in left), extra={"call_id": call.call_id})
        return False

    def _leg(self, offered: OfferedLeg) -> Leg:
        settings = self._endpoint.settings
        role = self._naming.role or offered.role
        return Leg(offered.leg_id, role, offered.name, settings.speech, settings.vad_aggressiveness)

    def onCallState(self, prm: Any) -> None:
        """The dialog has moved on."""
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self._health.confirmed = True
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.over(self._ending or outcome.ending(info.lastStatusCode, info.lastReason, self._health.confirmed))

    def over(self, ending: Ending) -> None:
        """Close the call and let go of everything; the library has ended the dialog, or we wait no longer."""
        for index in list(self._ports):
            self._release(index)
        if self.call and self._leave(self.call):
            outcome.ACTIVE.dec()
            outcome.ENDED.labels(ending).inc()
            log.info("call ended: %s", ending, extra={"call_id": self.call.call_id})
            self._endpoint.listener.close(self.call, ending)
        self.call = None
        self._endpoint.forget(self)

    def onCallMediaState(self, prm: Any) -> None:
        """Streams came up, went on hold, or went away. First of all when the 200 has gone out."""
        if self.call is None and self._offer and self._ending is None:
            self._open(self._offer)
        info = self.getInfo()  # must outlive the loop: it owns what `media` refers to
        for place, media in enumerate(info.media):  # a place here is no m-line's: refused ones may be left out
            heard = media.type == pj.PJMEDIA_TYPE_AUDIO and media.dir & pj.PJMEDIA_DIR_DECODING
            # A stream that we only receive counts as held by the other side.
            held = media.status == pj.PJSUA_CALL_MEDIA_REMOTE_HOLD
            if heard and (held or media.status == pj.PJSUA_CALL_MEDIA_ACTIVE):
                self._capture(media.index, self.getAudioMedia(place))
            else:
                self._release(media.index)

    def onCallSdpCreated(self, prm: Any) -> None:
        """Our side of an SDP, before it is negotiated: the library would offer to speak in the first stream."""
        prm.sdp.wholeSdp = prm.sdp.wholeSdp.replace("a=sendrecv", "a=recvonly")

    def onCallTransferRequest(self, prm: Any) -> None:
        """REFER: nobody makes a recorder place calls."""
        prm.statusCode = pj.PJSIP_SC_DECLINE

    def onCallReplaceRequest(self, prm: Any) -> None:
        """An INVITE that would take over another's call."""
        prm.statusCode = pj.PJSIP_SC_DECLINE

    def onStreamDestroyed(self, prm: Any) -> None:
        """A stream is about to go: its last statistics."""
        self._inspect(prm.streamIdx, time.monotonic())

    def _capture(self, index: int, stream: Any) -> None:
        if self.call is None or index in self._deaf:
            return
        if index not in self._legs:  # it came up in mid-call
            offered = OfferedLeg(index, str(index), Role.UNKNOWN)
            if joined := self._endpoint.joined.get(self._naming.call_id):
                self._seat(joined, offered)
            else:
                self._legs[index] = leg = self._leg(offered)
                self._endpoint.listener.join(self.call, leg)
        if index not in self._ports:
            self._ports[index] = _CapturePort(self._legs[index])
        stream.startTransmit(self._ports[index])
        self._health.expect(index, time.monotonic())

    def _release(self, index: int) -> None:
        self._health.forget(index)
        if port := self._ports.pop(index, None):
            port.close()

    def inspect(self, now: float) -> None:
        """Read the streams' statistics; hang up where nothing has arrived for too long."""
        for index in (*self._ports, *self._deaf):
            self._inspect(index, now)
        if self._health.silent(now):
            self.end(Ending.RTP_TIMEOUT)

    def _inspect(self, index: int, now: float) -> None:
        try:
            statistics = self.getStreamStat(index)
        except pj.Error:  # the stream has just gone
            return
        received, buffer = statistics.rtcp.rxStat, statistics.jbuf
        self._health.update(index, now, received.pkt, buffer.lost, buffer.discard, received.jitterUsec.last)


class _CapturePort(pj.AudioMediaPort):  # type: ignore[misc]
    """Where a stream's decoded audio comes out, 100 ms at a time."""

    def __init__(self, leg: Leg) -> None:
        super().__init__()
        self._take = leg.take
        form = pj.MediaFormatAudio()
        form.init(pj.PJMEDIA_FORMAT_PCM, 8_000, 1, BLOCK_MICROSECONDS, 16)
        self.createPort("leg", form)

    def onFrameReceived(self, frame: Any) -> None:
        """A block, on the clock thread: copy, enqueue, return."""
        block = bytearray(frame.size)
        if block:
            frame.buf.copy_to_bytearray(block)
        self._take(block, time.time())

    def close(self) -> None:
        """Take the port out of the library, waiting for a callback under way; none follows.

        Not left to Python's collector: a callback that starts while it runs would find no object.
        """
        type(self).__swig_destroy__(self)


def _library_config(settings: BridgeSettings, library: _Library) -> Any:
    config = pj.EpConfig()
    config.uaConfig.threadCnt = 0  # the library's own thread is ours
    config.uaConfig.maxCalls = settings.max_calls + SPARE_CALLS
    config.uaConfig.userAgent = "Callvane"
    config.uaConfig.natTypeInSdp = 0
    config.logConfig.level, config.logConfig.consoleLevel, config.logConfig.msgLogging = 1, 0, 0
    writer = _LogWriter(library.lines)
    writer.__disown__()  # the library deletes it
    config.logConfig.writer = writer
    media = config.medConfig
    media.clockRate = media.sndClockRate = 8_000
    media.channelCount, media.audioFramePtime, media.ptime = 1, 20, 20
    media.maxMediaPorts = 2 * invite.MAX_STREAMS + 4 * (settings.max_calls + SPARE_CALLS)
    media.threadCnt = 1
    media.ecTailLen, media.noVad, media.sndAutoCloseTime = 0, True, -1
    return config


def _account_config(settings: BridgeSettings) -> Any:
    config = pj.AccountConfig()
    host = settings.public_address or settings.host
    config.idUri = f"sip:callvane@{f'[{host}]' if ':' in host else host}"
    config.regConfig.registerOnAdd = False
    config.sipConfig.contactParams = ";+sip.srs"
    config.callConfig.siprecUse = pj.PJSUA_SIP_SIPREC_OPTIONAL
    config.callConfig.timerUse = pj.PJSUA_SIP_TIMER_OPTIONAL
    config.callConfig.timerMinSESec = settings.session_minimum_seconds
    config.callConfig.timerSessExpiresSec = settings.session_expires_seconds
    config.mediaConfig.transportConfig = _address(settings)
    config.mediaConfig.transportConfig.port = settings.rtp_port_min
    config.mediaConfig.transportConfig.portRange = settings.rtp_port_max - settings.rtp_port_min
    config.mediaConfig.lockCodecEnabled = False  # it would send re-INVITEs, which recorders handle badly
    config.mediaConfig.streamKaEnabled = False
    config.mediaConfig.srtpUse = pj.PJMEDIA_SRTP_DISABLED
    return config


def _address(settings: BridgeSettings) -> Any:
    config = pj.TransportConfig()
    config.boundAddress = "" if settings.host == "0.0.0.0" else settings.host
    config.publicAddress = settings.public_address
    return config


def _note(offer: Invite) -> str:
    return f", metadata {offer.metadata_fault}" if offer.metadata_fault else ""
