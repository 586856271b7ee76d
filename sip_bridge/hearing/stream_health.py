"""How a call's RTP arrives: counts packets received and lost per stream, and detects faults. Pure.

One instance per dialog, on the library's thread. It reads the library's own counters periodically. Loss is RFC 3550
appendix A.3 (expected minus received), jitter is appendix A.8; neither needs RTCP.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from prometheus_client import Counter, Histogram

from callbus import ConditionKind

PACKETS = Counter("callvane_rtp_packets_received_total", "RTP packets received.")
MISSED = Counter("callvane_rtp_packets_lost_total", "RTP packets that never arrived, from gaps in sequence numbers.")
JITTER = Histogram(
    "callvane_rtp_jitter_seconds",
    "Interarrival jitter (RFC 3550) of each stream, read every few seconds.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25),
)

WINDOW_SECONDS = 5.0
"""Shortest time over which a stream is judged."""
LEAST_PACKETS = 50
"""Fewer packets (one second's worth) are too few to judge a share."""
CALM_WINDOWS = 2
"""Windows in a row that must be good before a fault clears."""
CALM_SHARE = 0.5
"""A window is good below this share of a limit."""

UNDECODABLE_SHARE = 0.5
"""Share of the packets; DTMF and comfort noise do not count as undecodable."""

NOBODY = -1
"""Ring number if no ring listens to a stream."""

Faults = Mapping[ConditionKind, float]
"""The faults of a stream, with the value measured when each started."""


@dataclass(frozen=True, slots=True)
class ArrivalLimits:
    """Thresholds above which a stream is reported. 0 disables."""

    loss: float
    """Share of the packets."""
    jitter_seconds: float
    late: float
    """Share of the packets whose frames are discarded."""


class Totals(NamedTuple):
    """The library's counters of a stream since it was created, in the order of pjsua2's `streamCounts`."""

    packets: int = 0
    missed: int = 0
    """Packets that never arrived; decreases when one arrives after all."""
    jitter_seconds: float = 0.0
    """Current value."""
    reports: int = 0
    """RTCP packets."""
    source: str = ""
    """Address and port of the latest packet; empty before the first."""
    dropped: int = 0
    """Packets that the socket dropped."""
    ring: int = NOBODY
    """The ring that listens and counts the fields below. It outlives the stream, and the stream may change its ring."""
    late: int = 0
    """Frames discarded."""
    undecodable: int = 0
    """Packets with a payload type that cannot be decoded."""
    undecodable_type: int = 0
    """The latest such payload type."""


NOTHING = Totals()


@dataclass(slots=True)
class _Stream:
    heard_at: float
    judged_at: float
    totals: Totals = NOTHING
    packets: int = 0
    """This and the next three count since the last judgement."""
    missed: int = 0
    late: int = 0
    undecodable: int = 0
    faults: dict[ConditionKind, float] = field(default_factory=dict)
    calm: dict[ConditionKind, int] = field(default_factory=dict)


class StreamHealth:
    """One dialog's streams, by m-line index. Times are in seconds of one monotonic clock."""

    def __init__(self, timeout_seconds: float, limits: ArrivalLimits) -> None:
        """`timeout_seconds`: after this long without packets or another sign of life, the peer is lost. 0 disables."""
        self.confirmed = False
        """Whether the ACK has arrived."""
        self._timeout_seconds = timeout_seconds
        self._limits = limits
        self._alive_at = self._asked_at = float("-inf")
        self._streams: dict[int, _Stream] = {}

    @property
    def streams(self) -> tuple[int, ...]:
        """Indexes of the streams on which packets are due."""
        return tuple(self._streams)

    def expect(self, indices: Iterable[int], now: float) -> None:
        """Set the streams on which packets are due from now on; the others are held or gone."""
        self._streams = {index: self._streams.get(index) or _Stream(now, now) for index in indices}
        self._asked_at = now  # counts as a question, because the peer caused the change

    def update(self, index: int, now: float, totals: Totals) -> Faults:
        """Process a stream's current counters. Returns its faults."""
        stream = self._streams.get(index)
        if stream is None:
            return {}
        before = stream.totals
        if totals.packets < before.packets:  # a re-INVITE recreated the stream, so its counters restart
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
        """Note a sign of life from the peer other than RTP: RTCP, or SIP within the dialog."""
        self._alive_at = now

    def asks(self, now: float) -> bool:
        """Whether to ask the peer if it is alive: no packets are due, and the timeout has passed since its last sign of
        life and our last question. If so, the question counts as asked.
        """
        if self._streams or not 0 < self._timeout_seconds <= now - max(self._alive_at, self._asked_at):
            return False
        self._asked_at = now
        return True

    def silent(self, now: float) -> bool:
        """Whether packets are due, but neither a packet nor another sign of life came within the timeout."""
        return 0 < self._timeout_seconds <= min(self.quiet_seconds(now), now - self._alive_at)

    def quiet_seconds(self, now: float) -> float:
        """Seconds since any stream brought a packet; 0 if none is due."""
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
    """Start a fault at its limit, and clear it after `CALM_WINDOWS` windows well below the limit.

    `told`: the value to report, if not `value`.
    """
    if 0 < limit <= value:
        stream.calm[kind] = 0
        stream.faults.setdefault(kind, value if told is None else told)
    elif kind in stream.faults:
        stream.calm[kind] = stream.calm[kind] + 1 if value < CALM_SHARE * limit else 0
        if stream.calm[kind] >= CALM_WINDOWS:
            del stream.faults[kind]
