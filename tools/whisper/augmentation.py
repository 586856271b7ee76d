"""Turns clean synthetic clips into telephone utterances as cut by the voice activity detector, then into log-mel rows.

Same order as on the line: tempo, tone, edges, pauses, level, noise, µ-law, up-sampling to 16 kHz, log-mel.
"""

import random

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor

from .synthesis import RATE_HZ, from_ulaw, to_ulaw

_EXTRACTOR = FeatureExtractor(feature_size=80)


def _half_band(taps: int) -> np.ndarray:
    """Interpolation filter between two samples, `taps` neighbours wide; 2 is a straight line."""
    place = np.arange(taps) - taps / 2 + 0.5
    kernel = np.sinc(place) * np.hamming(taps) if taps > 2 else np.ones(2)
    normalised: np.ndarray = (kernel / kernel.sum()).astype(np.float32)
    return normalised


_HALF_BANDS = [_half_band(taps) for taps in (2, 8, 16, 32, 64)]


def upsample(samples: np.ndarray, kernel: np.ndarray = _HALF_BANDS[3]) -> np.ndarray:
    """8 kHz to 16 kHz."""
    taps = kernel.size
    between = np.convolve(np.pad(samples, (taps // 2 - 1, taps // 2)), kernel, "valid")
    doubled = np.empty(samples.size * 2, np.float32)
    doubled[0::2] = samples
    doubled[1::2] = between[: samples.size]
    return doubled


def log_mel(audio_16k: np.ndarray) -> np.ndarray:
    """Log-mel [80, frames] exactly as faster-whisper computes it."""
    features: np.ndarray = _EXTRACTOR(audio_16k)
    return features.astype(np.float32)


def clean_mel(ulaw: np.ndarray) -> np.ndarray:
    """Log-mel of a clip unchanged, with 0.2 s of silence around it."""
    samples = np.pad(from_ulaw(ulaw), RATE_HZ // 5)
    return log_mel(upsample(samples))


def _noise(count: int, rng: random.Random, loudest_db: float = -38.0) -> np.ndarray:
    """Line noise from -75 dBFS up to `loudest_db`: white, dull, or with mains hum."""
    generator = np.random.default_rng(rng.getrandbits(32))
    noise = generator.standard_normal(count).astype(np.float32)
    kind = rng.random()
    if kind < 0.4:
        noise = np.convolve(noise, np.ones(rng.randint(2, 8)) / 2.0, "same").astype(np.float32)
    if kind > 0.8:
        noise += 2.0 * np.sin(2 * np.pi * rng.choice((50, 60, 100)) / RATE_HZ * np.arange(count))
    return (noise * 10 ** (min(rng.uniform(-75, -38), loudest_db) / 20)).astype(np.float32)


def telephone(ulaw: np.ndarray, rng: random.Random) -> np.ndarray:
    """One utterance as it might arrive, as log-mel."""
    samples = from_ulaw(ulaw)
    if rng.random() < 0.6:  # tempo and pitch together: more voices from few
        factor = rng.uniform(0.88, 1.12)
        samples = np.interp(np.arange(0, samples.size - 1, factor), np.arange(samples.size), samples)
    if rng.random() < 0.5:
        tilt = rng.uniform(-0.5, 0.5)
        samples = np.convolve(samples, (1.0, tilt), "same")
    if rng.random() < 0.15:
        samples = samples[rng.randint(0, RATE_HZ // 20) :]
    if rng.random() < 0.15:
        samples = samples[: samples.size - rng.randint(1, RATE_HZ // 20)]
    longest = rng.choices((0.25, 0.5, 2.0), (0.7, 0.25, 0.05))[0]
    pauses = [int(rng.uniform(0.0, longest) * RATE_HZ) for _ in range(2)]
    peak_db = rng.uniform(-25, 0)
    level = 10 ** (peak_db / 20) / max(float(np.abs(samples).max()), 1e-3)
    samples = np.pad(samples * level, pauses).astype(np.float32)
    if rng.random() < 0.6:  # speech is about 16 dB below its peak: at least 22 dB above the noise
        samples = samples + _noise(samples.size, rng, peak_db - 38)
    return _finish(samples, rng)


def silence(rng: random.Random) -> np.ndarray:
    """A row without speech, as log-mel."""
    return _finish(_silent_samples(rng), rng)


def silence_audio(rng: random.Random) -> np.ndarray:
    """A row without speech, as 16 kHz floats from the line."""
    return upsample(from_ulaw(to_ulaw(_silent_samples(rng))))


def _silent_samples(rng: random.Random) -> np.ndarray:
    """Silence, noise, clicks or tones on the line at 8 kHz."""
    count = int(rng.uniform(0.3, 6.0) * RATE_HZ)
    kind = rng.random()
    samples: np.ndarray = np.zeros(count, np.float32)
    if kind > 0.15:
        samples = _noise(count, rng) * rng.choice((1.0, 1.0, 3.0, 10.0))
    if kind > 0.6:
        time = np.arange(count) / RATE_HZ
        for _ in range(rng.randint(1, 3)):
            start, stop = sorted(rng.uniform(0, count / RATE_HZ) for _ in range(2))
            window = (time >= start) & (time < stop)
            frequency = rng.choice((350, 425, 440, 480, 697, 770, 852, 941, 1209, 1336, 1477, rng.uniform(100, 3000)))
            samples = samples + window * np.sin(2 * np.pi * frequency * time) * 10 ** (rng.uniform(-45, -10) / 20)
    if kind > 0.85:
        for _ in range(rng.randint(1, 6)):
            place = rng.randrange(count)
            samples[place : place + rng.randint(1, 200)] += rng.uniform(-0.5, 0.5)
    return np.asarray(samples, np.float32)


def _finish(samples: np.ndarray, rng: random.Random) -> np.ndarray:
    if rng.random() < 0.95:
        samples = from_ulaw(to_ulaw(samples))
    features = log_mel(upsample(samples, rng.choice(_HALF_BANDS)))
    if rng.random() < 0.4:  # timbre of a telephone or a voice: up to 8 dB, smooth over the bands
        gains = [rng.uniform(-0.2, 0.2) for _ in range(6)]
        colour = np.interp(np.arange(80), np.linspace(0, 79, 6), gains)[:, None].astype(np.float32)
        features = np.maximum(features + colour, features.min())
    if rng.random() < 0.3:
        width, floor = rng.randint(1, 6), float(features.min())
        low = rng.randrange(80 - width)
        features[low : low + width] = floor
    return features
