"""G.711 µ-law, by table: 16-bit linear samples to bytes and back (ITU-T G.711, table 2).

It is written by hand because FFmpeg's encoder misses the standard's decision values for 851 of the 65,536 samples.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

SILENCE: Final = 0xFF
"""The byte of a zero sample."""

_BIAS: Final = 0x84
_CLIP: Final = 32635


def _decoding_table() -> NDArray[np.int16]:
    inverted = ~np.arange(256, dtype=np.uint8)
    mantissa = (inverted & 0x0F).astype(np.int32)
    exponent = ((inverted >> 4) & 0x07).astype(np.int32)
    magnitude = (((mantissa << 3) + _BIAS) << exponent) - _BIAS
    return np.where(inverted & 0x80, -magnitude, magnitude).astype(np.int16)


def _encoding_table() -> NDArray[np.uint8]:
    """One byte for each of the 65,536 samples, indexed by the sample's two's complement bits."""
    samples = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    biased = np.minimum(np.abs(samples), _CLIP) + _BIAS
    exponent = np.floor(np.log2(biased)).astype(np.int32) - 7
    mantissa = (biased >> (exponent + 3)) & 0x0F
    sign = np.where(samples < 0, 0x80, 0)
    table: NDArray[np.uint8] = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return table


_DECODE: Final = _decoding_table()
_ENCODE: Final = _encoding_table()


def encode(samples: NDArray[np.int16]) -> bytes:
    """µ-law bytes, one for each 16-bit sample; louder than ±32635 is clipped."""
    return _ENCODE[samples.view(np.uint16)].tobytes()


def decode(data: bytes) -> NDArray[np.int16]:
    """16-bit samples, one for each µ-law byte."""
    return _DECODE[np.frombuffer(data, dtype=np.uint8)]
