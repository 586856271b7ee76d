"""Which voices are heard in training."""

import random

from tools.whisper.voices import (
    DEV_VOICES,
    OTHER_ENGINE_TEST_VOICES,
    SCENARIO_VOICES,
    TEST_VOICES,
    TRAINING_VOICES,
    draw_training_voice,
)


def test_held_out_variants_are_in_no_training_voice() -> None:
    """No variant or speaker of the test and dev voices is heard in training, in whatever accent."""
    trained = {voice.split("+")[-1] for voice in TRAINING_VOICES}
    for voice in TEST_VOICES + DEV_VOICES + OTHER_ENGINE_TEST_VOICES:
        assert voice.split("+")[-1] not in trained


def test_dev_and_test_voices_differ() -> None:
    """The voices that steered the training are not those that the figures are measured on."""
    assert not {voice.split("+")[-1] for voice in TEST_VOICES} & {voice.split("+")[-1] for voice in DEV_VOICES}


def test_scenario_voices_are_training_voices() -> None:
    """The scenarios speak in voices that were trained on."""
    assert set(SCENARIO_VOICES) <= set(TRAINING_VOICES)


def test_drawn_voices_are_training_voices() -> None:
    """A training utterance is only ever said by a training voice."""
    rng = random.Random(1)
    assert {draw_training_voice(rng) for _ in range(3_000)} <= set(TRAINING_VOICES)
