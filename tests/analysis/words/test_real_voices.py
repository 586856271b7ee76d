"""A real Whisper on real voices: telephone prompts whose words are known, as a call brings them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bench.words.clips import LONG_SECONDS, Clip, prompts
from bench.words.measures import Errors, errors
from bench.words.noises import noises
from bench.words.readers import Ours
from tests.analysis.real_models import fetch

PROMPTS = 20
"""Of each set: half a minute of a core."""


@pytest.fixture(scope="module")
def reader() -> Ours:
    """Whisper base, as a worker runs it."""
    fetch("base")
    return Ours("base", "en", 1)


@pytest.fixture(scope="module")
def sets() -> dict[str, list[Clip]]:
    """Prompts of a sentence, and of a word or two, drawn by lot."""
    try:
        found = list(prompts(Path("/"), "en"))
    except OSError as error:
        pytest.skip(f"Debian's asterisk-core-sounds-en and -en-wav are not installed: {error}")
    random.Random(2).shuffle(found)
    return {
        "long": [clip for clip in found if clip.seconds >= LONG_SECONDS][-PROMPTS:],
        "short": [clip for clip in found if clip.seconds < LONG_SECONDS][-PROMPTS:],
    }


def read(reader: Ours, clips: list[Clip]) -> Errors:
    """What is read of the clips, against what is said in them."""
    found = errors(clips, [reader.read(clip) for clip in clips])
    print(f"word error {found.rate:.3f} of {found.words} words, {found.lost} of {found.clips} clips lost")
    return found


def test_sentences_are_read(reader: Ours, sets: dict[str, list[Clip]]) -> None:
    """With every lost word counted, one in eight at most is wrong; without second readings nine prompts in a hundred are lost."""
    found = read(reader, sets["long"])
    assert found.lost == 0
    assert found.rate < 0.125


def test_short_words_are_read(reader: Ours, sets: dict[str, list[Clip]]) -> None:
    """A digit or a name of a key is hard without context, but it is not lost."""
    found = read(reader, sets["short"])
    assert found.lost <= 1
    assert found.rate < 0.5


@pytest.mark.parametrize("kind", ["breathing", "typing", "clicks", "line noise"])
def test_noise_has_no_words(reader: Ours, sets: dict[str, list[Clip]], kind: str) -> None:
    """Half a minute of it leaves no word."""
    assert reader.read(noises(sets["long"], 30.0)[kind]).text == ""
