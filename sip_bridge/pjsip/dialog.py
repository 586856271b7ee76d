"""One fork's SIP dialog: answers it, processes its later requests, and ends it.

One of the files that use pjsua2. Everything here runs on the library's thread.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import pjsua2 as pj

from sip_bridge.admission.places import Place
from sip_bridge.admission.refusal import FORKS, METADATA, Refusal
from sip_bridge.calls.ending import Ending
from sip_bridge.calls.lines import labelled
from sip_bridge.pjsip.callback import guarded
from sip_bridge.pjsip.context import DialogContext
from sip_bridge.pjsip.statuses import ending_of
from sip_bridge.pjsip.streams import Streams
from sip_bridge.request import invite
from sip_bridge.request.invite import Invite, OfferedLeg
from sip_bridge.request.naming import Naming
from sip_bridge.request.offer import has_streams

_numbers = itertools.count()

CHANGES = ("INVITE", "UPDATE")
"""Requests within a dialog that may change its call."""
QUESTION = "OPTIONS"
"""Checks whether the peer is alive."""
UNANSWERED = (pj.PJSIP_SC_REQUEST_TIMEOUT, pj.PJSIP_SC_SERVICE_UNAVAILABLE)
"""Statuses the library reports for no answer and for no connection."""

log = logging.getLogger(__name__)


class Dialog(pj.Call):  # type: ignore[misc] # pjsua2 ships no types
    """One fork's SIP dialog. Implements `calls.source.Source`."""

    def __init__(self, account: pj.Account, slot: int, context: DialogContext, peer: str) -> None:
        """`slot`: the library's number for this call. `peer`: the address that forks it."""
        super().__init__(account, slot)
        self.number = next(_numbers)
        """Our own number, because the library reuses its slots."""
        self.peer = peer
        self.feed = context.feeds.add(self)
        self.streams = Streams(context.settings)
        self.ending: Ending | None = None
        """Why we ended it; None until we do."""
        self.place: Place | None = None
        """The capacity it holds; None if it was not admitted."""
        self._context = context
        self._request: Invite | None = None
        """An offer being answered; it takes effect once the library has accepted it."""
        self._outcome = ""
        """The fork's outcome label, counted once it is answered."""

    @property
    def call_id(self) -> str:
        """Id of the call that it feeds, for the log; empty if it feeds none."""
        return self.feed.call.call_id if self.feed.call else ""

    @property
    def holds(self) -> bool:
        """Whether it feeds a call, or will as soon as the ACK brings the answer."""
        return self.feed.call is not None or self._request is not None

    def answer(self, offer: Invite, naming: Naming) -> None:
        """Answer 200 with as many streams as the offer has, or with our own offer of one stream; or refuse."""
        METADATA.labels(offer.metadata_fault or "complete").inc()
        late = naming.late and not offer.offers
        if late:
            offer = invite.late(offer)
        refusal = None if offer.legs else Refusal.NO_AUDIO
        if not self._context.feeds.calls.has_room(self.peer, naming, len(offer.legs)):
            refusal = Refusal.LEGS
        if not refusal and not late and not self.getInfo().remOfferer:  # we see an offer, but the library does not
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
            log.info("cannot answer a fork: %s", error.reason, extra={"call_id": offer.call_id})
            self.refuse(Refusal.UNACCEPTABLE)

    def refuse(self, refusal: Refusal) -> None:
        """Answer with the refusal's status."""
        FORKS.labels(refusal.outcome).inc()
        self.ending = Ending.REFUSED
        parameters = pj.CallOpParam()
        parameters.statusCode, parameters.reason = refusal.status, refusal.phrase
        try:
            super().answer(parameters)
        except pj.Error as error:  # the library has already refused it
            log.debug("cannot refuse a fork: %s", error.reason)

    def end(self, ending: Ending) -> None:
        """Hang up; the dialog ends when the PBX confirms."""
        if self.ending is not None:
            return
        self.ending = ending
        try:
            self.hangup(pj.CallOpParam())
        except pj.Error as error:  # it has already ended
            log.debug("cannot hang up a call: %s", error.reason)

    @guarded
    def onCallState(self, prm: Any) -> None:
        """The dialog's state has changed."""
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_CONNECTING:  # our 200 is sent; until now the library could still refuse
            FORKS.labels(self._outcome).inc()
        elif info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self.streams.health.confirmed = True
            if self.place:
                self._context.admission.places.acknowledged(self.place)
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.over(self.ending or ending_of(info.lastStatusCode, info.lastReason, self.streams.health.confirmed))

    def over(self, ending: Ending) -> None:
        """Leave the call and release everything: the library has ended the dialog, or we no longer wait for it."""
        now = time.time()
        with ExitStack() as steps:  # every step runs, even if an earlier one fails
            steps.callback(self._context.forget, self.number)
            steps.callback(self.feed.end, ending, now)
            self.streams.release_all(now)

    @guarded
    def onCallTsxState(self, prm: Any) -> None:
        """Requests within the dialog, before the library processes them, and answers to ours."""
        event = prm.e.body.tsxState
        if event.tsx.role == pj.PJSIP_ROLE_UAC:
            if event.type == pj.PJSIP_EVENT_RX_MSG:
                self.streams.health.lives(time.monotonic())
            elif event.tsx.method == QUESTION and event.tsx.statusCode in UNANSWERED:
                self._context.later(lambda: self.end(Ending.PEER_ERROR))
            return
        if event.type != pj.PJSIP_EVENT_RX_MSG or event.tsx.state != pj.PJSIP_TSX_STATE_TRYING:
            return
        self.streams.health.lives(time.monotonic())
        if self.feed.standing is None or event.tsx.method not in CHANGES:
            return
        raw = event.src.rdata.wholeMsg.encode("utf-8", "surrogateescape")
        context = self._context
        role, standing = context.settings.plain_role, self.feed.standing
        request = invite.read(raw, context.rules, role, standing, context.words)
        self._request = request if request.offers else None
        if not request.offers:
            self.feed.take(request)

    @guarded
    def onCallRxOffer(self, prm: Any) -> None:
        """A new offer in a re-INVITE or UPDATE; it may add streams. SDP without m-lines is refused."""
        if self._request and not has_streams(self._request.sdp):
            self._request = None
            prm.statusCode = pj.PJSIP_SC_NOT_ACCEPTABLE_HERE
        elif self._request and self._request.legs:
            _only_listen(prm.opt, self._request.legs)

    @guarded
    def onCallMediaState(self, prm: Any) -> None:
        """Streams came up, went on hold or went away. Called first when the 200 has been sent."""
        info = self.getInfo()
        self.streams.guard(self, info)
        request, self._request = self._request, None
        if request and self.ending is None:
            self.feed.take(request)
        self._attend(info)

    @property
    def is_ending(self) -> bool:
        """See `calls.source.Source`, also for the methods below."""
        return self.ending is not None

    def quiet_seconds(self, now: float) -> float:
        return self.streams.health.quiet_seconds(now)

    def attend(self) -> None:
        self._attend(self.getInfo())

    def release(self, index: int, now: float) -> None:
        self.streams.release(index, now)

    def release_all(self, now: float) -> None:
        self.streams.release_all(now)

    def _attend(self, info: Any) -> None:
        """Route the streams. `info` must outlive this call, because it owns the objects that its streams refer to."""
        offered = self.feed.standing.legs if self.feed.standing else ()
        self.streams.attend(self.getId(), info, self.feed.lines, offered, self.feed.heard)

    @guarded
    def onCallSdpCreated(self, prm: Any) -> None:
        """Make our SDP receive-only before negotiation: the library would offer to send in the first stream."""
        described = prm.sdp.wholeSdp.replace("a=sendrecv", "a=recvonly")
        if not prm.remSdp.wholeSdp:  # our own offer; in an answer the library echoes the labels
            described = labelled(described, self.feed.lines.labels)
        prm.sdp.wholeSdp = described

    @guarded
    def onCallReplaceRequest(self, prm: Any) -> None:
        """Decline an INVITE with Replaces, which would take over another call."""
        prm.statusCode = pj.PJSIP_SC_DECLINE

    @guarded
    def onStreamDestroyed(self, prm: Any) -> None:
        """A stream is about to be destroyed: read its statistics one last time."""
        self.streams.inspect(self.getId(), prm.streamIdx, time.monotonic())

    def inspect(self, now: float) -> None:
        """Read the streams' statistics; hang up if nothing has arrived for too long. `now`: monotonic seconds."""
        if not self.isActive():  # it has ended, but the callback that reports this failed
            self.over(self.ending or Ending.PEER_ERROR)
            return
        self.streams.inspect_all(self.getId(), now)
        if self.streams.health.silent(now):
            self.end(Ending.RTP_TIMEOUT)
            return
        if self.streams.health.confirmed and self.ending is None and self.streams.health.asks(now):
            self._ask()
        self.feed.give_way(now)

    def _ask(self) -> None:
        """Ask whether the peer is alive. If it answers 481, the library itself ends the dialog."""
        question = pj.CallSendRequestParam()
        question.method = QUESTION
        try:
            self.sendRequest(question)
        except pj.Error as error:
            log.info("cannot reach the peer: %s", error.reason, extra={"call_id": self.call_id})
            self.end(Ending.PEER_ERROR)


def _only_listen(options: Any, legs: Sequence[OfferedLeg]) -> None:
    """Accept these streams as receive-only, whatever their offered direction."""
    options.audioCount = len(legs)
    options.videoCount = options.textCount = 0
    options.flag |= pj.PJSUA_CALL_SET_MEDIA_DIR
    options.mediaDir.clear()
    for _ in range(max(place for leg in legs for place in (leg.index, *leg.alternatives)) + 1):
        options.mediaDir.append(pj.PJMEDIA_DIR_DECODING)
