"""Legs in the codecs that PBXes fork: from packets of µ-law, which scenarios keep, to packets of another one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import av
import numpy as np
from numpy.typing import NDArray

from testcall import alaw, ulaw

ULAW_HZ: Final = 8_000


@dataclass(frozen=True, slots=True)
class Codec:
    """How a codec travels in RTP (RFC 3551, RFC 7587)."""

    name: str
    """As rtpmap lines write it."""
    clock_hz: int
    """Of its timestamps: G.722 counts 8000 although it samples 16000 times a second."""
    encoder: str = ""
    """FFmpeg's name for it; empty for G.711."""
    sample_hz: int = ULAW_HZ

    @property
    def timestamp_step(self) -> int:
        """What a packet of 20 ms adds to the timestamp."""
        return self.clock_hz // 50


PCMU: Final = Codec("PCMU", 8_000)
PCMA: Final = Codec("PCMA", 8_000)
G722: Final = Codec("G722", 8_000, "g722", 16_000)
OPUS: Final = Codec("opus", 48_000, "libopus", 48_000)

_BY_NAME: Final = {codec.name.lower(): codec for codec in (PCMU, PCMA, G722, OPUS)}
_STATIC: Final = {0: PCMU, 8: PCMA, 9: G722}


def chosen(payload_type: int, offered: Sequence[str]) -> Codec | None:
    """The codec of a payload type among those offered (as `SessionForm.codecs`); None if it cannot be spoken."""
    for text in offered:
        number, _, name = text.partition(" ")
        if int(number) == payload_type:
            return _BY_NAME.get(name.partition("/")[0].lower()) if name else _STATIC.get(payload_type)
    return None


def encode(codec: Codec, payloads: Sequence[bytes]) -> tuple[bytes, ...]:
    """Packets of 20 ms of µ-law, as many packets of `codec`."""
    if codec is PCMU:
        return tuple(payloads)
    if codec is PCMA:
        return tuple(alaw.encode(ulaw.decode(payload)) for payload in payloads)
    return _by_ffmpeg(codec, ulaw.decode(b"".join(payloads)), len(payloads))


def _by_ffmpeg(codec: Codec, samples: NDArray[np.int16], packets: int) -> tuple[bytes, ...]:
    encoder: Any = av.CodecContext.create(codec.encoder, "w")
    encoder.sample_rate, encoder.layout, encoder.format = codec.sample_hz, "mono", "s16"
    resampler = av.AudioResampler("s16", "mono", codec.sample_hz, codec.sample_hz // 50)
    frame = av.AudioFrame.from_ndarray(samples[np.newaxis, :], "s16", "mono")
    frame.sample_rate = ULAW_HZ
    found: list[bytes] = []
    for piece in (*resampler.resample(frame), *resampler.resample(None), None):
        found += [bytes(packet) for packet in encoder.encode(piece)]
    return tuple(found[:packets])
