"""One fork's SIP dialog: answers it, hands its streams' audio to the legs of the call that they feed.

Of the two files that know pjsua2, the one for a dialog; `endpoint` has the library, its thread and its account. All of
this runs on that thread but `CapturePort.onFrameReceived`, which runs on the clock thread of the library's conference
bridge and under its locks: it copies, enqueues and returns.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pjsua2 as pj

from callbus import Role
from sip_bridge import invite, outcome
from sip_bridge.call import Call
from sip_bridge.invite import Invite, OfferedLeg
from sip_bridge.joining import JoinedCall, Naming
from sip_bridge.leg import Leg
from sip_bridge.lines import Lines, labelled
from sip_bridge.outcome import Ending, Refusal
from sip_bridge.recordings import Recording
from sip_bridge.rtp_source import RtpSources
from sip_bridge.stream_health import StreamHealth

if TYPE_CHECKING:
    from sip_bridge.endpoint import Endpoint

BLOCK_MICROSECONDS = 100_000
"""Ten callbacks a second and leg instead of fifty: each costs a hold of the GIL."""

CHANGES = ("INVITE", "UPDATE")
"""The requests within a dialog that may say something new of its call."""

QUIET_SECONDS = 4.0
"""After so long without a packet, another dialog that records the same call is heard instead; the SBC may be dead."""

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
        self._request: Invite | None = None
        """An offer that is being answered; it counts once the library has agreed to it."""
        self._standing: Invite | None = None
        """What the other side has said last; none where it does not matter any more."""
        self._naming = Naming()
        self._recording: Recording | None = None
        self._heard = False
        """Whether its streams feed the call: no while another dialog records the same."""
        self._lines = Lines()
        self._ports: dict[int, CapturePort] = {}
        self._deaf: set[int] = set()
        """Streams whose leg another dialog has taken over."""
        self.health = StreamHealth(endpoint.settings.rtp_timeout_seconds)
        self._sources = RtpSources(endpoint.settings.rtp_source)
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
        self._request, self._naming = offer, naming
        parameters = pj.CallOpParam(True)
        parameters.statusCode = pj.PJSIP_SC_OK
        _only_listen(parameters.opt, offer.legs)
        try:
            super().answer(parameters)
        except pj.Error as error:
            log.info("a fork could not be answered: %s", error.reason, extra={"call_id": offer.call_id})
            self.refuse(Refusal.UNACCEPTABLE)
            return
        outcome.FORKS.labels("duplicate" if self._same_as(offer) else "answered").inc()

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
        endpoint = self._endpoint
        self._standing = offer
        if self._naming.call_id:
            self._join(offer)
            return
        if recording := self._same_as(offer):
            self.call, self._recording = recording.call, recording
            recording.dialogs.append(self.number)
            log.info("fork answered: another one records the call, it waits", extra={"call_id": self.call.call_id})
            return
        call_id = endpoint.call_ids.claim(offer.call_id, offer.sip_call_id)
        self.call = Call(call_id, endpoint.bridge_id, [], time.time())
        self._recording = Recording(self.call, offer.call_id, offer.parties, dialogs=[self.number])
        endpoint.recordings.add(self._recording)
        self._begin(self.call, offer)
        roles = "+".join(leg.role for leg in offer.legs)
        log.info("fork answered: %s%s", roles, _note(offer), extra={"call_id": call_id})

    def _same_as(self, offer: Invite) -> Recording | None:
        """The recording of the same call that is up already."""
        return None if self._naming.call_id else self._endpoint.recordings.find(offer.call_id, offer.parties)

    def _join(self, offer: Invite) -> None:
        """Feed legs of the call that the fork names: the one that is open under this name, else a new one."""
        endpoint, name = self._endpoint, self._naming.call_id
        if joined := self._joined:
            self.call, self._heard, did = joined.call, True, "fork joined"
            self._lines.arrange(offer.legs, self._further)
        else:
            self.call = Call(endpoint.call_ids.claim(name, offer.sip_call_id), endpoint.bridge_id, [], time.time())
            endpoint.joined[self.peer, name], did = JoinedCall(self.call), "fork answered"
            self._begin(self.call, offer)
        legs = "+".join(leg.leg_id for leg in self._lines.legs.values())
        log.info("%s: %s", did, legs, extra={"call_id": self.call.call_id})

    @property
    def _joined(self) -> JoinedCall | None:
        """The open call that this fork names. Nobody joins another peer's calls: two PBXes may use the same ids."""
        return self._endpoint.joined.get((self.peer, self._naming.call_id))

    def _begin(self, call: Call, offer: Invite) -> None:
        """Give a new call to the listener, with the legs of this offer."""
        outcome.ACTIVE.inc()
        self._lines.arrange(offer.legs, self._further)
        self._heard = True
        self._endpoint.listener.open(call)

    def _further(self, offered: OfferedLeg) -> Leg | None:
        """A leg for a stream that this dialog has not had before."""
        if self.call is None or offered.index in self._deaf:
            return None
        new = self._leg(offered)
        if self._recording:
            new.leg_id = self._recording.leg_id(new.leg_id)
            self._recording.legs.append(new)
        elif joined := self._joined:
            if not joined.has_room(new.role, 1):
                return None
            seating = joined.sit(self.number, new)
            if seating.displaced is not None:
                self._endpoint.dialogs[seating.displaced].concede(seating.leg)
            if self._heard:
                outcome.JOINED.labels("taken_over" if seating.known else "new").inc()
            if seating.known:
                return seating.leg
        if self._heard:
            self._endpoint.listener.join(self.call, new)
        else:  # the listener does not have the call yet
            self.call.legs.append(new)
        return new

    def concede(self, leg: Leg) -> None:
        """Another dialog feeds this leg from now on: ours stays up, so that its PBX does not try again, unheard."""
        for index in [index for index, own in self._lines.legs.items() if own is leg]:
            self._deaf.add(index)
            self._release(index, time.time())
        self._lines.drop(leg)
        if not self._lines.legs:
            self.call = self._standing = self._request = None

    def _leave(self, call: Call) -> bool:
        """Let go of our legs of a call that others may feed; whether it is over with that."""
        if self._recording:
            return self._hand_over(self._recording)
        joined = self._joined
        if joined is None or joined.call is not call:
            return True
        left = joined.leave(self.number)
        if joined.deserted:
            del self._endpoint.joined[self.peer, self._naming.call_id]
            return True
        log.info("fork left: %s", "+".join(leg.leg_id for leg in left), extra={"call_id": call.call_id})
        return False

    def _hand_over(self, recording: Recording) -> bool:
        """Leave the call to the next dialog that records it; whether there is none."""
        recording.dialogs.remove(self.number)
        if not recording.dialogs:
            self._endpoint.recordings.remove(recording)
            return True
        if self._heard:
            self._endpoint.later(lambda: self._endpoint.succeed(recording))
        return False

    def take_over(self, recording: Recording) -> None:
        """Be heard: the dialog that fed the call until now does so no more."""
        if self._heard or self._standing is None or self._ending is not None:
            return
        spare = list(recording.legs)
        self._heard = True
        self._lines.arrange(self._standing.legs, lambda offered: _likest(spare, offered) or self._further(offered))
        self._tell(self._standing)
        self._attend()
        log.info("fork takes over: the one so far has ended or is silent", extra={"call_id": recording.call.call_id})

    def _leg(self, offered: OfferedLeg) -> Leg:
        settings = self._endpoint.settings
        role = self._naming.role or offered.role
        return Leg(offered.leg_id, role, offered.name, settings.speech, settings.vad_aggressiveness)

    def _change(self, request: Invite) -> None:
        """The other side has said how the call stands now."""
        self._standing = request
        if self._heard:
            if request.offers:
                self._lines.arrange(request.legs, self._further)
            self._tell(request)

    def _tell(self, request: Invite) -> None:
        """Pass on who speaks; metadata that does not say so of a leg takes nothing away."""
        if request.metadata_fault == "none" or self.call is None:
            return
        legs = self._lines.legs
        known = [each for each in request.legs if each.role is not Role.UNKNOWN and each.index in legs]
        if known:
            self._endpoint.listener.tell(self.call, [(legs[each.index], each.role, each.name) for each in known])
        if self._recording and request.parties:
            self._recording.parties = request.parties

    def onCallState(self, prm: Any) -> None:
        """The dialog has moved on."""
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self.health.confirmed = True
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.over(self._ending or outcome.ending(info.lastStatusCode, info.lastReason, self.health.confirmed))

    def over(self, ending: Ending) -> None:
        """Close the call and let go of everything; the library has ended the dialog, or we wait no longer."""
        now = time.time()
        for index in list(self._ports):
            self._release(index, now)
        if self.call and self._leave(self.call):
            for leg in self._recording.legs if self._recording else self._lines.legs.values():
                leg.resume(now)  # a call that ends within a pause is as long as it was
            outcome.ACTIVE.dec()
            outcome.ENDED.labels(ending).inc()
            log.info("call ended: %s", ending, extra={"call_id": self.call.call_id})
            self._endpoint.listener.close(self.call, ending)
        self.call = None
        self._endpoint.forget(self)

    def onCallTsxState(self, prm: Any) -> None:
        """Requests within the dialog, before the library does anything about them."""
        event = prm.e.body.tsxState
        if event.type != pj.PJSIP_EVENT_RX_MSG or event.tsx.state != pj.PJSIP_TSX_STATE_TRYING:
            return
        if self._standing is None or event.tsx.role != pj.PJSIP_ROLE_UAS or event.tsx.method not in CHANGES:
            return
        raw = event.src.rdata.wholeMsg.encode("utf-8", "surrogateescape")
        settings = self._endpoint.settings
        request = invite.read(raw, self._endpoint.rules, settings.plain_role, self._standing)
        self._request = request if request.offers else None
        if not request.offers:
            self._change(request)

    def onCallRxOffer(self, prm: Any) -> None:
        """A new offer, of a re-INVITE or an UPDATE: streams may have been added."""
        if self._request and self._request.legs:
            _only_listen(prm.opt, self._request.legs)

    def onCallMediaState(self, prm: Any) -> None:
        """Streams came up, went on hold, or went away. First of all when the 200 has gone out."""
        self._guard()
        request, self._request = self._request, None
        if request and self._ending is None:
            (self._change if self.call else self._open)(request)
        self._attend()

    def _attend(self) -> None:
        """Listen to the streams that are up, each into its leg."""
        info = self.getInfo()  # must outlive the loop: it owns what `media` refers to
        up = {}
        for place, media in enumerate(info.media):  # a place here is no m-line's: refused ones may be left out
            heard = media.type == pj.PJMEDIA_TYPE_AUDIO and media.dir & pj.PJMEDIA_DIR_DECODING
            # A stream that we only receive counts as held by the other side.
            held = media.status == pj.PJSUA_CALL_MEDIA_REMOTE_HOLD
            if heard and (held or media.status == pj.PJSUA_CALL_MEDIA_ACTIVE):
                up[media.index] = place
        legs = self._lines.legs
        now = time.time()
        for index, port in list(self._ports.items()):  # all before any is taken: two legs may have changed places
            if index not in up or legs.get(index) is not port.leg:
                self._release(index, now)
        for index, leg in legs.items():
            if index in up and self._heard:
                self._capture(index, leg, self.getAudioMedia(up[index]), now)
            elif index not in self._ports:
                leg.pause(now)
        self.health.expect(up, time.monotonic())

    def onCallSdpCreated(self, prm: Any) -> None:
        """Our side of an SDP, before it is negotiated: the library would offer to speak in the first stream."""
        described = prm.sdp.wholeSdp.replace("a=sendrecv", "a=recvonly")
        if not prm.remSdp.wholeSdp:  # an offer of ours; in an answer the library repeats the labels
            described = labelled(described, self._lines.labels)
        prm.sdp.wholeSdp = described

    def onCallTransferRequest(self, prm: Any) -> None:
        """REFER: nobody makes a recorder place calls."""
        prm.statusCode = pj.PJSIP_SC_DECLINE

    def onCallReplaceRequest(self, prm: Any) -> None:
        """An INVITE that would take over another's call."""
        prm.statusCode = pj.PJSIP_SC_DECLINE

    def onStreamDestroyed(self, prm: Any) -> None:
        """A stream is about to go: its last statistics."""
        self._inspect(prm.streamIdx, time.monotonic())

    def _capture(self, index: int, leg: Leg, stream: Any, now: float) -> None:
        if index not in self._ports:
            self._ports[index] = CapturePort(leg)
            leg.resume(now)
        stream.startTransmit(self._ports[index])

    def _release(self, index: int, now: float) -> None:
        if port := self._ports.pop(index, None):
            port.close()
            port.leg.pause(now)

    def _guard(self) -> None:
        """Tell whose packets are expected."""
        if self._sources.mode == "off":
            return
        info = self.getInfo()
        for media in info.media:
            with suppress(pj.Error):  # it is on hold: nothing is decoded
                remote = self.getStreamInfo(media.index).remoteRtpAddress
                self._sources.expect(media.index, self.getMedTransportInfo(media.index).localRtpName, remote)

    def inspect(self, now: float) -> None:
        """Read the streams' statistics; hang up where nothing has arrived for too long."""
        for index in self.health.streams:
            self._inspect(index, now)
        if self.health.silent(now):
            self.end(Ending.RTP_TIMEOUT)
        elif self._heard and self._recording and self.health.quiet_seconds(now) >= QUIET_SECONDS:
            self._give_way(self._recording, now)

    def _give_way(self, recording: Recording, now: float) -> None:
        """Nothing comes any more, though nobody has hung up: let another dialog be heard that brings audio."""
        waiting = (self._endpoint.dialogs[number] for number in recording.dialogs if number != self.number)
        livelier = next((dialog for dialog in waiting if dialog.health.quiet_seconds(now) < QUIET_SECONDS), None)
        if livelier:
            for index in list(self._ports):
                self._release(index, time.time())
            self._heard = False
            recording.dialogs.remove(livelier.number)
            recording.dialogs.insert(0, livelier.number)
            livelier.take_over(recording)

    def _inspect(self, index: int, now: float) -> None:
        try:
            statistics = self.getStreamStat(index)
        except pj.Error:  # the stream has just gone
            return
        if self._sources.mode != "off":
            self._sources.inspect(index, self.getMedTransportInfo(index).srcRtpName)
        received, buffer = statistics.rtcp.rxStat, statistics.jbuf
        self.health.update(index, now, received.pkt, buffer.lost, buffer.discard, received.jitterUsec.last)


class CapturePort(pj.AudioMediaPort):  # type: ignore[misc]
    """Where a stream's decoded audio comes out, 100 ms at a time."""

    def __init__(self, leg: Leg) -> None:
        super().__init__()
        self.leg = leg
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


def _only_listen(options: Any, legs: Sequence[OfferedLeg]) -> None:
    """Answer these streams, and speak in none, whatever is offered."""
    options.audioCount = len(legs)
    options.videoCount = options.textCount = 0
    options.flag |= pj.PJSUA_CALL_SET_MEDIA_DIR
    options.mediaDir.clear()
    for _ in range(legs[-1].index + 1):
        options.mediaDir.append(pj.PJMEDIA_DIR_DECODING)


def _likest(spare: list[Leg], offered: OfferedLeg) -> Leg | None:
    """Which of the legs a stream of another dialog carries: that of its role, else that of its id; taken out."""
    same = [leg for leg in spare if offered.role is not Role.UNKNOWN and leg.role is offered.role]
    found = next(iter(same or [leg for leg in spare if leg.leg_id == offered.leg_id]), None)
    if found:
        spare.remove(found)
    return found


def _note(offer: Invite) -> str:
    return f", metadata {offer.metadata_fault}" if offer.metadata_fault else ""
