"""How soon and how rightly a call's language is decided: calls made of the prompts of one language."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

from analysis.words.language import Languages, Probabilities, Spoken
from analysis.words.passage import Passage
from bench.table import Row, row
from bench.words.clips import RATE_HZ, Clip
from bench.words.readers import Ours

CALLS = 50
HEARD_SECONDS = (5.0, 10.0, 15.0)
"""Of speech in a call, after which the decision is looked at."""
WRONG = 0.0
"""Target: the share of English calls that are taken for others, and of others that are taken for English."""
SEED = 1


@dataclass(frozen=True, slots=True)
class Sound:
    """An utterance as a call brings it."""

    languages: Probabilities
    seconds: float
    """Of speech."""


def decisions(model: str, language: str, clips: Sequence[Clip], ours: Ours) -> Iterator[Row]:
    """What is decided of calls in a language, with English expected and with `auto`."""
    heard, cpu_seconds = _heard(clips, ours)
    yield row("CPU, asking for the language", cpu_seconds, "s an utterance", f"{model}, {language}")
    for expected in ("en", ""):
        policy = Languages(expected)
        for limit in HEARD_SECONDS:
            found = Counter(_decided(policy, call) for call in _calls(heard, limit))
            conditions = f"{model}, {language} calls of {limit:g} s, language = {expected or 'auto'}"
            if language == "en":
                wrong = CALLS - found["en"] - found[""]
                yield row("taken for another language", wrong / CALLS, "of the calls", conditions, at_most=WRONG)
            else:
                yield row("taken for English", found["en"] / CALLS, "of the calls", conditions, at_most=WRONG)
                others = CALLS - found[language] - found["en"] - found[""]
                yield row("taken for a third language", others / CALLS, "of the calls", conditions)
            yield row("decided rightly", found[language] / CALLS, "of the calls", conditions)
            yield row("undecided", found[""] / CALLS, "of the calls", conditions)


def _heard(clips: Sequence[Clip], ours: Ours) -> tuple[list[list[Sound]], float]:
    """The utterances of each clip; CPU seconds that the question adds to reading one."""
    found: list[list[Sound]] = []
    asking, turns = 0.0, cycle((True, False))  # the second reading of an utterance finds it in the caches
    for clip in clips:
        sounds = []
        for pcm in ours.cut(clip):
            features, speech = ours.transcriber.hear(pcm, RATE_HZ)
            if features is not None:
                frames = ours.transcriber.context(Passage(features))
                cost = {}
                for asked in (True, False) if next(turns) else (False, True):
                    began = time.process_time()
                    passage = Passage(features, (lambda _: "en") if asked else "en")
                    (words,) = ours.transcriber.transcribe([passage], frames)
                    cost[asked] = time.process_time() - began
                    if asked:
                        sounds.append(Sound(words.languages, speech.seconds))
                asking += cost[True] - cost[False]
        found.append(sounds)
    return found, asking / max(1, sum(map(len, found)))


def _calls(heard: Sequence[Sequence[Sound]], limit: float) -> Iterator[list[Sound]]:
    """Calls of prompts in any order, until this much speech is heard."""
    lot = random.Random(SEED)
    for _ in range(CALLS):
        call: list[Sound] = []
        for sounds in lot.sample(heard, len(heard)):
            if sum(each.seconds for each in call) >= limit:
                break
            call += sounds
        yield call


def _decided(policy: Languages, call: Sequence[Sound]) -> str:
    known = Spoken()
    for sound in call:
        known = policy.heard(known, sound.languages, sound.seconds)
    return known.language
