"""Sounds of a call in which nobody says anything, made by a script: the same ones in each run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.words.clips import RATE_HZ, Clip, over_the_line

Samples = NDArray[np.float64]
SECONDS = 120.0


def noises(speech: Sequence[Clip], seconds: float = SECONDS) -> dict[str, Clip]:
    """A clip of each kind. `speech`: recordings that babble and echo are made of.

    What the echo is of is on the other leg.
    """
    talk = _talk(np.random.default_rng(len(speech)), speech, seconds)
    makers: dict[str, Callable[[np.random.Generator], Samples]] = {
        "breathing": lambda dice: _breathing(dice, seconds),
        "typing": lambda dice: _typing(dice, seconds),
        "clicks": lambda dice: _clicks(dice, seconds),
        "line noise": lambda dice: dice.normal(0, 0.004, _count(seconds)),
        "babble": lambda dice: _babble(dice, speech, seconds),
        "echo": lambda _: _echo(talk),
    }
    others = {"echo": _line(talk)}
    return {
        name: Clip(name, _line(make(np.random.default_rng(number))), "", other=others.get(name, b""))
        for number, (name, make) in enumerate(makers.items())
    }


def after(own: Clip, noise: Clip) -> Clip:
    """A noise on the leg of somebody who has said something before it."""
    before = own.pcm + bytes(2 * RATE_HZ)
    other = bytes(len(before)) + noise.other if noise.other else b""
    return Clip(f"{noise.name} after speech", before + noise.pcm, own.said, other=other)


def _breathing(dice: np.random.Generator, seconds: float) -> Samples:
    """Into the microphone: band-limited noise that swells and fades, 14 times a minute."""
    noise = _band(dice.normal(0, 1, _count(seconds)), 300, 2_000)
    at = np.arange(_count(seconds)) / RATE_HZ
    swell = np.clip(np.sin(2 * np.pi * at * 14 / 60), 0, None) ** 1.5
    found: Samples = 0.06 * noise / noise.std() * swell
    return found


def _typing(dice: np.random.Generator, seconds: float) -> Samples:
    """Five strokes a second, in bursts: a click, and the key coming up 80 ms later."""
    found = dice.normal(0, 0.0005, _count(seconds))
    at = 0.0
    while (at := at + dice.exponential(0.2) + (dice.random() < 0.05) * 2.0) < seconds - 0.3:
        for offset, level in ((0.0, 0.25), (0.08, 0.1)):
            _add(found, at + offset, level * _stroke(dice))
    return found


def _clicks(dice: np.random.Generator, seconds: float) -> Samples:
    """Of a bad contact: single impulses, some in pairs."""
    found = dice.normal(0, 0.0005, _count(seconds))
    for at in dice.uniform(0, seconds - 0.1, int(seconds)):
        _add(found, at, dice.uniform(0.2, 0.9) * np.array([1.0, -0.6, 0.3, -0.1]))
    return found


def _babble(dice: np.random.Generator, speech: Sequence[Clip], seconds: float) -> Samples:
    """Eight voices of a contact centre at once, far away."""
    found = np.zeros(_count(seconds))
    for _ in range(8):
        found += _talk(dice, speech, seconds)
    quiet: Samples = 0.02 * found / found.std()
    return quiet


def _echo(talk: Samples) -> Samples:
    """The other party, 26 dB down and 120 ms late."""
    found: Samples = np.roll(talk, round(0.12 * RATE_HZ)) * 10 ** (-26 / 20)
    return found


def _talk(dice: np.random.Generator, speech: Sequence[Clip], seconds: float) -> Samples:
    """One recording after the other, half a second between them."""
    pieces: list[Samples] = []
    while sum(map(len, pieces)) < _count(seconds):
        pcm = speech[int(dice.integers(len(speech)))].pcm
        pieces += [np.frombuffer(pcm, "<i2") / 32768, np.zeros(RATE_HZ // 2)]
    return np.concatenate(pieces)[: _count(seconds)]


def _stroke(dice: np.random.Generator) -> Samples:
    found: Samples = _band(dice.normal(0, 1, 160), 800, 3_400) * np.exp(-np.arange(160) / 25)
    return found


def _add(to: Samples, at: float, piece: Samples) -> None:
    start = round(at * RATE_HZ)
    to[start : start + len(piece)] += piece[: len(to) - start]


def _band(samples: Samples, lowest_hz: float, highest_hz: float) -> Samples:
    spectrum = np.fft.rfft(samples)
    hz = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
    spectrum[(hz < lowest_hz) | (hz > highest_hz)] = 0
    found: Samples = np.fft.irfft(spectrum, len(samples))
    return found


def _count(seconds: float) -> int:
    return round(seconds * RATE_HZ)


def _line(samples: Samples) -> bytes:
    return over_the_line(np.clip(samples * 32767, -32768, 32767).astype(np.int16))
