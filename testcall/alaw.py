"""G.711 A-law, by table: 16-bit linear samples to bytes and back (ITU-T G.711, table 1).

It is written by hand because FFmpeg's encoder misses the standard's decision values for 964 of the 65,536 samples.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

SILENCE: Final = 0xD5
"""The byte of a zero sample."""

_EVEN_BITS: Final = 0x55
"""Every other bit travels inverted."""


def _decoding_table() -> NDArray[np.int16]:
    plain = np.arange(256, dtype=np.uint8) ^ np.uint8(_EVEN_BITS)
    mantissa = (plain & 0x0F).astype(np.int32)
    segment = ((plain >> 4) & 0x07).astype(np.int32)
    magnitude = np.where(segment == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(segment - 1, 0))
    return np.where(plain & 0x80, magnitude, -magnitude).astype(np.int16)


def _encoding_table() -> NDArray[np.uint8]:
    """One byte for each of the 65,536 samples, indexed by the sample's two's complement bits."""
    samples = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    magnitude = np.where(samples < 0, ~samples, samples) >> 3
    segment = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 4, 0)
    mantissa = (magnitude >> np.maximum(segment, 1)) & 0x0F
    sign = np.where(samples < 0, 0, 0x80)
    table: NDArray[np.uint8] = ((sign | (segment << 4) | mantissa) ^ _EVEN_BITS).astype(np.uint8)
    return table


_DECODE: Final = _decoding_table()
_ENCODE: Final = _encoding_table()


def encode(samples: NDArray[np.int16]) -> bytes:
    """A-law bytes, one for each 16-bit sample."""
    return _ENCODE[samples.view(np.uint16)].tobytes()


def decode(data: bytes) -> NDArray[np.int16]:
    """16-bit samples, one for each A-law byte."""
    return _DECODE[np.frombuffer(data, dtype=np.uint8)]
