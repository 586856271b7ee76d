"""How much of an utterance is speech, by the real detector."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.words.features import samples_of
from analysis.words.silence import NOTHING, is_little
from analysis.words.speech import speech_in
from bench.words.clips import RATE_HZ, Clip
from bench.words.noises import noises
from tests.analysis.process import utterances

SPEECH = [Clip("said", each.pcm, "words") for each in utterances("turns_angry", "a", 0.0)]
NOISES = noises(SPEECH, 20.0)


def test_speech_is_heard() -> None:
    """Each sentence of a call is speech for more than half of its length."""
    for clip in SPEECH:
        assert speech_in(samples_of(clip.pcm, RATE_HZ)).seconds > clip.seconds / 2


@pytest.mark.parametrize("kind", ["breathing", "typing", "clicks", "line noise"])
def test_noise_is_none(kind: str) -> None:
    """What a bridge's detector takes for speech is not worth reading."""
    clip = NOISES[kind]
    heard = speech_in(samples_of(clip.pcm, RATE_HZ))
    assert heard.highest < NOTHING
    assert is_little(heard, clip.seconds)


@pytest.mark.parametrize("samples", [0, 1, 511, 512, 513])
def test_any_length_is_taken(samples: int) -> None:
    """However short an utterance is, silence is none."""
    assert speech_in(np.zeros(samples, np.float32)).seconds == 0


def test_a_crowd_is_told_from_a_voice() -> None:
    """Eight who talk at once are a crowd; one is none, nor one in the noise of a line, nor such noise alone."""
    dice = np.random.default_rng(1)
    assert speech_in(samples_of(NOISES["babble"].pcm, RATE_HZ)).is_crowd
    assert not speech_in(samples_of(NOISES["line noise"].pcm, RATE_HZ)).is_crowd
    for clip in SPEECH:
        said = samples_of(clip.pcm, RATE_HZ)
        noise = dice.normal(0, said.std() * 0.7, said.size).astype(np.float32)
        assert not speech_in(said).is_crowd
        assert not speech_in(said + noise).is_crowd
