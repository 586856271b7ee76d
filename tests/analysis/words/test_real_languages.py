"""A real Whisper tells languages apart on real voices, as a call brings them."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.settings import AnalysisSection
from analysis.words.language import Languages, Spoken
from analysis.words.transcriber import Transcriber
from bench.words.clips import LONG_SECONDS, RATE_HZ, VOICES, Clip, prompts
from service.settings import ConfigError
from tests.analysis.real_models import fetch

CALLS, SECONDS = 4, 16.0
"""Of each language, each with prompts of this length together."""
SOUNDS = Path(os.environ.get("SOUNDS", "/"))
"""Root of Debian's sound packages."""
POLICY = Languages("en")


@pytest.fixture(scope="module")
def base() -> Transcriber:
    """Whisper base, which English is expected of."""
    fetch("base")
    return Transcriber(AnalysisSection(model="base", device="cpu", cpu_threads=1))


def recorded(language: str) -> list[Clip]:
    """The prompts of a language, by lot; skips the test where they are not installed."""
    try:
        found = list(prompts(SOUNDS, language))
    except OSError as error:
        pytest.skip(f"Debian's asterisk-core-sounds-{language} and -{language}-wav are not installed: {error}")
    random.Random(5).shuffle(found)
    return found


def calls(language: str) -> Iterator[list[Clip]]:
    """Calls of prompts, short and long."""
    clips = iter(recorded(language))
    for _ in range(CALLS):
        call: list[Clip] = []
        while sum(clip.seconds for clip in call) < SECONDS:
            call.append(next(clips))
        yield call


def decided(base: Transcriber, call: list[Clip]) -> str:
    """What a call's language is found to be; empty if nothing is decided."""
    known = Spoken()
    for clip in call:
        features, speech = base.hear(clip.pcm, RATE_HZ)
        if features is not None:
            wanted = POLICY.wanted(known, speech.seconds)
            (words,) = base.transcribe([features], base.context(features), [wanted])
            known = POLICY.heard(known, words.languages, speech.seconds)
    return known.language


@pytest.mark.parametrize("language", sorted(VOICES))
def test_calls_are_taken_for_what_they_are(base: Transcriber, language: str) -> None:
    """Within a quarter of a minute English calls are found to be English, and others never are."""
    found = [decided(base, call) for call in calls(language)]
    print(language, found)
    if language == "en":
        assert set(found) == {"en"}
    else:
        assert "en" not in found
        assert found.count(language) >= CALLS - 1


def test_rows_of_several_languages_share_a_batch(base: Transcriber) -> None:
    """Each is read in its own, with the words that it has alone."""
    clips = [
        clip
        for language in ("en", "es")
        for clip in [each for each in recorded(language) if 2 * LONG_SECONDS < each.seconds < 5][:3]
    ]
    rows = [features for clip in clips if (features := base.hear(clip.pcm, RATE_HZ)[0]) is not None]
    languages = [clip.language for clip in clips]
    together = base.transcribe(rows, 600, languages)
    alone = [base.transcribe([row], 600, [language])[0] for row, language in zip(rows, languages, strict=True)]
    assert [words.text for words in together] == [words.text for words in alone]
    assert [words.language for words in together] == languages


def test_what_is_detected_changes_no_word(base: Transcriber) -> None:
    """Words are the same whether their language was asked for or not."""
    clips = [each for each in recorded("en") if each.seconds > LONG_SECONDS][:3]
    rows = [features for clip in clips if (features := base.hear(clip.pcm, RATE_HZ)[0]) is not None]
    asked = base.transcribe(rows, 1_000, [lambda sounds: "en"] * len(rows))
    assert [words.text for words in asked] == [words.text for words in base.transcribe(rows, 1_000)]
    assert all(abs(sum(words.languages.values()) - 1) < 0.01 for words in asked)


def test_a_language_that_the_model_does_not_know(base: Transcriber) -> None:
    """It is told at start, in a line that names the setting."""
    for settings in ({"language": "xx"}, {"languages": ["en", "xx"]}):
        section = AnalysisSection.model_validate({"model": "base", "device": "cpu", **settings})
        with pytest.raises(ConfigError, match=rf"analysis\.{next(iter(settings))}: the model does not know 'xx'"):
            Transcriber(section)
