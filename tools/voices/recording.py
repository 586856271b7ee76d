"""A scenario's audio: both legs laid out in call time, and the manifest beside them."""

from __future__ import annotations

import hashlib
import json
from typing import Final

import msgspec

from testcall import ulaw, wav
from testcall.metadata import Party
from testcall.scenario import MANIFEST, PARTIES, Manifest, Recording, Scenario, SpokenTurn, load_manifest
from testcall.wav import SAMPLE_RATE_HZ
from tools.voices.sound import Signal, line_noise, over_a_telephone, pcm
from tools.voices.speakers import speaker

MADE_WITH: Final = "Piper en_US-joe-medium, Kokoro-82M v1.0"
_RECIPE: Final = "2"
"""Part of every digest: raise it when the same texts would sound different."""


def record(scenario: Scenario) -> tuple[dict[Party, bytes], Recording]:
    """Both legs of a scenario as µ-law, of equal length, and when each turn is spoken."""
    timing = scenario.timing
    at = timing.lead_seconds
    spoken: list[tuple[Party, int, Signal]] = []
    turns = []
    for turn in scenario.turns:
        speech = over_a_telephone(*speaker(getattr(scenario.voices, turn.party)).say(turn.text, timing.pace))
        start = round((at + turn.pause_seconds) * SAMPLE_RATE_HZ)
        spoken.append((turn.party, start, speech))
        at = (start + len(speech)) / SAMPLE_RATE_HZ
        turns.append(SpokenTurn(turn.party, round(start / SAMPLE_RATE_HZ, 3), round(at, 3), turn.text, turn.alert))
    seconds = round(at + timing.tail_seconds, 1)
    legs: dict[Party, bytes] = {}
    for party in PARTIES:
        leg = line_noise(f"{scenario.name} {party}", round(seconds * SAMPLE_RATE_HZ))
        for who, start, speech in spoken:
            if who == party:
                leg[start : start + len(speech)] += speech
        legs[party] = ulaw.encode(pcm(leg))
    return legs, Recording(seconds, digest(scenario), tuple(turns))


def digest(scenario: Scenario) -> str:
    """A short hash of all that a scenario's audio depends on, the speakers' versions excepted."""
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
    manifest = Manifest(MADE_WITH, dict(sorted({**recordings, scenario.name: recording}.items())))
    (folder / MANIFEST).write_text(json.dumps(msgspec.to_builtins(manifest), indent=1) + "\n")
    return recording
