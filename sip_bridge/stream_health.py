"""How a call's RTP arrives: counts what each stream received and lost, and notices when nothing comes any more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client import Counter, Histogram

PACKETS = Counter("callvane_rtp_packets_received_total", "RTP packets received.")
LOST = Counter("callvane_frames_lost_total", "Audio frames that never arrived or came too late to wait for.")
LATE = Counter("callvane_frames_late_total", "Audio frames discarded by the jitter buffer: too late, or a burst.")
JITTER = Histogram(
    "callvane_rtp_jitter_seconds",
    "Interarrival jitter (RFC 3550) of each stream, read every two seconds.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25),
)


@dataclass(slots=True)
class _Stream:
    heard_at: float
    packets: int = 0
    lost: int = 0
    late: int = 0


class StreamHealth:
    """One call's streams, by their m-line's place. Times are in seconds of one monotonic clock."""

    def __init__(self, timeout_seconds: float) -> None:
        """`timeout_seconds`: silence on all active streams that means a lost peer; 0 for never."""
        self.confirmed = False
        """Whether the dialog was acknowledged."""
        self._timeout_seconds = timeout_seconds
        self._streams: dict[int, _Stream] = {}

    @property
    def streams(self) -> tuple[int, ...]:
        """Those on which packets are due."""
        return tuple(self._streams)

    def expect(self, indices: Iterable[int], now: float) -> None:
        """Packets are due on these streams from now on; the others are held or gone."""
        self._streams = {index: self._streams.get(index) or _Stream(now) for index in indices}

    def update(self, index: int, now: float, packets: int, lost: int, late: int, jitter_microseconds: int) -> None:
        """Take a stream's totals as they stand now."""
        stream = self._streams.get(index)
        if stream is None:
            return
        if packets < stream.packets:  # the stream was made anew, by a re-INVITE: its counts start again
            stream.packets = stream.lost = stream.late = 0
        if packets > stream.packets:
            stream.heard_at = now
            JITTER.observe(jitter_microseconds / 1e6)
        PACKETS.inc(packets - stream.packets)
        LOST.inc(max(0, lost - stream.lost))
        LATE.inc(max(0, late - stream.late))
        stream.packets, stream.lost, stream.late = packets, lost, late

    def silent(self, now: float) -> bool:
        """Whether packets are due and none came on any stream for the timeout."""
        return 0 < self._timeout_seconds <= self.quiet_seconds(now)

    def quiet_seconds(self, now: float) -> float:
        """For how long no stream has brought a packet; 0 where none is due."""
        return min((now - stream.heard_at for stream in self._streams.values()), default=0.0)
