"""How much of an utterance is speech, by Silero's voice detector. On a thread of the feature pool.

The bridge's detector costs a microsecond a frame and takes typing, breathing and music for speech. This one costs two
thousandths of the audio's length, and sees only what the first has let through.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from faster_whisper.vad import get_vad_model

from analysis.words.features import MODEL_RATE_HZ, Samples

WINDOW = 512
"""Samples at 16 kHz that Silero judges at a time."""
SPEECH = 0.5
"""Probability at which a window counts as speech."""
SYLLABLE = 1_600
"""Samples at 16 kHz over which loudness is taken."""
LOUDEST = 0.9
"""Quantile of these that an utterance's loudness is."""

MOMENT, STEP = 512, 320
"""Samples at 16 kHz whose energies are compared: 32 ms, every 20 ms."""
TELEPHONE = slice(8, 112)
"""Of a moment's spectrum: 250 to 3,500 Hz."""
BANDS = 10
CROWD_SECONDS = 1.0
CROWD_DB = 9.0
"""Between loud and quiet moments of many voices at once. One voice pauses: 20 dB and more, 13 above such a crowd."""
SPEECH_BAND_DB = 8.0
"""The same within each band: noise that is always the same has less, and whoever speaks in it is no crowd."""


@dataclass(frozen=True, slots=True)
class Speech:
    """What Silero hears in an utterance."""

    seconds: float
    """Of its windows that are speech."""
    highest: float
    """The highest probability of any window, 0 to 1."""
    loudness_db: float = 0.0
    """Of its loudest syllables, in dB of full scale."""
    is_crowd: bool = False
    """Whether no voice stands out: many talk at once, far away."""


def speech_in(samples: Samples) -> Speech:
    """What is speech in `samples`, at 16 kHz. Any thread."""
    if not samples.size:
        return Speech(0.0, 0.0, -100.0)
    syllables = samples[: samples.size // SYLLABLE * SYLLABLE].reshape(-1, SYLLABLE)
    loudness = float(np.quantile((syllables**2).mean(1), LOUDEST)) if syllables.size else 0.0
    padded = np.pad(samples, (0, -samples.size % WINDOW))
    probabilities = get_vad_model()(padded)
    return Speech(
        float(np.count_nonzero(probabilities > SPEECH)) * WINDOW / MODEL_RATE_HZ,
        float(probabilities.max()),
        10 * math.log10(loudness + 1e-10),
        _is_crowd(samples),
    )


def _is_crowd(samples: Samples) -> bool:
    if samples.size < CROWD_SECONDS * MODEL_RATE_HZ:
        return False
    moments = np.lib.stride_tricks.sliding_window_view(samples, MOMENT)[::STEP] * np.hanning(MOMENT).astype(np.float32)
    energies = np.abs(np.fft.rfft(moments)[:, TELEPHONE]) ** 2
    if _range_db(energies.sum(1), 0.2) >= CROWD_DB:
        return False
    bands = np.add.reduceat(energies, np.linspace(0, energies.shape[1], BANDS, endpoint=False, dtype=int), axis=1)
    return float(_range_db(bands, 0.3).mean()) > SPEECH_BAND_DB


def _range_db(energies: npt.NDArray[np.float32], quiet: float) -> npt.NDArray[np.float64]:
    """Between the loudest tenth and the quiet share of moments, in each column."""
    lower, upper = np.quantile(10 * np.log10(energies + 1e-9), [quiet, 0.9], axis=0)
    found: npt.NDArray[np.float64] = upper - lower
    return found
