"""One dialog's streams: which leg's ring listens to which, whose packets are accepted, how they arrive.

One of the files that use pjsua2. Everything here runs on the library's thread.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pjsua2 as pj

from callbus import ConditionKind
from sip_bridge.calls.lines import Lines
from sip_bridge.hearing.leg import Leg
from sip_bridge.hearing.stream_health import StreamHealth, Totals
from sip_bridge.pjsip.rtp_source import RtpSources
from sip_bridge.request.description import DECODABLE
from sip_bridge.request.invite import OfferedLeg
from sip_bridge.settings import BridgeSettings


class Streams:
    """One dialog's streams, known by their m-line index. `slot` is the library's number for the dialog."""

    def __init__(self, settings: BridgeSettings) -> None:
        self.health = StreamHealth(settings.rtp_timeout_seconds, settings.arrival_limits)
        self._captured: dict[int, Leg] = {}
        """The leg whose ring listens, for each stream."""
        self._sources = RtpSources(settings.rtp_source)

    def guard(self, call: pj.Call, info: Any) -> None:
        """Restrict the sockets to the expected sources. `info`: the call's current state."""
        if self._sources.mode == "off":
            return
        for media in filter(_is_heard, info.media):
            with suppress(pj.Error):  # it is already gone
                remote = call.getStreamInfo(media.index).remoteRtpAddress
                self._sources.expect(media.index, pj.rtpDescriptor(call.getId(), media.index), remote)

    def attend(self, slot: int, info: Any, lines: Lines, offered: Sequence[OfferedLeg], heard: bool) -> None:
        """Route each active stream into its leg, and stop listening to the others.

        `offered`: the other side's current offer. `heard`: whether the dialog feeds its call.
        """
        up = {media.index for media in info.media if _is_heard(media)}
        lines.settle(up)
        legs = lines.legs
        now = time.time()
        for index, leg in list(self._captured.items()):  # release all before capturing: two legs may have swapped
            if index not in up or legs.get(index) is not leg:
                self.release(index, now)
        strange = _strange(offered)
        for index, leg in legs.items():
            if index in up and heard:
                self._capture(slot, index, leg, now)
            elif index in strange:
                leg.faults = {ConditionKind.UNDECODABLE: strange[index]}
            elif index not in self._captured:
                leg.pause(now)
        self.health.expect(up, time.monotonic())

    def release(self, index: int, now: float) -> None:
        """Stop listening to this stream. `now`: unix seconds."""
        if leg := self._captured.pop(index, None):
            leg.pause(now)  # packets waiting in the ring are still decoded
            leg.ring.inlet.ignore()
            leg.faults = {}

    def release_all(self, now: float) -> None:
        """Stop listening to all streams. `now`: unix seconds."""
        for index in list(self._captured):
            self.release(index, now)

    def inspect_all(self, slot: int, now: float) -> None:
        """Read the statistics of all streams. `now`: seconds of a monotonic clock."""
        for index in self.health.streams:
            self.inspect(slot, index, now)

    def inspect(self, slot: int, index: int, now: float) -> None:
        """Read one stream's statistics: how it arrives, and what its socket dropped. `now`: monotonic seconds."""
        counts = pj.streamCounts(slot, index)
        if counts is None:  # the stream has just ended
            return
        totals = Totals(*counts)
        self._sources.inspect(index, totals.source, totals.dropped)
        faults = self.health.update(index, now, totals)
        if leg := self._captured.get(index):
            leg.faults = faults

    def _capture(self, slot: int, index: int, leg: Leg, now: float) -> None:
        leg.resume(now)
        if leg.ring.inlet.listen(slot, index):
            self._captured[index] = leg


def _is_heard(media: Any) -> bool:
    """Whether a stream brings audio. The library reports a receive-only stream as held by the remote side."""
    up = media.status in (pj.PJSUA_CALL_MEDIA_ACTIVE, pj.PJSUA_CALL_MEDIA_REMOTE_HOLD)
    return up and media.type == pj.PJMEDIA_TYPE_AUDIO and bool(media.dir & pj.PJMEDIA_DIR_DECODING)


def _strange(offered: Sequence[OfferedLeg]) -> dict[int, float]:
    """The first payload type of each stream that was refused because it cannot be decoded, by m-line index."""
    return {
        leg.index: float(leg.codecs[0].payload_type) for leg in offered if leg.codecs and leg.undecodable(DECODABLE)
    }
