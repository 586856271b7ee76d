"""A-law."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from testcall import alaw


@pytest.mark.parametrize(
    ("byte", "sample"),
    [
        # ITU-T G.711 table 1a, column 8 in 13-bit units: 1, 31, 33, 66, 132, 264, 528, 1056, 2112, 4032.
        (0xD5, 1),
        (0xDA, 31),
        (0xC5, 33),
        (0xF5, 66),
        (0xE5, 132),
        (0x95, 264),
        (0x85, 528),
        (0xB5, 1056),
        (0xA5, 2112),
        (0xAA, 4032),
    ],
)
def test_bytes_have_the_values_of_the_standard(byte: int, sample: int) -> None:
    """A byte decodes to the standard's output value, in either sign, and that value encodes to the byte."""
    scaled = sample * 8  # 13 bits to 16
    negative = byte & 0x7F
    assert alaw.decode(bytes([byte, negative])).tolist() == [scaled, -scaled]
    assert alaw.encode(np.array([scaled, -scaled], dtype=np.int16)) == bytes([byte, negative])


@pytest.mark.parametrize("decision", [64, 128, 256, 512, 1024, 2048, 3968])
def test_decision_values_are_those_of_the_standard(decision: int) -> None:
    """From a decision value on (table 1, column 5, in 13-bit units) a sample gets the next byte, below it does not."""
    above, below = (byte ^ 0x55 for byte in alaw.encode(np.array([decision * 8, decision * 8 - 1], dtype=np.int16)))
    assert above == below + 1


def test_the_ends_of_the_scale() -> None:
    """The loudest samples of both signs become the loudest bytes, and zero the byte of silence."""
    samples = np.array([32767, -32768, 0], dtype=np.int16)
    assert alaw.encode(samples) == bytes([0xAA, 0x2A, alaw.SILENCE])


@given(st.integers(-32768, 32767))
def test_error_is_half_a_step(sample: int) -> None:
    """Coding a sample errs by half of its segment's step at most."""
    (decoded,) = alaw.decode(alaw.encode(np.array([sample], dtype=np.int16)))
    step = max(16, 2 ** ((abs(sample)).bit_length() - 5))
    assert abs(int(decoded) - sample) <= step / 2
