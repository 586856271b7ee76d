"""A real Whisper tells languages apart on real voices, as a call brings them."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.settings import AnalysisSection
from analysis.words.language import Languages, Spoken
from analysis.words.passage import Passage
from analysis.words.transcriber import Transcriber
from bench.words.clips import LONG_SECONDS, RATE_HZ, VOICES, Clip, prompts
from bench.words.measures import plain
from callbus import CallOpened, CallState, Role, Transcript, Utterance
from callbus.redis.bus import Bus
from callbus.redis.settings import RedisSettings
from service.settings import ConfigError
from tests.analysis.process import LEGS, analysis, publish
from tests.analysis.real_models import fetch
from tests.published import published

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
            (words,) = base.transcribe([Passage(features, wanted)], base.context(Passage(features)))
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
    heard = [(base.hear(clip.pcm, RATE_HZ)[0], clip.language) for clip in clips]
    rows = [Passage(features, language) for features, language in heard if features is not None]
    together = base.transcribe(rows, 600)
    alone = [base.transcribe([row], 600)[0] for row in rows]
    assert [words.text for words in together] == [words.text for words in alone]
    assert [words.language for words in together] == [clip.language for clip in clips]


def test_what_is_detected_changes_no_word(base: Transcriber) -> None:
    """Words are the same whether their language was asked for or not."""
    clips = [each for each in recorded("en") if each.seconds > LONG_SECONDS][:3]
    rows = [Passage(features) for clip in clips if (features := base.hear(clip.pcm, RATE_HZ)[0]) is not None]
    asked = base.transcribe([replace(row, language=lambda sounds: "en") for row in rows], 1_000)
    assert [words.text for words in asked] == [words.text for words in base.transcribe(rows, 1_000)]
    assert all(abs(sum(words.languages.values()) - 1) < 0.01 for words in asked)


def test_a_language_that_the_model_does_not_know(base: Transcriber) -> None:
    """It is told at start, in a line that names the setting."""
    for settings in ({"language": "xx"}, {"languages": ["en", "xx"]}):
        section = AnalysisSection.model_validate({"model": "base", "device": "cpu", **settings})
        with pytest.raises(ConfigError, match=rf"analysis\.{next(iter(settings))}: the model does not know 'xx'"):
            Transcriber(section)


async def test_a_worker_tells_the_words_of_a_foreign_call(redis_url: str) -> None:
    """A whole process that expects English: once the call is known to be Spanish, its words are Spanish, unscored."""
    fetch("base")
    clips = [each for each in recorded("es") if each.seconds > 2 * LONG_SECONDS][:6]
    said, at = [], 0.0
    for sequence, clip in enumerate(clips):
        start, at = at + 1.0, at + 1.0 + clip.seconds
        role = Role.CUSTOMER if sequence % 2 else Role.AGENT
        leg = "2" if sequence % 2 else "1"
        said.append(Utterance("foreign", leg, role, sequence, start, at, time.time(), RATE_HZ, clip.pcm))
    opening = CallOpened("foreign", "bridge", time.time(), LEGS)
    async with Bus(RedisSettings(url=redis_url)) as bus:
        async with analysis(redis__url=redis_url, analysis__model="base", analysis__cpu_threads="1") as worker:
            await publish(bus, [opening])
            for number, utterance in enumerate(said, start=1):  # as in a call: each is read before the next is said
                await publish(bus, [utterance])
                async with asyncio.timeout(60):
                    while len(told := [each for each in await published(bus) if isinstance(each, Transcript)]) < number:
                        await asyncio.sleep(0.05)
            assert await worker.metric('callvane_call_languages_decided_total{outcome="not_judged"}') == 1
        state = [each for each in await published(bus) if isinstance(each, CallState)][-1]
    assert (state.language, state.is_judged, state.scores) == ("es", False, ())
    assert [each.score for each in told] == [None] * len(said)
    wanted = [set(plain(clip.said, "es").split()) for clip in clips[-3:]]
    words = [set(plain(each.text, "es").split()) for each in told[-3:]]
    print([each.text for each in told])
    assert sum(len(one & other) for one, other in zip(wanted, words, strict=True)) > sum(map(len, wanted)) / 2
