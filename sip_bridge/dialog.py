"""One fork's SIP dialog: answers it, hands its streams' audio to the legs of the call that they feed.

Of the two files that know pjsua2, the one for a dialog; `endpoint` has the library, its thread and its account. All of
this runs on that thread but `CapturePort.onFrameReceived`, which runs on the clock thread of the library's conference
bridge and under its locks: it copies, enqueues and returns.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

import pjsua2 as pj

from callbus import Role
from sip_bridge import outcome
from sip_bridge.call import Call
from sip_bridge.invite import Invite, OfferedLeg
from sip_bridge.joining import JoinedCall, Naming
from sip_bridge.leg import Leg
from sip_bridge.outcome import Ending, Refusal
from sip_bridge.stream_health import StreamHealth

if TYPE_CHECKING:
    from sip_bridge.endpoint import Endpoint

BLOCK_MICROSECONDS = 100_000
"""Ten callbacks a second and leg instead of fifty: each costs a hold of the GIL."""

log = logging.getLogger(__name__)


class Dialog(pj.Call):  # type: ignore[misc]
    """One fork: its SIP dialog, the capture ports of its streams, the call that they feed."""

    def __init__(self, account: pj.Account, number: int, endpoint: Endpoint) -> None:
        super().__init__(account, number)
        self.number = number
        self.peer = ""
        """The address that forks the call."""
        self.call: Call | None = None
        self._endpoint = endpoint
        self._offer: Invite | None = None
        self._naming = Naming()
        self._legs: dict[int, Leg] = {}
        self._ports: dict[int, CapturePort] = {}
        self._deaf: set[int] = set()
        """Streams whose leg another dialog has taken over."""
        self._health = StreamHealth(endpoint.settings.rtp_timeout_seconds)
        self._ending: Ending | None = None

    def answer(self, offer: Invite, naming: Naming) -> None:
        """Answer 200 with as many streams as the offer has, or refuse."""
        outcome.METADATA.labels(offer.metadata_fault or "complete").inc()
        refusal = self._endpoint.admit(self.peer, naming, len(offer.legs)) or (None if offer.legs else Refusal.NO_AUDIO)
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
            self._ports[index] = CapturePort(self._legs[index])
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


class CapturePort(pj.AudioMediaPort):  # type: ignore[misc]
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


def _note(offer: Invite) -> str:
    return f", metadata {offer.metadata_fault}" if offer.metadata_fault else ""
