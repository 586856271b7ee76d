"""Synthesises sentences as 8 kHz speech, G.711 µ-law, in numbered chunk files that training reads as they appear."""

import ctypes
import ctypes.util
import io
import json
import random
import subprocess
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly  # type: ignore[import-untyped]  # ships no types

from .sentences import Part, Sentence, draw, draw_snippets
from .voices import PLAIN, draw_training_voice

RATE_HZ = 8000
CHUNK_UTTERANCES = 500

_VOICE_FILES = {
    "en-us": "gmw/en-US",
    "en-gb": "gmw/en",
    "en-gb-scotland": "gmw/en-GB-scotland",
    "en-gb-x-rp": "gmw/en-GB-x-rp",
    "en-gb-x-gbclan": "gmw/en-GB-x-gbclan",
    "en-gb-x-gbcwmd": "gmw/en-GB-x-gbcwmd",
    "en-029": "gmw/en-029",
    "en-us-nyc": "gmw/en-US-nyc",
}
"""The C interface selects voices by file; only the command-line program resolves language names."""

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS of speak_lib.h
_UTF8 = 1
_RATE, _PITCH, _RANGE = 1, 3, 4
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


@dataclass(frozen=True, slots=True)
class Clip:
    """One synthesised utterance: `ulaw` is µ-law at 8 kHz."""

    written: str
    voice: str
    ulaw: np.ndarray


def to_ulaw(samples: np.ndarray) -> np.ndarray:
    """Encode floats in -1…1 as G.711 µ-law bytes."""
    pcm = np.clip(samples * 32768.0, -32635, 32635)
    magnitude = np.abs(pcm).astype(np.int32) + 132
    exponent = np.clip(np.floor(np.log2(magnitude)).astype(np.int32) - 7, 0, 7)
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(pcm < 0, 0x80, 0)
    ulaw: np.ndarray = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return ulaw


def from_ulaw(ulaw: np.ndarray) -> np.ndarray:
    """Decode G.711 µ-law bytes to floats in -1…1."""
    code = ~ulaw.astype(np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 132 << ((code >> 4) & 7)) - 132
    samples: np.ndarray = (np.where(code & 0x80, -magnitude, magnitude) / 32768.0).astype(np.float32)
    return samples


class Espeak:
    """espeak-ng in this process, through its C interface: several times faster than a process per sentence."""

    def __init__(self) -> None:
        name = ctypes.util.find_library("espeak-ng")
        if name is None:
            raise RuntimeError("libespeak-ng is not installed (Debian: libespeak-ng1)")
        self._lib = ctypes.CDLL(name)
        self.rate_hz: int = self._lib.espeak_Initialize(_SYNCHRONOUS, 0, None, 0)
        self._lib.espeak_Info.restype = ctypes.c_char_p
        data = ctypes.c_char_p()
        self._lib.espeak_Info(ctypes.byref(data))
        self._variants = Path((data.value or b"").decode()) / "voices" / "!v"
        self._pieces: list[np.ndarray] = []
        self._callback = _CALLBACK(self._receive)  # keep a reference: the library stores only its address
        self._lib.espeak_SetSynthCallback(self._callback)
        self._lib.espeak_TextToPhonemes.restype = ctypes.c_char_p

    def _receive(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int) -> int:
        if samples and count > 0:
            self._pieces.append(np.ctypeslib.as_array(samples, shape=(count,)).copy())
        return 0

    def _select(self, voice: str) -> None:
        accent, plus, variant = voice.partition("+")
        if variant and variant != PLAIN and not (self._variants / variant).is_file():
            raise ValueError(f"espeak-ng has no variant {variant}: it would use the accent's own voice")
        file = _VOICE_FILES.get(accent, accent) + ("" if variant == PLAIN else plus + variant)
        if self._lib.espeak_SetVoiceByName(file.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice}")

    def say(self, text: str, voice: str, words_per_minute: int, pitch: int = 50, pitch_range: int = 50) -> np.ndarray:
        """Floats in -1…1 at `rate_hz`; `pitch` and `pitch_range` 0…99."""
        self._select(voice)
        for parameter, value in ((_RATE, words_per_minute), (_PITCH, pitch), (_RANGE, pitch_range)):
            self._lib.espeak_SetParameter(parameter, value, 0)
        self._pieces.clear()
        data = text.encode() + b"\0"
        self._lib.espeak_Synth(data, len(data), 0, 1, 0, _UTF8, None, None)
        if not self._pieces:
            raise RuntimeError(f"espeak-ng said nothing for {text!r}")
        return np.concatenate(self._pieces).astype(np.float32) / 32768.0

    def phonemes(self, word: str) -> str:
        """IPA of a word in American English."""
        self._select("en-us")
        pointer = ctypes.c_char_p(word.encode())
        said: bytes = self._lib.espeak_TextToPhonemes(ctypes.byref(pointer), _UTF8, 2)
        return said.decode()


