"""What makes speech a telephone's: band, level, short pauses, the line's noise. Pure."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from testcall.wav import SAMPLE_RATE_HZ

Signal = NDArray[np.float64]
"""Samples at full scale 1.0."""

SPEECH_LEVEL: Final = 10 ** (-26 / 20)
"""Root mean square of a turn: 26 dB below overload, the level that ITU-T P.56 test speech has."""
NOISE_LEVEL: Final = 10 ** (-70 / 20)
"""Of the line between the words: about -65 dBm0, a quiet digital telephone; never a run of exact zeros."""
BAND_HZ: Final = (100.0, 3700.0)
"""What a telephone lets through, between half-cosine edges of `EDGE_HZ`."""
EDGE_HZ: Final = 100.0
MAX_INNER_PAUSE_SECONDS: Final = 0.25
"""Longer pauses within a turn are cut to this, well short of a wait for the end of speech."""

_WINDOW: Final = SAMPLE_RATE_HZ // 100
_QUIET_SHARE: Final = 0.01
"""A window of 10 ms is a pause if it is 40 dB below the loudest."""


def over_a_telephone(samples: Signal, rate_hz: int) -> Signal:
    """Speech at 8 kHz, in the telephone band, at speech level, without silence at its ends or long pauses."""
    speech = shorten_pauses(to_telephone(samples, rate_hz))
    return speech * (SPEECH_LEVEL / float(np.sqrt(np.mean(speech**2))))


def to_telephone(samples: Signal, rate_hz: int) -> Signal:
    """Resampled to 8 kHz and limited to the telephone band, in one step in the frequency domain."""
    padded = np.concatenate([np.zeros(rate_hz // 10), samples, np.zeros(rate_hz // 10)])
    count = round(len(padded) * SAMPLE_RATE_HZ / rate_hz)
    spectrum = np.fft.rfft(padded)[: count // 2 + 1]
    hz = np.arange(len(spectrum)) * rate_hz / len(padded)
    low, high = BAND_HZ
    rising = np.clip((hz - low) / EDGE_HZ + 0.5, 0, 1)
    falling = np.clip((high - hz) / EDGE_HZ + 0.5, 0, 1)
    spectrum *= np.sin(rising * np.pi / 2) ** 2 * np.sin(falling * np.pi / 2) ** 2
    return np.fft.irfft(spectrum, count) * (count / len(padded))


def shorten_pauses(speech: Signal) -> Signal:
    """Takes the silence off both ends and the excess out of longer pauses inside."""
    windows = speech[: len(speech) // _WINDOW * _WINDOW].reshape(-1, _WINDOW)
    level = np.sqrt(np.mean(windows**2, axis=1))
    loud = np.flatnonzero(level > _QUIET_SHARE * level.max())
    keep = np.zeros(len(windows), dtype=bool)
    longest = round(MAX_INNER_PAUSE_SECONDS * SAMPLE_RATE_HZ / _WINDOW)
    for here, after in zip(loud, [*loud[1:], loud[-1] + 1], strict=True):
        pause = after - here - 1
        cut = max(0, pause - longest)
        keep[here : here + 1 + (pause - cut) // 2] = True
        keep[after - (pause - cut + 1) // 2 : after] = True
    return np.asarray(windows[keep].reshape(-1))


def line_noise(name: str, count: int) -> Signal:
    """The line's own noise, the same for the same leg each time it is made."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    # RandomState, since numpy promises the same numbers in every version for this generator alone.
    return np.random.RandomState(seed).standard_normal(count) * NOISE_LEVEL


def pcm(signal: Signal) -> NDArray[np.int16]:
    """As 16-bit samples, clipped at full scale."""
    return np.clip(np.rint(signal * 32768), -32768, 32767).astype(np.int16)
