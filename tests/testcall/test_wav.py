"""Telephone WAV files."""

import contextlib
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from testcall import scenario, ulaw, wav
from testcall.wav import WavError


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", name, len(content)) + content + b"\0" * (len(content) % 2)


def riff(*chunks: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 4 + sum(map(len, chunks))) + b"WAVE" + b"".join(chunks)


def fmt(encoding: int = 7, channels: int = 1, rate: int = 8000, bits: int = 8) -> bytes:
    return chunk(b"fmt ", struct.pack("<HHIIHH", encoding, channels, rate, rate, 1, bits))


@pytest.mark.parametrize("audio", [b"\xff", b"\xff\x00\x7f\x80"])
def test_written_file_is_read(tmp_path: Path, audio: bytes) -> None:
    """What is written is read back, also with an odd number of bytes."""
    path = tmp_path / "leg.wav"
    wav.write(path, audio)
    assert wav.read(path) == audio


@pytest.mark.parametrize("name", ["turns_angry", "arrives_upset"])
def test_shipped_audio_is_written_as_it_is(tmp_path: Path, name: str) -> None:
    """Reading and writing a shipped leg gives the same file, so that synthesis changes no file in vain."""
    shipped = scenario.load(name).audio_path("customer")
    wav.write(tmp_path / "leg.wav", wav.read(shipped))
    assert (tmp_path / "leg.wav").read_bytes() == shipped.read_bytes()


def test_pcm_is_encoded(tmp_path: Path) -> None:
    """A 16-bit file as other programs write it comes back as µ-law."""
    path = tmp_path / "leg.wav"
    samples = np.array([0, 120, -4000, 32767], dtype="<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())
    assert wav.read(path) == ulaw.encode(samples)


def test_other_chunks_are_passed_over(tmp_path: Path) -> None:
    """Chunks that hold no audio, of odd size too, do not disturb."""
    path = tmp_path / "leg.wav"
    path.write_bytes(riff(chunk(b"LIST", b"INFOx"), fmt(), chunk(b"fact", b"\4\0\0\0"), chunk(b"data", b"\xff\xfe")))
    assert wav.read(path) == b"\xff\xfe"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a WAV file"),
        (b"ID3\x04 some music in another format", "not a WAV file"),
        (riff(), "not a WAV file"),
        (riff(fmt()), "not a WAV file with audio"),
        (riff(fmt(), chunk(b"data", b"")), "the data chunk is empty"),
        (riff(chunk(b"fmt ", b"\7\0")), "not a WAV file"),
        (riff(fmt(), chunk(b"data", bytes(1_000)))[:-300], "cut short: its header says 1044 bytes, 744 are there"),
        (riff(fmt(), chunk(b"data", bytes(1_000)))[:20], "cut short"),
        (riff(fmt(rate=16000), chunk(b"data", b"\xff")), "16000 Hz"),
        (riff(fmt(channels=2), chunk(b"data", b"\xff")), "2 channels"),
        (riff(fmt(encoding=3, bits=32), chunk(b"data", b"\xff\0\0\0")), "its encoding is pcm_f32le"),
        (riff(fmt(encoding=1, bits=16), chunk(b"data", b"\xff\0\xff")), "half a sample"),
    ],
)
def test_fault_is_named_with_the_file(tmp_path: Path, data: bytes, reason: str) -> None:
    """A file that is no telephone WAV ends in one line with its path and what is wrong."""
    path = tmp_path / "leg.wav"
    path.write_bytes(data)
    with pytest.raises(WavError, match=reason) as caught:
        wav.read(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_absent_and_huge_files_are_refused(tmp_path: Path) -> None:
    """A file that is not there, or larger than any leg, is not read."""
    with pytest.raises(WavError, match="No such file"):
        wav.read(tmp_path / "none.wav")
    path = tmp_path / "huge.wav"
    with path.open("wb") as file:
        file.truncate(wav.MAX_FILE_BYTES + 1)
    with pytest.raises(WavError, match="more than"):
        wav.read(path)


@given(st.binary(max_size=64).map(lambda tail: b"RIFF\0\0\0\0WAVE" + tail))
def test_noise_is_an_error_or_audio(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """Whatever bytes follow the header, reading gives audio or a WavError."""
    path = tmp_path_factory.mktemp("wav") / "leg.wav"
    path.write_bytes(data)
    with contextlib.suppress(WavError):
        assert wav.read(path)
