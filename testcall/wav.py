"""Telephone WAV files: 8 kHz mono, µ-law or 16-bit PCM, read to µ-law bytes and written as µ-law.

Python's own `wave` module refuses µ-law, so the RIFF chunks are read here.
"""

import struct
from pathlib import Path
from typing import Final

import numpy as np

from testcall import ulaw

SAMPLE_RATE_HZ: Final = 8000
MAX_FILE_BYTES: Final = 64 * 1024 * 1024
"""Over two hours of µ-law: whatever is larger is no leg of a test call."""

_PCM: Final = 1
_MULAW: Final = 7


class WavError(ValueError):
    """A file that is no telephone WAV; the message names the file and what is wrong with it."""


def read(path: Path) -> bytes:
    """µ-law bytes at 8 kHz of a mono WAV file; WavError if it is none."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise WavError(f"{path}: {size} bytes, more than the {MAX_FILE_BYTES} that a leg may have")
        data = path.read_bytes()
    except OSError as error:
        raise WavError(f"{path}: {error.strerror}") from error
    try:
        return _read(data)
    except WavError as error:
        raise WavError(f"{path}: {error}") from None


def _read(data: bytes) -> bytes:
    if len(data) < 12 or data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise WavError("not a WAV file (no RIFF/WAVE header)")
    encoding = None
    position = 12
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        chunk = data[position + 8 : position + 8 + size]
        if len(chunk) < size:
            raise WavError(f"cut short: the {name!r} chunk says {size} bytes, {len(chunk)} are there")
        if name == b"fmt ":
            encoding = _check_format(chunk)
        elif name == b"data":
            if encoding is None:
                raise WavError("audio before its format: the data chunk comes before fmt")
            return _to_ulaw(chunk, encoding)
        position += 8 + size + size % 2
    raise WavError("no audio: the data chunk is missing" if encoding else "no fmt chunk")


def _check_format(chunk: bytes) -> int:
    """The encoding of a `fmt` chunk, if it is one that telephones speak."""
    if len(chunk) < 16:
        raise WavError(f"the fmt chunk has {len(chunk)} bytes, 16 are the least")
    encoding, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if (encoding, bits) not in {(_PCM, 16), (_MULAW, 8)}:
        raise WavError(f"encoding {encoding} with {bits} bits: 16-bit PCM or µ-law is needed")
    if channels != 1:
        raise WavError(f"{channels} channels: one is needed")
    if rate != SAMPLE_RATE_HZ:
        raise WavError(f"{rate} Hz: {SAMPLE_RATE_HZ} Hz is needed")
    return int(encoding)


def _to_ulaw(chunk: bytes, encoding: int) -> bytes:
    if not chunk:
        raise WavError("no audio: the data chunk is empty")
    if encoding == _MULAW:
        return chunk
    if len(chunk) % 2:
        raise WavError("half a sample at the end of the data chunk")
    return ulaw.encode(np.frombuffer(chunk, dtype="<i2").astype(np.int16))


def write(path: Path, data: bytes) -> None:
    """Writes µ-law bytes at 8 kHz as a mono WAV file."""
    # A format that is not PCM has the extension's size (none) and a fact chunk with the number of samples.
    fmt = struct.pack("<HHIIHHH", _MULAW, 1, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ, 1, 8, 0)
    padding = b"\0" * (len(data) % 2)
    chunks = (
        b"WAVE"
        + struct.pack("<4sI", b"fmt ", len(fmt))
        + fmt
        + struct.pack("<4sII", b"fact", 4, len(data))
        + struct.pack("<4sI", b"data", len(data))
        + data
        + padding
    )
    path.write_bytes(struct.pack("<4sI", b"RIFF", len(chunks)) + chunks)
