"""The voices, and which of them are used in training: chosen before the first training and never changed since.

An espeak-ng voice is an accent and a variant (`en-gb+m3`); a flite voice is one recorded speaker.
A variant kept for dev or test is never a training voice, whatever the accent.
"""

import random

SCENARIO_VOICES = (
    "en-us+f3",
    "en-gb+m3",
    "en-gb+m7",
    "en-us+f2",
    "en-us+f4",
    "en-us+m1",
    "en-gb+f5",
    "en-gb+m1",
)
"""Voices of the end-to-end scenarios, which are training voices."""

TEST_VOICES = (
    "en-us+f1",
    "en-gb+m4",
    "en-gb-scotland+Annie",
    "en-us+Michael",
    "en-gb-x-rp+linda",
    "en-029+robert",
    "en-gb-x-gbclan+paul",
    "en-gb-x-gbcwmd+Nguyen",
)
"""Held-out espeak-ng variants in eight accents, used only by the evaluation."""

OTHER_ENGINE_TEST_VOICES = ("flite:rms",)
"""A speaker of another synthesiser, unheard in training; reported separately."""

DEV_VOICES = ("en-us+Lee", "en-gb+belinda", "en-gb-scotland+Mario", "en-029+Hugo")
"""Also unheard in training, but used to tune the recipe."""

_ACCENTS = {
    "en-us": 6,
    "en-gb": 6,
    "en-gb-scotland": 2,
    "en-gb-x-rp": 2,
    "en-gb-x-gbclan": 1,
    "en-gb-x-gbcwmd": 1,
    "en-029": 1.5,
    "en-us-nyc": 1,
}
_VARIANT_NAMES = (
    "f2 f3 f4 f5 m1 m2 m3 m5 m6 m7 m8 adam Alex Alicia Andrea Andy anika antonio aunty benjamin boris caleb"
    " david Denis Diogo ed edward grandpa - Henrique iven iven2 Jacky john kaukovalta klatt klatt2"
    " klatt4 marcelo Marco max michel miguel Mike norbert pablo pedro quincy rob robosoft sandro shelby"
    " steph steph2 travis victor zac"
)
_VARIANTS = tuple(_VARIANT_NAMES.split())
PLAIN = "-"
"""The accent's own voice, without a variant."""
FLITE_VOICES = ("flite:kal", "flite:awb", "flite:slt")

TRAINING_VOICES = tuple(f"{accent}+{variant}" for accent in _ACCENTS for variant in _VARIANTS) + FLITE_VOICES


def draw_training_voice(rng: random.Random) -> str:
    """One voice for a training utterance: scenario voices a fifth of the time, flite a tenth."""
    dice = rng.random()
    if dice < 0.2:
        return rng.choice(SCENARIO_VOICES)
    if dice < 0.3:
        return rng.choice(FLITE_VOICES)
    accent = rng.choices(list(_ACCENTS), list(_ACCENTS.values()))[0]
    return f"{accent}+{rng.choice(_VARIANTS)}"
