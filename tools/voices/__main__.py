"""Makes the scenarios' audio, and the sentence that a worker reads at its start: `python -m tools.voices`."""

from __future__ import annotations

import argparse
import sys
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from analysis.words.transcriber import KNOWN_ANSWER
from bench.words.names import sentences, wav_name
from testcall.scenario import ScenarioError, load, names
from testcall.wav import SAMPLE_RATE_HZ
from tools.voices.recording import write
from tools.voices.sound import line_noise, over_a_telephone, pcm
from tools.voices.speakers import JOE, VoiceError, speaker

EDGE_SECONDS = 0.2
"""Silence before and after the known sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0: made; 2: a scenario or a voice that there is not, and one line says which."""
    parser = argparse.ArgumentParser(prog="python -m tools.voices", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="a name or a TOML file; all, if none is named")
    parser.add_argument("--names", type=Path, metavar="DIR", help="only the sentences of bench/words/names.toml")
    parser.add_argument("--known-answer", action="store_true", help="only the sentence, after its .txt")
    options = parser.parse_args(arguments)
    try:
        if options.known_answer:
            _write_known_answer()
            return 0
        if options.names:
            options.names.mkdir(exist_ok=True)
            for said in sentences()[0]:
                _write_sentence(options.names / wav_name(said), said.text)
            return 0
        for name in options.scenarios or names():
            scenario = load(name)
            recording = write(scenario)
            print(f"{scenario.name}: {recording.seconds:.1f} s, {len(recording.turns)} turns", flush=True)
    except (ScenarioError, VoiceError) as error:
        print(f"tools.voices: {error}", file=sys.stderr)
        return 2
    return 0


def _write_known_answer() -> None:
    _write_sentence(KNOWN_ANSWER, KNOWN_ANSWER.with_suffix(".txt").read_text("utf-8").strip(), "known answer")


def _write_sentence(path: Path, text: str, line: str = "") -> None:
    """`line`: of the line's noise; empty for the text."""
    edge = np.zeros(round(EDGE_SECONDS * SAMPLE_RATE_HZ))
    speech = np.concatenate([edge, over_a_telephone(*speaker(JOE).say(text, 1.0)), edge])
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE_HZ, 0, "NONE", ""))
        file.writeframes(pcm(speech + line_noise(line or text, len(speech))).astype("<i2").tobytes())


if __name__ == "__main__":
    sys.exit(main())
