"""Which language a call is in: the evidence of its utterances, and the decision. Pure.

Whisper gives each utterance a probability for every language it knows. A word or two can sound like anything, so the
log-probabilities of all a call's utterances, both parties', are added up by their seconds of speech until one language
is beyond doubt.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

Probabilities = Mapping[str, float]
"""By language code, of one utterance; they sum to 1. Empty if nothing was detected."""
Wanted = str | Callable[[Probabilities], str]
"""The language to read an utterance in: a code, empty for the configured one; or what chooses it by the utterance's
own probabilities, and so asks for these."""

ALL = "*"
"""Stands for every language, where languages are listed."""
LEAST_SECONDS = 3.0
"""Of speech, before anything is decided."""
MOST_SECONDS = 15.0
"""Of speech. By then the likeliest language is taken, or the expected one."""
SURE = 0.995
"""Probability of a language at which it is decided before `MOST_SECONDS`."""
EXPECTED_ODDS = 1.0
"""Log-odds that the expected language has over every other one before a word is heard."""
LEANING = 0.97
"""Probability from which, before the decision, a call is read in another language than the expected one."""
FLOOR = 1e-2
"""Probabilities of an utterance below this count as this much: no single utterance can rule a language out."""
WORDLESS_SECONDS = 0.5
"""Speech of an utterance that says nothing: a lone word or name can sound like any language."""
FULL_SECONDS = 5.0
"""What a longer utterance says counts as that of one of this length."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a call's speech says of its language."""

    language: str = ""
    """The code, once it is decided."""
    seconds: float = 0.0
    """Of speech heard before the decision."""
    evidence: dict[str, float] = field(default_factory=dict)
    """By language code: summed log-probabilities, each weighted by its speech. Empty after the decision."""


@dataclass(frozen=True, slots=True)
class Languages:
    """What is expected of calls, what the model can tell apart, and what the scorer can judge."""

    expected: str = "en"
    """Language code; empty if any of `among` is as likely."""
    among: frozenset[str] = frozenset()
    """Languages that are considered; empty: all that the model knows."""
    judged: frozenset[str] = frozenset({ALL})
    """Languages that the scorer can judge."""
    detects: bool = True
    """Whether the model can tell languages apart."""

    @property
    def is_fixed(self) -> bool:
        """Whether there is nothing to detect."""
        return not self.detects or (len(self.among) == 1 and self.expected in self.among)

    def wanted(self, known: Spoken, seconds: float) -> Wanted:
        """How to read an utterance with this much speech."""
        if known.language or self.is_fixed:
            return known.language or self.expected
        return partial(self._read_in, known, seconds)

    def heard(self, known: Spoken, probabilities: Probabilities, seconds: float) -> Spoken:
        """What is known after an utterance with this much speech."""
        if known.language or self.is_fixed or not probabilities:
            return known
        after = self._added(known, probabilities, seconds)
        if after.seconds < LEAST_SECONDS or not after.evidence:
            return after
        language, probability = self._likeliest(after)
        if probability < SURE:
            if after.seconds < MOST_SECONDS:
                return after
            language = self.expected or language
        return Spoken(language, after.seconds)

    def presumed(self, known: Spoken) -> str:
        """The language to read a call in now; empty if none is expected and nothing has been heard."""
        if known.language or not known.evidence:
            return known.language or self.expected
        language, probability = self._likeliest(known)
        return language if not self.expected or probability >= LEANING else self.expected

    def is_to_be_scored(self, known: Spoken) -> bool:
        """Whether what is said now is rather in a language that the scorer can judge than in another."""
        if known.language or not known.evidence or ALL in self.judged:
            return self.is_judged(known.language or self.expected)
        return sum(each for language, each in self._shares(known).items() if language in self.judged) >= 0.5

    def is_judged(self, language: str) -> bool:
        """Whether the scorer can judge a language; so it is with one that is not known yet."""
        return not language or ALL in self.judged or language in self.judged

    def _read_in(self, known: Spoken, seconds: float, probabilities: Probabilities) -> str:
        return self.presumed(self._added(known, probabilities, seconds))

    def _added(self, known: Spoken, probabilities: Probabilities, seconds: float) -> Spoken:
        weight = min(seconds, FULL_SECONDS) - WORDLESS_SECONDS
        if weight <= 0:
            return known
        evidence = {
            language: known.evidence.get(language, 0.0) + weight * math.log(max(FLOOR, probability))
            for language, probability in probabilities.items()
            if not self.among or language in self.among or language == self.expected
        }
        return replace(known, seconds=known.seconds + seconds, evidence=evidence)

    def _likeliest(self, known: Spoken) -> tuple[str, float]:
        """The likeliest language and its probability, 0 to 1."""
        shares = self._shares(known)
        language = max(shares, key=lambda each: shares[each])
        return language, shares[language]

    def _shares(self, known: Spoken) -> dict[str, float]:
        """The probability of each language, if there is evidence."""
        odds = {
            language: value + (EXPECTED_ODDS if language == self.expected else 0.0)
            for language, value in known.evidence.items()
        }
        most = max(odds.values())
        shares = {language: math.exp(value - most) for language, value in odds.items()}
        whole = sum(shares.values())
        return {language: share / whole for language, share in shares.items()}
