"""Telephone WAV files: 8 kHz mono, µ-law or 16-bit PCM, read to µ-law bytes and written as µ-law."""

from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from testcall import ulaw

SAMPLE_RATE_HZ: Final = 8000
MAX_FILE_BYTES: Final = 64 * 1024 * 1024
"""Over two hours of µ-law: whatever is larger is no leg of a test call."""

_PCM: Final = "pcm_s16le"
_MULAW: Final = "pcm_mulaw"


class WavError(ValueError):
    """A file that is no telephone WAV; the message names the file and what is wrong with it."""


def read(path: Path) -> bytes:
    """µ-law bytes at 8 kHz of a mono WAV file; WavError if it is none."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size > MAX_FILE_BYTES:
                raise WavError(f"{size} bytes, more than the {MAX_FILE_BYTES} that a leg may have")
            # FFmpeg plays what is there of a file that was cut short; its header tells how much there was.
            header = file.read(8)
            told = int.from_bytes(header[4:], "little") + 8
            if header[:4] == b"RIFF" and told > size:
                raise WavError(f"cut short: its header says {told} bytes, {size} are there")
            file.seek(0)
            with av.open(file, format="wav") as container:
                return _read(container)
    except WavError as error:
        raise WavError(f"{path}: {error}") from None
    except av.FFmpegError as error:
        raise WavError(f"{path}: not a WAV file with audio ({error.strerror})") from error
    except OSError as error:
        raise WavError(f"{path}: {error.strerror}") from error


def _read(container: Any) -> bytes:
    stream = container.streams.audio[0]
    encoding = stream.codec_context.name
    if encoding not in {_PCM, _MULAW}:
        raise WavError(f"its encoding is {encoding}: {_PCM} or {_MULAW} is needed")
    if stream.channels != 1:
        raise WavError(f"{stream.channels} channels: one is needed")
    if stream.sample_rate != SAMPLE_RATE_HZ:
        raise WavError(f"{stream.sample_rate} Hz: {SAMPLE_RATE_HZ} Hz is needed")
    audio = b"".join(bytes(packet) for packet in container.demux(stream))
    if not audio:
        raise WavError("no audio: the data chunk is empty")
    if encoding == _MULAW:
        return audio
    if len(audio) % 2:
        raise WavError("half a sample at the end of the data chunk")
    return ulaw.encode(np.frombuffer(audio, dtype="<i2").astype(np.int16))


def write(path: Path, data: bytes) -> None:
    """Writes µ-law bytes at 8 kHz as a mono WAV file, without the chunk that names the program."""
    with av.open(str(path), "w", format="wav", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(_MULAW, rate=SAMPLE_RATE_HZ, layout="mono")
        packet = av.Packet(data)
        packet.stream = stream
        packet.pts = packet.dts = 0
        container.mux(packet)