def _flite(text: str, speaker: str, stretch: float, pitch_shift: float) -> tuple[np.ndarray, int]:
    with_pitch = ["--setf", f"int_f0_target_mean={pitch_shift:.0f}"] if speaker == "kal" else []
    command = ["flite", "-voice", speaker, "--setf", f"duration_stretch={stretch:.2f}", *with_pitch]
    said = subprocess.run([*command, "-t", text, "-o", "/dev/stdout"], check=True, capture_output=True).stdout
    with wave.open(io.BytesIO(said)) as audio:
        rate = audio.getframerate()
    return np.frombuffer(said[44:], "<i2").astype(np.float32) / 32768.0, rate


def trim(samples: np.ndarray, threshold: float = 0.004) -> np.ndarray:
    """Drop near-silence at both ends, keeping 20 ms of it."""
    loud = np.flatnonzero(np.abs(samples) > threshold)
    if loud.size == 0:
        return samples
    margin = RATE_HZ // 50
    return samples[max(0, loud[0] - margin) : loud[-1] + margin]


def speak(espeak: Espeak, sentence: Sentence, voice: str, rng: random.Random) -> Clip:
    """Say a sentence at a random tempo and pitch, down-sampled to 8 kHz, peak at -1 dB."""
    if voice.startswith("flite:"):
        samples, rate = _flite(sentence.spoken, voice[6:], rng.uniform(0.85, 1.25), rng.uniform(85, 125))
    else:
        tempo = int(rng.triangular(125, 200, 160))
        samples = espeak.say(sentence.spoken, voice, tempo, rng.randint(35, 65), rng.randint(35, 65))
        rate = espeak.rate_hz
    common = int(np.gcd(rate, RATE_HZ))
    samples = trim(resample_poly(samples, RATE_HZ // common, rate // common).astype(np.float32))
    peak = float(np.abs(samples).max()) or 1.0
    return Clip(sentence.written, voice, to_ulaw(samples * (0.9 / peak)))


def write_chunk(path: Path, clips: list[Clip]) -> None:
    """Write clips as one file, atomically."""
    lengths = np.array([clip.ulaw.size for clip in clips])
    about = json.dumps([[clip.written, clip.voice] for clip in clips])
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as file:
        np.savez(file, audio=np.concatenate([clip.ulaw for clip in clips]), lengths=lengths, about=np.array(about))
    temporary.rename(path)


def read_chunk(path: Path) -> list[Clip]:
    """Read what `write_chunk` wrote."""
    with np.load(path) as data:
        ends = np.cumsum(data["lengths"])
        pieces = np.split(data["audio"], ends[:-1])
        return [
            Clip(text, voice, piece)
            for (text, voice), piece in zip(json.loads(str(data["about"])), pieces, strict=True)
        ]


def synthesise_training(folder: Path, utterances: int, snippets: int, seed: int = 1) -> None:
    """Write training chunks until there are enough; existing chunks are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    espeak = Espeak()
    for kind, wanted, source_of in (("snippet", snippets, draw_snippets), ("utterance", utterances, _training)):
        for number in range(-(-wanted // CHUNK_UTTERANCES)):
            path = folder / f"train-{kind}-{number:04}.npz"
            if path.exists():
                continue
            rng = random.Random(f"voices-{kind}-{seed}-{number}")
            source = source_of(seed * 100_000 + number)
            clips = [speak(espeak, next(source), draw_training_voice(rng), rng) for _ in range(CHUNK_UTTERANCES)]
            write_chunk(path, clips)
            print(f"synthesised {(number + 1) * CHUNK_UTTERANCES}/{wanted} {kind}s", flush=True)


def _training(seed: int) -> Iterator[Sentence]:
    return draw(Part.TRAIN, seed)


def synthesise_held_out(path: Path, part: Part, voices: tuple[str, ...], each: int, seed: int = 7) -> list[Clip]:
    """Clips of a held-out part, `each` sentences per voice; made once and kept in `path`."""
    if path.exists():
        return read_chunk(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    espeak = Espeak()
    rng = random.Random(f"{part}-{seed}")
    source = draw(part, seed)
    clips = [speak(espeak, next(source), voice, rng) for voice in voices for _ in range(each)]
    write_chunk(path, clips)
    return clips
