"""µ-law."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from testcall import ulaw


@pytest.mark.parametrize(
    ("byte", "sample"),
    [
        # ITU-T G.711 table 2a/2b, column 8 in 14-bit units: 0, 2, 30, 33, 99, 231, 495, 1023, 2079, 4191, 8031.
        (0xFF, 0),
        (0xFE, 2),
        (0xF0, 30),
        (0xEF, 33),
        (0xDF, 99),
        (0xCF, 231),
        (0xBF, 495),
        (0xAF, 1023),
        (0x9F, 2079),
        (0x8F, 4191),
        (0x80, 8031),
    ],
)
def test_bytes_have_the_values_of_the_standard(byte: int, sample: int) -> None:
    """A byte decodes to the standard's output value, in either sign, and that value encodes to the byte."""
    scaled = sample * 4  # 14 bits to 16
    negative = byte & 0x7F
    assert ulaw.decode(bytes([byte, negative])).tolist() == [scaled, -scaled]
    assert ulaw.encode(np.array([scaled], dtype=np.int16)) == bytes([byte])
    if scaled:
        assert ulaw.encode(np.array([-scaled], dtype=np.int16)) == bytes([negative])


@pytest.mark.parametrize("decision", [31, 95, 223, 479, 991, 2015, 4063, 7903])
def test_decision_values_are_those_of_the_standard(decision: int) -> None:
    """From a decision value on (table 2, column 5, in 14-bit units) a sample gets the next byte, below it does not."""
    above, below = ulaw.encode(np.array([decision * 4, decision * 4 - 1], dtype=np.int16))
    assert above == below - 1


def test_full_scale_is_clipped() -> None:
    """The loudest samples of both signs become the loudest bytes, and zero the byte of silence."""
    samples = np.array([32767, -32768, 0], dtype=np.int16)
    assert ulaw.encode(samples) == bytes([0x80, 0x00, ulaw.SILENCE])


@given(st.integers(-32635, 32635))
def test_error_is_half_a_step(sample: int) -> None:
    """Coding a sample errs by half of its segment's step at most."""
    (decoded,) = ulaw.decode(ulaw.encode(np.array([sample], dtype=np.int16)))
    step = 2 ** ((abs(sample) + 132).bit_length() - 5)
    assert abs(int(decoded) - sample) <= step / 2
