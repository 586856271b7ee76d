"""One fork's SIP dialog: answers it, keeps its streams' audio going into the legs that its feed says.

One of the files that know pjsua2, the one for a dialog. All of this runs on the library's thread.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

import pjsua2 as pj

from callbus import ConditionKind
from sip_bridge.admission.places import Place
from sip_bridge.admission.refusal import FORKS, METADATA, Refusal
from sip_bridge.calls.ending import Ending, ending_of
from sip_bridge.calls.feed import Feed
from sip_bridge.calls.lines import labelled
from sip_bridge.hearing.leg import Leg
from sip_bridge.hearing.stream_health import StreamHealth, Totals
from sip_bridge.pjsip.callback import guarded
from sip_bridge.pjsip.rtp_source import RtpSources
from sip_bridge.request import invite
from sip_bridge.request.description import DECODABLE
from sip_bridge.request.invite import Invite, OfferedLeg
from sip_bridge.request.naming import Naming
from sip_bridge.request.offer import has_streams

if TYPE_CHECKING:
    from sip_bridge.pjsip.endpoint import Endpoint

_numbers = itertools.count()

CHANGES = ("INVITE", "UPDATE")
"""The requests within a dialog that may say something new of its call."""
QUESTION = "OPTIONS"
"""Asks whether the peer is there."""
UNANSWERED = (pj.PJSIP_SC_REQUEST_TIMEOUT, pj.PJSIP_SC_SERVICE_UNAVAILABLE)
"""What the library calls no answer, and no connection."""

log = logging.getLogger(__name__)


class Dialog(pj.Call):  # type: ignore[misc] # pjsua2 ships no types
    """One fork: its SIP dialog, and which leg's ring listens to which of its streams."""

    def __init__(self, account: pj.Account, slot: int, endpoint: Endpoint, peer: str) -> None:
        """`slot`: the library's number for this call. `peer`: the address that forks it."""
        super().__init__(account, slot)
        self.number = next(_numbers)
        """Ours: the library gives its slots to later calls again."""
        self.peer = peer
        self.feed = Feed(self, endpoint.calls)
        self.health = StreamHealth(endpoint.settings.rtp_timeout_seconds, endpoint.settings.arrival_limits)
        self.ending: Ending | None = None
        """Why we have ended it, once we have."""
        self.place: Place | None = None
        """What it takes of the bridge; none where it was refused at the door."""
        self._endpoint = endpoint
        self._request: Invite | None = None
        """An offer that is being answered; it counts once the library has agreed to it."""
        self._outcome = ""
        """What the fork counts as, once it is answered."""
        self._captured: dict[int, Leg] = {}
        """Whose ring listens to which stream, by its m-line."""
        self._sources = RtpSources(endpoint.settings.rtp_source)

    @property
    def call_id(self) -> str:
        """Of the call that it feeds, for the log; empty where it feeds none."""
        return self.feed.call.call_id if self.feed.call else ""

    @property
    def holds(self) -> bool:
        """Whether it has one of the bridge's places: it feeds a call, or will as soon as the ACK brings the answer."""
        return self.feed.call is not None or self._request is not None

    def answer(self, offer: Invite, naming: Naming) -> None:
        """Answer 200 with as many streams as the offer has; offer one where that is left to us; or refuse."""
        METADATA.labels(offer.metadata_fault or "complete").inc()
        late = naming.late and not offer.offers
        if late:
            offer = invite.late(offer)
        refusal = self._endpoint.admit(self.peer, naming, len(offer.legs)) or (None if offer.legs else Refusal.NO_AUDIO)
        if not refusal and not late and not self.getInfo().remOfferer:  # we see an offer where the library sees none
            refusal = Refusal.MALFORMED
        if refusal:
            self.refuse(refusal)
            return
        self._request, self.feed.naming = offer, naming
        self._outcome = "duplicate" if self.feed.same_as(offer) else "answered"
        parameters = pj.CallOpParam(True)
        parameters.statusCode = pj.PJSIP_SC_OK
        _only_listen(parameters.opt, offer.legs)
        try:
            super().answer(parameters)
        except pj.Error as error:
            log.info("a fork could not be answered: %s", error.reason, extra={"call_id": offer.call_id})
            self.refuse(Refusal.UNACCEPTABLE)

    def refuse(self, refusal: Refusal) -> None:
        """Answer with the refusal's status."""
        FORKS.labels(refusal.outcome).inc()
        self.ending = Ending.REFUSED
        parameters = pj.CallOpParam()
        parameters.statusCode, parameters.reason = refusal.status, refusal.phrase
        try:
            super().answer(parameters)
        except pj.Error as error:  # the library has refused it meanwhile
            log.debug("a fork could not be refused: %s", error.reason)

    def end(self, ending: Ending) -> None:
        """Hang up; the dialog ends when the PBX confirms."""
        if self.ending is not None:
            return
        self.ending = ending
        try:
            self.hangup(pj.CallOpParam())
        except pj.Error as error:  # it ended by itself meanwhile
            log.debug("a call could not be hung up: %s", error.reason)

    @guarded
    def onCallState(self, prm: Any) -> None:
        """The dialog has moved on."""
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_CONNECTING:  # our 200 has gone: the library may refuse until then
            FORKS.labels(self._outcome).inc()
        elif info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self.health.confirmed = True
            self._endpoint.acknowledged(self)
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.over(self.ending or ending_of(info.lastStatusCode, info.lastReason, self.health.confirmed))

    def over(self, ending: Ending) -> None:
        """Close the call and let go of everything; the library has ended the dialog, or we wait no longer."""
        now = time.time()
        with ExitStack() as steps:  # each, whatever breaks in those before it
            steps.callback(self._endpoint.forget, self)
            steps.callback(self.feed.end, ending, now)
            self.release_all(now)

    @guarded
    def onCallTsxState(self, prm: Any) -> None:
        """Requests within the dialog, before the library does anything about them; and answers to ours."""
        event = prm.e.body.tsxState
        if event.tsx.role == pj.PJSIP_ROLE_UAC:
            if event.type == pj.PJSIP_EVENT_RX_MSG:
                self.health.lives(time.monotonic())
            elif event.tsx.method == QUESTION and event.tsx.statusCode in UNANSWERED:
                self._endpoint.later(lambda: self.end(Ending.PEER_ERROR))
            return
        if event.type != pj.PJSIP_EVENT_RX_MSG or event.tsx.state != pj.PJSIP_TSX_STATE_TRYING:
            return
        self.health.lives(time.monotonic())
        if self.feed.standing is None or event.tsx.method not in CHANGES:
            return
        raw = event.src.rdata.wholeMsg.encode("utf-8", "surrogateescape")
        settings = self._endpoint.settings
        request = invite.read(raw, self._endpoint.rules, settings.plain_role, self.feed.standing, self._endpoint.words)
        self._request = request if request.offers else None
        if not request.offers:
            self.feed.take(request)

    @guarded
    def onCallRxOffer(self, prm: Any) -> None:
        """A new offer, of a re-INVITE or an UPDATE: streams may have been added. What is none changes nothing."""
        if self._request and not has_streams(self._request.sdp):
            self._request = None
            prm.statusCode = pj.PJSIP_SC_NOT_ACCEPTABLE_HERE
        elif self._request and self._request.legs:
            _only_listen(prm.opt, self._request.legs)

    @guarded
    def onCallMediaState(self, prm: Any) -> None:
        """Streams came up, went on hold, or went away. First of all when the 200 has gone out."""
        info = self.getInfo()
        self._guard(info)
        request, self._request = self._request, None
        if request and self.ending is None:
            self.feed.take(request)
        self.attend(info)

    def attend(self, info: Any = None) -> None:
        """Listen to the streams that are up, each into its leg. `info`: how the call stands, where that is known."""
        info = info or self.getInfo()  # must outlive the loop: it owns what `media` refers to
        up = {media.index for media in info.media if _is_heard(media)}
        self.feed.lines.settle(up)
        legs = self.feed.lines.legs
        now = time.time()
        for index, leg in list(self._captured.items()):  # all before any is taken: two legs may have changed places
            if index not in up or legs.get(index) is not leg:
                self.release(index, now)
        strange = self._strange()
        for index, leg in legs.items():
            if index in up and self.feed.heard:
                self._capture(index, leg, now)
            elif index in strange:
                leg.faults = {ConditionKind.UNDECODABLE: strange[index]}
            elif index not in self._captured:
                leg.pause(now)
        self.health.expect(up, time.monotonic())

    def _strange(self) -> dict[int, float]:
        """Streams that were refused since nobody here decodes them, by their m-lines: the first of their types."""
        legs = self.feed.standing.legs if self.feed.standing else ()
        return {
            leg.index: float(leg.codecs[0].payload_type) for leg in legs if leg.codecs and leg.undecodable(DECODABLE)
        }

    @guarded
    def onCallSdpCreated(self, prm: Any) -> None:
        """Our side of an SDP, before it is negotiated: the library would offer to speak in the first stream."""
        described = prm.sdp.wholeSdp.replace("a=sendrecv", "a=recvonly")
        if not prm.remSdp.wholeSdp:  # an offer of ours; in an answer the library repeats the labels
            described = labelled(described, self.feed.lines.labels)
        prm.sdp.wholeSdp = described

    @guarded
    def onCallReplaceRequest(self, prm: Any) -> None:
        """An INVITE that would take over another's call."""
        prm.statusCode = pj.PJSIP_SC_DECLINE

    @guarded
    def onStreamDestroyed(self, prm: Any) -> None:
        """A stream is about to go: its last statistics."""
        self._inspect(prm.streamIdx, time.monotonic())

    def _capture(self, index: int, leg: Leg, now: float) -> None:
        leg.resume(now)
        if leg.ring.inlet.listen(self.getId(), index):
            self._captured[index] = leg

    def release(self, index: int, now: float) -> None:
        """Listen no more to this stream. `now`: unix seconds."""
        if leg := self._captured.pop(index, None):
            leg.pause(now)  # what waits in the ring is still decoded
            leg.ring.inlet.ignore()
            leg.faults = {}

    def release_all(self, now: float) -> None:
        """Capture no more. `now`: unix seconds."""
        for index in list(self._captured):
            self.release(index, now)

    def _guard(self, info: Any) -> None:
        """Tell whose packets are expected."""
        if self._sources.mode == "off":
            return
        for media in filter(_is_heard, info.media):
            with suppress(pj.Error):  # it is gone already
                remote = self.getStreamInfo(media.index).remoteRtpAddress
                self._sources.expect(media.index, pj.rtpDescriptor(self.getId(), media.index), remote)

    def inspect(self, now: float) -> None:
        """Read the streams' statistics; hang up where nothing has arrived for too long."""
        if not self.isActive():  # it has ended, and the callback that was to say so broke
            self.over(self.ending or Ending.PEER_ERROR)
            return
        for index in self.health.streams:
            self._inspect(index, now)
        if self.health.silent(now):
            self.end(Ending.RTP_TIMEOUT)
            return
        if self.health.confirmed and self.ending is None and self.health.asks(now):
            self._ask()
        self.feed.give_way(now)

    def _ask(self) -> None:
        """Ask whether the peer is there; the library itself ends a dialog that it answers with 481."""
        question = pj.CallSendRequestParam()
        question.method = QUESTION
        try:
            self.sendRequest(question)
        except pj.Error as error:
            log.info("the peer cannot be reached: %s", error.reason, extra={"call_id": self.call_id})
            self.end(Ending.PEER_ERROR)

    def _inspect(self, index: int, now: float) -> None:
        counts = pj.streamCounts(self.getId(), index)
        if counts is None:  # the stream has just gone
            return
        totals = Totals(*counts)
        self._sources.inspect(index, totals.source, totals.dropped)
        faults = self.health.update(index, now, totals)
        if leg := self._captured.get(index):
            leg.faults = faults


def _is_heard(media: Any) -> bool:
    """Whether a stream brings audio. One that we only receive counts as held by the other side."""
    up = media.status in (pj.PJSUA_CALL_MEDIA_ACTIVE, pj.PJSUA_CALL_MEDIA_REMOTE_HOLD)
    return up and media.type == pj.PJMEDIA_TYPE_AUDIO and bool(media.dir & pj.PJMEDIA_DIR_DECODING)


def _only_listen(options: Any, legs: Sequence[OfferedLeg]) -> None:
    """Answer these streams, and speak in none, whatever is offered."""
    options.audioCount = len(legs)
    options.videoCount = options.textCount = 0
    options.flag |= pj.PJSUA_CALL_SET_MEDIA_DIR
    options.mediaDir.clear()
    for _ in range(max(place for leg in legs for place in (leg.index, *leg.alternatives)) + 1):
        options.mediaDir.append(pj.PJMEDIA_DIR_DECODING)
