"""How a call's RTP arrives: counts what each stream received and lost, and tells what is the matter with it. Pure.

Of one dialog, on the library's thread: looked at now and then, between which the library counts by itself. Loss is
RFC 3550's (appendix A.3: expected less received), jitter that of its appendix A.8; neither needs RTCP.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from prometheus_client import Counter, Histogram

from callbus import ConditionKind

PACKETS = Counter("callvane_rtp_packets_received_total", "RTP packets received.")
MISSED = Counter("callvane_rtp_packets_lost_total", "RTP packets that never arrived, by the gaps in their numbers.")
JITTER = Histogram(
    "callvane_rtp_jitter_seconds",
    "Interarrival jitter (RFC 3550) of each stream, read every few seconds.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25),
)

WINDOW_SECONDS = 5.0
"""What is the matter is judged by at least so long."""
LEAST_PACKETS = 50
"""Of fewer than these a share says nothing: a second's worth."""
CALM_WINDOWS = 2
"""So many in a row must be well before what was the matter is over."""
CALM_SHARE = 0.5
"""Well is less than this share of a limit."""

UNDECODABLE_SHARE = 0.5
"""Of the packets: DTMF and comfort noise are no such packets."""

NOBODY = -1
"""In place of the number of the ring that listens to a stream."""

Faults = Mapping[ConditionKind, float]
"""What is the matter with a stream, each with what was measured when it began."""


@dataclass(frozen=True, slots=True)
class ArrivalLimits:
    """From where on something is the matter; 0 for never."""

    loss: float
    """Share of the packets."""
    jitter_seconds: float
    late: float
    """Share of the packets whose frames are thrown away."""


class Totals(NamedTuple):
    """What the library has counted of a stream since it was made, in its own order (pjsua2's `streamCounts`)."""

    packets: int = 0
    missed: int = 0
    """Packets that never came; falls when one comes after all."""
    jitter_seconds: float = 0.0
    """Now."""
    reports: int = 0
    """RTCP packets."""
    source: str = ""
    """Address and port of the latest packet; empty before the first."""
    dropped: int = 0
    """Packets that the socket dropped."""
    ring: int = NOBODY
    """Which ring listens, and counts the rest: it goes on where the stream is made anew, or changes its ring."""
    late: int = 0
    """Frames thrown away."""
    undecodable: int = 0
    """Packets of a payload type that cannot be decoded."""
    undecodable_type: int = 0
    """The latest such type."""


NOTHING = Totals()


@dataclass(slots=True)
class _Stream:
    heard_at: float
    judged_at: float
    totals: Totals = NOTHING
    packets: int = 0
    """This and the next three: since the last judgement."""
    missed: int = 0
    late: int = 0
    undecodable: int = 0
    faults: dict[ConditionKind, float] = field(default_factory=dict)
    calm: dict[ConditionKind, int] = field(default_factory=dict)


class StreamHealth:
    """One call's streams, by their m-line's place. Times are in seconds of one monotonic clock."""

    def __init__(self, timeout_seconds: float, limits: ArrivalLimits) -> None:
        """`timeout_seconds`: silence on all active streams, without any other sign of life, that means a lost peer;
        0 for never.
        """
        self.confirmed = False
        """Whether the dialog was acknowledged."""
        self._timeout_seconds = timeout_seconds
        self._limits = limits
        self._alive_at = self._asked_at = float("-inf")
        self._streams: dict[int, _Stream] = {}

    @property
    def streams(self) -> tuple[int, ...]:
        """Those on which packets are due."""
        return tuple(self._streams)

    def expect(self, indices: Iterable[int], now: float) -> None:
        """Packets are due on these streams from now on; the others are held or gone."""
        self._streams = {index: self._streams.get(index) or _Stream(now, now) for index in indices}
        self._asked_at = now  # as good as a question: it came of something that the peer did

    def update(self, index: int, now: float, totals: Totals) -> Faults:
        """Take a stream's totals as they stand now; what is the matter with it."""
        stream = self._streams.get(index)
        if stream is None:
            return {}
        before = stream.totals
        if totals.packets < before.packets:  # the stream was made anew, by a re-INVITE: its counts start again
            before = before._replace(packets=0, missed=0)
        if totals.reports < before.reports:
            before = before._replace(reports=0)
        if totals.ring != before.ring:
            before = before._replace(late=totals.late, undecodable=totals.undecodable)
        stream.totals = totals
        packets, late = totals.packets - before.packets, max(0, totals.late - before.late)
        missed = max(0, totals.missed - before.missed)
        PACKETS.inc(packets)
        if missed:
            MISSED.inc(missed)
        if totals.reports > before.reports:
            self.lives(now)
        if packets:
            stream.heard_at = now
            JITTER.observe(totals.jitter_seconds)
        stream.packets += packets
        stream.missed += missed
        stream.late += late
        stream.undecodable += max(0, totals.undecodable - before.undecodable)
        if now - stream.judged_at >= WINDOW_SECONDS:
            self._judge(stream, now, totals.jitter_seconds)
        return dict(stream.faults)

    def lives(self, now: float) -> None:
        """The peer has shown that it is there, by a request within the dialog: it may have nothing to send."""
        self._alive_at = now

    def asks(self, now: float) -> bool:
        """Whether to ask the peer whether it is there: nothing is due, and neither a sign of life nor a question of
        ours came for the timeout. The question counts as asked.
        """
        if self._streams or not 0 < self._timeout_seconds <= now - max(self._alive_at, self._asked_at):
            return False
        self._asked_at = now
        return True

    def silent(self, now: float) -> bool:
        """Whether packets are due, none came on any stream for the timeout, and no sign of life either."""
        return 0 < self._timeout_seconds <= min(self.quiet_seconds(now), now - self._alive_at)

    def quiet_seconds(self, now: float) -> float:
        """For how long no stream has brought a packet; 0 where none is due."""
        return min((now - stream.heard_at for stream in self._streams.values()), default=0.0)

    def _judge(self, stream: _Stream, now: float, jitter_seconds: float) -> None:
        due, limits = stream.packets + stream.missed, self._limits
        measured = {
            ConditionKind.LOSS: (stream.missed / max(1, due), limits.loss),
            ConditionKind.JITTER: (jitter_seconds, limits.jitter_seconds),
            ConditionKind.LATE: (min(1.0, stream.late / max(1, stream.packets)), limits.late),
        }
        for kind, (value, limit) in measured.items():
            _begin_or_end(stream, kind, value if due >= LEAST_PACKETS else 0.0, limit)
        undecodable = stream.undecodable / max(1, stream.packets) if stream.packets >= LEAST_PACKETS else 0.0
        told = float(stream.totals.undecodable_type)
        _begin_or_end(stream, ConditionKind.UNDECODABLE, undecodable, UNDECODABLE_SHARE, told)
        stream.judged_at = now
        stream.packets = stream.missed = stream.late = stream.undecodable = 0


def _begin_or_end(stream: _Stream, kind: ConditionKind, value: float, limit: float, told: float | None = None) -> None:
    """Let a fault begin at its limit, and end after some windows well below it: in between it stays as it is.

    `told`: what is said of it, where that is not the value.
    """
    if 0 < limit <= value:
        stream.calm[kind] = 0
        stream.faults.setdefault(kind, value if told is None else told)
    elif kind in stream.faults:
        stream.calm[kind] = stream.calm[kind] + 1 if value < CALM_SHARE * limit else 0
        if stream.calm[kind] >= CALM_WINDOWS:
            del stream.faults[kind]
