"""How aroused a customer's voice is, compared with their own, from 8 kHz telephone sound alone. Pure.

Loudness, spectral centroid, spectral tilt and pitch rise with arousal. Joy raises them as anger does, so the words give
the sign (see context_terms). Only a customer's leg is ever measured, and only if this is switched on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

OPENING_SECONDS = 20.0
"""The caller's own speech that later speech is compared with."""
LEAST_SECONDS = 0.6
"""A shorter utterance is not measured."""
MOST_SECONDS = 10.0
"""Of a longer utterance, only the beginning is measured."""
SPREADS = (3.0, 120.0, 2.5, 2.0)
"""Smallest assumed spread between calm utterances of one person: dB, Hz, dB, semitones."""
MOST_DEVIATIONS = 4.0
FRAME_SECONDS, STEP_SECONDS = 0.032, 0.016
QUIET_DB = 25.0
"""Frames this far below an utterance's loudest ones are pauses."""
SILENT_DB = -65.0
"""Anything quieter is not a voice."""
PITCH_HZ = (75.0, 400.0)
VOICED = 0.45
"""A frame with at least this autocorrelation has a pitch."""

Floats = NDArray[np.float64]
Measured = tuple[float, float, float, float]
"""An utterance's medians: loudness in dB of full scale, spectral centroid in Hz, energy above 1 kHz over that below in
dB, pitch in semitones above 55 Hz."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A caller's own voice, as known so far."""

    seconds: float = 0.0
    means: Measured = (0.0, 0.0, 0.0, 0.0)
    squares: Measured = (0.0, 0.0, 0.0, 0.0)
    """Sums of squared distances from the means, weighted by seconds."""

    def heard(self, measured: Measured, seconds: float) -> tuple[Voice, float]:
        """The voice, updated while it opens; after that, how many deviations the utterance is above it."""
        if self.seconds >= OPENING_SECONDS:
            return self, self._above(measured)
        total = self.seconds + seconds
        steps = [new - mean for new, mean in zip(measured, self.means, strict=True)]
        means = [mean + step * seconds / total for mean, step in zip(self.means, steps, strict=True)]
        squares = [
            square + step * (new - mean) * seconds
            for square, step, new, mean in zip(self.squares, steps, measured, means, strict=True)
        ]
        return Voice(total, _four(means), _four(squares)), 0.0

    def _above(self, measured: Measured) -> float:
        deviations: list[float] = []
        for new, mean, square, least in zip(measured, self.means, self.squares, SPREADS, strict=True):
            spread = max(least, math.sqrt(square / self.seconds))
            deviations.append(max(-MOST_DEVIATIONS, min(MOST_DEVIATIONS, (new - mean) / spread)))
        return sum(deviations) / len(deviations)


def measure(pcm: bytes, rate_hz: int) -> Measured | None:
    """The features of 16-bit mono `pcm`; None if it is too short, silent, or without pitch."""
    taken = min(len(pcm) // 2, int(MOST_SECONDS * rate_hz))
    samples = np.frombuffer(pcm[: 2 * taken], "<i2") / 32768.0
    frame, step = int(FRAME_SECONDS * rate_hz), int(STEP_SECONDS * rate_hz)
    if len(samples) < LEAST_SECONDS * rate_hz:
        return None
    frames = np.lib.stride_tricks.sliding_window_view(samples, frame)[::step]
    loudness = 10 * np.log10((frames**2).mean(1) + 1e-10)
    spoken = loudness >= np.quantile(loudness, 0.95) - QUIET_DB
    window = np.hanning(frame)
    spectra = np.abs(np.fft.rfft(frames[spoken] * window, 2 * frame)) ** 2
    hertz = np.fft.rfftfreq(2 * frame, 1 / rate_hz)
    whole = spectra.sum(1) + 1e-12
    centroid = spectra @ hertz / whole
    tilt = 10 * np.log10((spectra[:, hertz >= 1000].sum(1) + 1e-12) / (spectra[:, hertz < 1000].sum(1) + 1e-12))
    own = np.fft.irfft(np.abs(np.fft.rfft(window, 2 * frame)) ** 2)
    pitch = _pitch(np.fft.irfft(spectra), own / own[0], rate_hz)
    if float(np.median(loudness[spoken])) < SILENT_DB or not len(pitch):
        return None
    return _four([float(np.median(each)) for each in (loudness[spoken], centroid, tilt, pitch)])


def _pitch(autocorrelation: Floats, own: Floats, rate_hz: int) -> Floats:
    """Semitones above 55 Hz, for the frames that have a pitch.

    The window's `own` autocorrelation falls with the lag. This makes the first period of a pitch win; it is divided
    out when the strength is judged.
    """
    low, high = (int(rate_hz / hertz) for hertz in reversed(PITCH_HZ))
    window = autocorrelation[:, low : high + 1]
    best = window.argmax(1)
    strength = window[np.arange(len(window)), best] / (autocorrelation[:, 0] * own[best + low] + 1e-12)
    lags: Floats = (best + low)[strength >= VOICED].astype(float)
    return 12 * np.log2(rate_hz / lags / 55)


def _four(values: list[Any]) -> Measured:
    one, two, three, four = values
    return one, two, three, four
