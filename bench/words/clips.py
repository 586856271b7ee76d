"""Recordings whose words are known: Debian's telephone prompts, and sounds in which nobody speaks."""

from __future__ import annotations

import gzip
import re
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from testcall import ulaw

RATE_HZ = 8_000
VOICES = {
    "en": "en_US_f_Allison",
    "es": "es_MX_f_Allison",
    "fr": "fr_CA_f_June",
    "it": "it_IT_m_Carlo",
    "ru": "ru_RU_f_IvrvoiceRU",
}
"""The voice of each language in the packages asterisk-core-sounds-LANGUAGE-wav."""
LONG_SECONDS = 1.5
"""Prompts of this length and more are sentences, shorter ones a word or two."""
NOT_WORDS = re.compile(r"[\[\]<>()]|letters/|silence/|tone|beep")
"""Prompts with stage directions instead of words, and single letters, which no context tells apart."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording."""

    name: str
    pcm: bytes
    """16-bit mono at 8 kHz, as it comes off a µ-law line."""
    said: str
    """Its words; empty where nobody speaks."""
    language: str = "en"
    other: bytes = b""
    """What the call's other leg carries meanwhile, if that matters."""

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.pcm) / 2 / RATE_HZ


def prompts(root: Path, language: str) -> Iterator[Clip]:
    """The prompts of a language, in the order of their list. `root` holds `usr/share`. Raises OSError."""
    share = root / "usr" / "share"
    listed = share / "doc" / f"asterisk-core-sounds-{language}" / f"core-sounds-{language}.txt.gz"
    folder = share / "asterisk" / "sounds" / VOICES[language]
    for line in gzip.decompress(listed.read_bytes()).decode("utf-8-sig").splitlines():
        name, colon, said = line.partition(":")
        path = folder / f"{name.strip()}.wav"
        if not colon or line.startswith(";") or NOT_WORDS.search(line) or not path.is_file():
            continue
        yield Clip(f"{language}/{name.strip()}", read(path), said.strip(), language)


def music(root: Path) -> Iterator[Clip]:
    """Hold music, of the package asterisk-moh-opsound-wav. Raises OSError."""
    for path in sorted((root / "usr" / "share" / "asterisk" / "moh").glob("*.wav")):
        yield Clip(path.stem, read(path), "")


def read(path: Path) -> bytes:
    """A WAV file of 8 kHz, 16-bit mono, once through µ-law. Raises OSError and wave.Error."""
    with wave.open(str(path), "rb") as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE_HZ, 1, 2):
            raise wave.Error(f"{path}: not 8 kHz, 16-bit mono")
        return over_the_line(np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16))


def over_the_line(samples: np.typing.NDArray[np.int16]) -> bytes:
    """Samples as a µ-law line carries them, as 16-bit PCM."""
    return ulaw.decode(ulaw.encode(samples)).tobytes()
