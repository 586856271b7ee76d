"""Speech for short calls, and whether a captured utterance is a copy of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from callbus import Utterance
from testcall import scenario, ulaw, wav
from testcall.metadata import Party
from testcall.scenario import PARTIES, Scenario

PIECE = 800
"""Samples that are compared at once: 100 ms, since a jitter buffer may move whole frames."""
QUIET = 100
"""Samples of this size on average are no speech."""
COPY = 0.9
"""The correlation above which a piece is a copy."""


SCRIPT = """
summary = "each party says one sentence, both at once"
agent_name = "Anna"
voices = { agent = "jf_alpha", customer = "joe" }
turns = [{ party = "customer", text = "Hello." }, { party = "agent", text = "Hello." }]
"""


def sentence(party: Party, seconds: float = 2.0, quiet_seconds: float = 0.2) -> tuple[bytes, ...]:
    """The first words of a party, in packets of 20 ms of µ-law, with that much silence before and after."""
    spoken = scenario.load("turns_angry")
    turn = next(turn for turn in scenario.load_manifest().scenarios[spoken.name].turns if turn.party == party)
    first = round(turn.start_seconds * 50)
    quiet = (bytes([ulaw.SILENCE]) * 160,) * round(quiet_seconds * 50)
    return quiet + spoken.payloads(party)[first : first + round(seconds * 50)] + quiet


def short_scenario(folder: Path) -> Scenario:
    """A call of two and a half seconds in which each party says its sentence."""
    path = folder / "short.toml"
    path.write_text(SCRIPT)
    (folder / "audio").mkdir()
    read = scenario.load(path)
    for party in PARTIES:
        wav.write(read.audio_path(party), b"".join(sentence(party)))
    return read


def likeness(utterances: Iterable[Utterance], payloads: Sequence[bytes]) -> float:
    """Which share of what was heard, piece by piece, is a copy of some stretch of the payloads: 0 to 1."""
    said = ulaw.decode(b"".join(payloads)).astype(np.float64)
    energy = np.convolve(said**2, np.ones(PIECE), "valid")
    copies = []
    for utterance in utterances:
        heard = np.frombuffer(utterance.pcm, "<i2").astype(np.float64)
        for piece in np.split(heard[: len(heard) // PIECE * PIECE], len(heard) // PIECE):
            if (loudness := float((piece**2).sum())) > PIECE * QUIET**2:
                alike = np.correlate(said, piece, "valid") / np.sqrt(np.maximum(energy, 1.0) * loudness)
                copies.append(float(alike.max()) > COPY)
    return sum(copies) / len(copies) if copies else 0.0


def of_leg(utterances: Iterable[Utterance], leg_id: str) -> list[Utterance]:
    """Those of one leg."""
    return [utterance for utterance in utterances if utterance.leg_id == leg_id]
