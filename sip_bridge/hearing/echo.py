"""Whether what is heard on one leg is the speech of another leg, come back. Pure.

A line or a loudspeaker returns a party's words to the other party's leg: later, quieter, coloured by the room. What
comes back is a filtered copy, so each frequency of it follows from the same frequency of the original: their coherence
is near 1, and near 0 for two people who talk at once (Carter 1987, "Coherence and time delay estimation"). The delay
is found by the cross-correlation of their phases (Knapp & Carter 1976).
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sip_bridge.hearing.segmenter import FRAME_BYTES, FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE_HZ, Segment

Samples = NDArray[np.float32]

LATEST_FRAMES = 40
"""An echo comes back within 0.8 s, by way of a mobile network at the latest."""
EARLIEST_FRAMES = 5
"""By as much, 0.1 s, what is heard may come before the other leg: then it is the original."""
SOONEST_SECONDS = 0.01
"""An echo comes later than its original. What two legs carry at once is a mix."""
KEPT_FRAMES = 500
"""Of what a leg said last, the most that is kept for comparison: 10 s, 80 kB."""
LEAST_FRAMES = 25
"""In less than half a second, anything is like anything."""

QUIETER_DB = 6.0
"""An echo is at least so much quieter than what it is of."""
EXPLAINED = 0.35
"""Share of an echo's energy that follows from the other leg, at least."""
EXPLAINED_SECONDS = 0.4
"""Divided by the seconds of sound, at least that share: two voices agree by chance for a moment."""
OWN_SHARE = 0.7
OWN_DB = -8.0
"""A syllable of which more than this share does not follow from the other leg is somebody's own, if it is no further
below the loudest: an answer that comes with an echo is not lost with it."""

WINDOW, HOP = 512, 256
"""Samples: 64 ms, longer than most of the sound of a room near a telephone."""
LOWEST_HZ, HIGHEST_HZ = 250, 3_500
SYLLABLE_WINDOWS = 4
OVERLAP = 1.4
"""Windows that count as one: they overlap."""
DELAY_SECONDS = 2.0
"""Of the loudest sound, in which the delay is found."""

