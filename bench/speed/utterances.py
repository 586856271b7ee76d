"""The utterances that every reader reads: Debian's English prompts, or what is said in the scenarios."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.words.clips import LONG_SECONDS, RATE_HZ, Clip, prompts
from testcall import ulaw, wav

SCENARIOS = Path(__file__).parents[2] / "testcall" / "scenarios" / "audio"
MOST_SECONDS = 15.0
"""Of an utterance; the bridge splits longer speech."""
AROUND_SECONDS = 0.2
"""Kept before and after the speech of a scenario's turn, as the bridge does."""
SEED = 1


def utterances(root: Path, count: int) -> tuple[list[Clip], str]:
    """Up to `count` of them in random order, the same each time; and what they are, for a table's conditions.

    Without Debian's prompts below `root` they are the scenarios' turns, which are fewer and come again and again.
    """
    try:
        found = [clip for clip in prompts(root, "en") if LONG_SECONDS <= clip.seconds <= MOST_SECONDS]
        source = "English prompts"
    except OSError:
        found, source = list(turns(SCENARIOS)), "scenarios' turns"
    random.Random(SEED).shuffle(found)
    return [found[at % len(found)] for at in range(count)], source


def turns(folder: Path) -> Iterator[Clip]:
    """What is said in the scenarios, turn by turn. Raises OSError and WavError."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for name, scenario in manifest["scenarios"].items():
        legs = {
            party: np.frombuffer(ulaw.decode(wav.read(folder / f"{name}-{party}.wav")), "<i2")
            for party in ("agent", "customer")
        }
        for number, turn in enumerate(scenario["turns"]):
            start = round(max(0.0, turn["start_seconds"] - AROUND_SECONDS) * RATE_HZ)
            end = round((turn["end_seconds"] + AROUND_SECONDS) * RATE_HZ)
            yield Clip(f"{name}/{number}", legs[turn["party"]][start:end].tobytes(), turn["text"])
