"""Makes the scenarios' audio: `python -m testcall.synthesis [SCENARIO…]`.

eSpeak NG says each turn; the two legs are laid out in call time over the faint noise of a telephone line.
The files that ship were made with eSpeak NG 1.51, and the same version makes the same files again.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from testcall import ulaw, wav
from testcall.metadata import Party
from testcall.scenario import (
    MANIFEST,
    PARTIES,
    Manifest,
    Recording,
    Scenario,
    ScenarioError,
    SpokenTurn,
    load,
    load_manifest,
    names,
)
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
_RECIPE: Final = "1"
"""Part of every digest: raise it when the same texts would sound different."""


class SynthesisError(RuntimeError):
    """eSpeak NG is not there or has failed."""


def espeak_version() -> str:
    """`eSpeak NG 1.51`; SynthesisError if it is not installed."""
    words = _espeak("--version").decode().split()
    return f"eSpeak NG {words[words.index('text-to-speech:') + 1]}"


def speak(text: str, voice: str, words_per_minute: int) -> Signal:
    """A sentence or several at 8 kHz, telephone band, speech level, without silence at its ends."""
    try:
        data = _espeak("-v", voice, "-s", str(words_per_minute), "--stdout", text)
    except SynthesisError as error:
        raise SynthesisError(f"voice {voice!r}: {error}") from None
    samples, rate = _read_espeak(data)
    speech = shorten_pauses(to_telephone(samples, rate))
    gain = SPEECH_LEVEL / float(np.sqrt(np.mean(speech**2)))
    return speech * gain


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


def record(scenario: Scenario) -> tuple[dict[Party, bytes], Recording]:
    """Both legs of a scenario as µ-law, of equal length, and when each turn is spoken."""
    timing = scenario.timing
    at = timing.lead_seconds
    spoken: list[tuple[Party, int, Signal]] = []
    turns = []
    for turn in scenario.turns:
        voice = getattr(scenario.voices, turn.party)
        speech = speak(turn.text, voice, timing.words_per_minute)
        start = round((at + turn.pause_seconds) * SAMPLE_RATE_HZ)
        spoken.append((turn.party, start, speech))
        at = (start + len(speech)) / SAMPLE_RATE_HZ
        turns.append(SpokenTurn(turn.party, round(start / SAMPLE_RATE_HZ, 3), round(at, 3), turn.text, turn.alert))
    seconds = round(at + timing.tail_seconds, 1)
    legs: dict[Party, bytes] = {}
    for party in PARTIES:
        leg = _line_noise(f"{scenario.name} {party}", round(seconds * SAMPLE_RATE_HZ))
        for speaker, start, speech in spoken:
            if speaker == party:
                leg[start : start + len(speech)] += speech
        legs[party] = ulaw.encode(np.clip(np.rint(leg * 32768), -32768, 32767).astype(np.int16))
    return legs, Recording(seconds, digest(scenario), tuple(turns))


def digest(scenario: Scenario) -> str:
    """A short hash of all that a scenario's audio depends on, eSpeak NG's version excepted."""
    facts = (_RECIPE, scenario.name, scenario.voices, scenario.turns, scenario.timing)
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()[:16]


def write(scenario: Scenario) -> Recording:
    """Writes a scenario's two WAV files and its entry in the manifest beside them."""
    legs, recording = record(scenario)
    folder = scenario.audio_path("agent").parent
    folder.mkdir(exist_ok=True)
    for party, audio in legs.items():
        wav.write(scenario.audio_path(party), audio)
    recordings = load_manifest(folder).scenarios if (folder / MANIFEST).exists() else {}
    manifest = Manifest(espeak_version(), dict(sorted({**recordings, scenario.name: recording}.items())))
    (folder / MANIFEST).write_text(json.dumps(msgspec.to_builtins(manifest), indent=1) + "\n")
    return recording


def _line_noise(name: str, count: int) -> Signal:
    """The line's own noise, the same for the same leg each time it is made."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    # RandomState, since numpy promises the same numbers in every version for this generator alone.
    return np.random.RandomState(seed).standard_normal(count) * NOISE_LEVEL


def _read_espeak(data: bytes) -> tuple[Signal, int]:
    """Samples and rate of the WAV that eSpeak NG writes to a pipe: its sizes are not filled in."""
    if data[:4] != b"RIFF" or data[36:40] != b"data":
        raise SynthesisError("eSpeak NG gave no WAV")
    rate = int.from_bytes(data[24:28], "little")
    samples = data[44 : len(data) - len(data) % 2]
    return np.frombuffer(samples, dtype="<i2") / 32768, rate


def _espeak(*arguments: str) -> bytes:
    program = shutil.which("espeak-ng")
    if program is None:
        raise SynthesisError("espeak-ng is not installed (Debian: apt install espeak-ng)")
    done = subprocess.run([program, *arguments], capture_output=True, check=False)  # noqa: S603 -- no shell
    if done.returncode or done.stderr:
        raise SynthesisError(f"espeak-ng: {done.stderr.decode(errors='replace').strip() or done.returncode}")
    return done.stdout


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m testcall.synthesis", description="Makes the scenarios' audio.")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="a name or a TOML file; all, if none is named")
    options = parser.parse_args(arguments)
    try:
        for name in options.scenarios or names():
            scenario = load(name)
            recording = write(scenario)
            sys.stdout.write(f"{scenario.name}: {recording.seconds:.1f} s, {len(recording.turns)} turns\n")
    except (ScenarioError, SynthesisError) as error:
        sys.stderr.write(f"testcall.synthesis: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