_CODES, _FULL_SCALE = np.float32(127), np.float32(32_768)
_HANN = np.hanning(WINDOW).astype(np.float32)
_VOICE = slice(LOWEST_HZ * WINDOW // SAMPLE_RATE_HZ, HIGHEST_HZ * WINDOW // SAMPLE_RATE_HZ)


class Lately:
    """What a leg said in the last seconds, on its timeline, in 8 bits: each frame has a loudness of its own."""

    def __init__(self) -> None:
        self._pieces: deque[_Piece] = deque()
        self._frames = 0

    def add(self, segment: Segment) -> None:
        """Keep the end of a segment."""
        frames = np.frombuffer(segment.pcm, np.int16).reshape(-1, FRAME_SAMPLES)[-KEPT_FRAMES:].astype(np.float32)
        peaks = np.maximum(1.0, np.abs(frames).max(axis=1, keepdims=True))
        coded = np.round(frames * (_CODES / peaks)).astype(np.int8)
        self._pieces.append(_Piece(segment.start_frame + segment.frames - len(frames), peaks, coded))
        self._frames += len(frames)
        while (over := self._frames - KEPT_FRAMES) > 0:
            first = self._pieces.popleft()
            if over < len(first.peaks):
                self._pieces.appendleft(
                    _Piece(first.begin + over, first.peaks[over:].copy(), first.coded[over:].copy())
                )
            self._frames -= min(over, len(first.peaks))

    def between(self, begin: int, end: int, goes_on: tuple[int, bytes]) -> Samples:
        """Its sound from frame `begin` to `end`, -1 to 1; 0 where nothing is known.

        `goes_on`: the speech in progress, as the number of its first frame and 16-bit audio.
        """
        found = np.zeros((end - begin, FRAME_SAMPLES), np.float32)
        for piece in self._pieces:
            first, last = max(begin, piece.begin), min(end, piece.begin + len(piece.peaks))
            if first < last:
                part = slice(first - piece.begin, last - piece.begin)
                found[first - begin : last - begin] = piece.coded[part] * (piece.peaks[part] / (_CODES * _FULL_SCALE))
        start, pcm = goes_on
        first, last = max(begin, start), min(end, start + len(pcm) // FRAME_BYTES)
        if first < last:
            samples = samples_of(pcm[(first - start) * FRAME_BYTES : (last - start) * FRAME_BYTES])
            found[first - begin : last - begin] = samples.reshape(-1, FRAME_SAMPLES)
        return found.reshape(-1)


class _Piece(NamedTuple):
    begin: int
    """Number of its first frame."""
    peaks: NDArray[np.float32]
    """Of each frame, in 16-bit samples; shape (frames, 1)."""
    coded: NDArray[np.int8]
    """Shape (frames, samples)."""


def samples_of(pcm: bytes) -> Samples:
    """16-bit audio as samples from -1 to 1."""
    return np.frombuffer(pcm, np.int16).astype(np.float32) / _FULL_SCALE


def is_echo(heard: Samples, other: Samples) -> bool:
    """Whether `heard` is an echo of `other`, and nobody has said anything meanwhile.

    `heard`: samples at 8 kHz. `other`: another leg's, from LATEST_FRAMES before to EARLIEST_FRAMES after it. Costs 3 ms
    of CPU for 12 s where the other leg speaks louder, else next to nothing.
    """
    seconds = len(heard) / SAMPLE_RATE_HZ
    if seconds < LEAST_FRAMES * FRAME_SECONDS or _loudness_db(heard) > _loudness_db(other) - QUIETER_DB:
        return False
    lag = _lag(heard, other)
    if lag < SOONEST_SECONDS * SAMPLE_RATE_HZ:
        return False
    begin = LATEST_FRAMES * FRAME_SAMPLES - lag
    ours, theirs = _windows(heard), _windows(other[begin : begin + len(heard)])
    response = (ours * theirs.conj()).sum(0) / ((np.abs(theirs) ** 2).sum(0) + 1e-12)
    energy = (np.abs(ours) ** 2).sum(1)
    left = (np.abs(ours - response * theirs) ** 2).sum(1)
    # Few windows always explain a part of each other: one of as many as there are.
    chance = min(0.9, OVERLAP / len(ours))
    explained = (1 - left.sum() / max(energy.sum(), 1e-12) - chance) / (1 - chance)
    return bool(explained >= max(EXPLAINED, EXPLAINED_SECONDS / seconds)) and not _has_own(energy, left)


def _has_own(energy: NDArray[np.float32], left: NDArray[np.float32]) -> bool:
    """Whether a syllable in sound of this energy is not the echo's. `left`: what is not explained. Both by window."""
    whole, own = (np.convolve(each, np.ones(SYLLABLE_WINDOWS), "valid") for each in (energy, left))
    return float(own[own > OWN_SHARE * whole].max(initial=0)) > 10 ** (OWN_DB / 10) * float(whole.max(initial=0))


def _lag(heard: Samples, other: Samples) -> int:
    """By how many samples `heard` follows what it is an echo of, if it is one; negative if it comes before it."""
    length = min(len(heard), round(DELAY_SECONDS * SAMPLE_RATE_HZ))
    energies = np.add.reduceat(heard**2, np.arange(0, len(heard), FRAME_SAMPLES))
    most = np.convolve(energies, np.ones(max(1, length // FRAME_SAMPLES)), "valid")
    start = min(int(most.argmax()) * FRAME_SAMPLES, len(heard) - length)
    piece, around = heard[start : start + length], other[start : start + len(other) - len(heard) + length]
    size = 1 << (len(piece) + len(around) - 1).bit_length()
    cross = np.fft.rfft(around, size) * np.fft.rfft(piece, size).conj()
    strength = np.abs(cross)
    phases = cross / (strength + 1e-9 * strength.max() + 1e-20)
    hz = np.fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ)
    phases[(hz < LOWEST_HZ) | (hz > HIGHEST_HZ)] = 0
    best = int(np.abs(np.fft.irfft(phases, size)[: len(around) - len(piece) + 1]).argmax())
    return LATEST_FRAMES * FRAME_SAMPLES - best


def _windows(samples: Samples) -> NDArray[np.complex64]:
    """The spectrum of each window, in the band of the telephone."""
    framed = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    found: NDArray[np.complex64] = np.fft.rfft(framed * _HANN)[:, _VOICE].astype(np.complex64)
    return found


def _loudness_db(samples: Samples) -> float:
    """Of the loudest tenth of its frames, in dB of full scale."""
    frames = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    return 10 * float(np.log10(np.quantile((frames**2).mean(1), 0.9) + 1e-10))
