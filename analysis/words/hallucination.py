"""Guards against invented words: what Whisper writes when it hears noise, music or its own echo. Pure.

Each guard has a name, which labels it in the metric.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from pathlib import Path

SHIPPED_PHRASES = Path(__file__).with_name("invented_phrases.txt")

MOST_COMPRESSION = 2.4
"""Whisper's own bound: text that compresses better than this repeats itself."""
MOST_LETTERS_PER_SECOND = 40.0
"""Fast speech has about 25. Counted in letters, since the length of a token depends on the vocabulary."""
LONGEST_NGRAM = 6
LEAST_SAID_TWICE = 6
"""Words of a phrase that a Whisper may write twice; shorter ones people do say twice."""
MOST_SAID_TWICE = 200
"""Words of a text that is searched for them; the search is quadratic."""
LEAST_ECHO, ECHO_SHARE = 4, 0.8
"""An utterance of this many words of which this share, in order, were said just before is an echo."""
MOST_REPEATS = {1: 5}
"""Times a word may follow itself ("no no no"); other n-grams three times."""
OTHER_REPEATS = 3
DOUBT_NO_SPEECH = 0.3
DOUBT_LOG_PROBABILITY = -0.7
"""Beyond either bound the model is in doubt, and then even a phrase that people do say counts as invented."""

MOST_CREDIT_WORDS = 14
"""Words that a credit with names has at most: more than these are somebody's."""
MOST_SOUND_WORDS = 6
"""Words that say what is heard: "(soft piano music)"."""

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_SOUND = re.compile(
    r"(?:\[[^\[\]\d]{0,60}\]|\*[^*\d]{1,60}\*|\u266a[^\u266a]{0,200}(?:\u266a|$)|\([^()\d]{1,60}\))[.,;!?]{0,3}"
)
_SENTENCE_END = re.compile(r"[.!?\u2026\u3002](?=\s|$)|\n")


class Invention(StrEnum):
    """Why words are considered invented."""

    PHRASE = "phrase"
    PART = "part"
    """Only the end or the sounds of an utterance are: the rest stays."""
    REPETITION = "repetition"
    COMPRESSION = "compression"
    RATE = "rate"
    ECHO = "echo"
    """They say again what the model was told of the speech before."""


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases known to be inventions, in `words` form."""

    always: frozenset[str] = frozenset()
    """Whole utterances."""
    in_doubt: frozenset[str] = frozenset()
    """Whole utterances, only when the model is in doubt: people say these too."""
    endings: frozenset[str] = frozenset()
    """Those of `always` that also stand after what somebody said, as sentences of their own."""
    credits: frozenset[tuple[str, ...]] = frozenset()
    """How an ending begins that goes on with names."""

    @classmethod
    def parse(cls, lines: Iterable[str]) -> Phrases:
        """One phrase a line; the shipped list says what the marks around a phrase mean."""
        always: set[str] = set()
        in_doubt: set[str] = set()
        endings: set[str] = set()
        credits_: set[tuple[str, ...]] = set()
        for line in lines:
            phrase = line.partition("#")[0].strip()
            if not (key := words(phrase)):
                continue
            if phrase.startswith("?"):
                in_doubt.add(key)
            elif phrase.startswith("+") and phrase.endswith("..."):
                credits_.add(tuple(key.split()))
            else:
                always.add(key)
                if phrase.startswith("+"):
                    endings.add(key)
        return cls(frozenset(always), frozenset(in_doubt), frozenset(endings), frozenset(credits_))

    def know(self, sentence: str) -> bool:
        """Whether a sentence, in `words` form, is known at all."""
        return sentence in self.always or sentence in self.in_doubt

    def doubt_all(self, text: str) -> bool:
        """Whether each sentence is one that is invented where the model is in doubt: "Thank you. Bye."."""
        said = _sentences(text)
        return bool(said) and all(sentence in self.in_doubt for _, sentence in said)

    @classmethod
    def read(cls, path: Path) -> Phrases:
        """The list in a UTF-8 file. Raises OSError and UnicodeDecodeError."""
        return cls.parse(path.read_text(encoding="utf-8").splitlines())


def words(text: str) -> str:
    """Lower-case words, single spaces, no punctuation: the form in which phrases are compared."""
    return " ".join(_WORD.findall(text.lower().replace("\u2019", "'")))


def credible(text: str, phrases: Phrases) -> str:
    """`text` without what is known to be no speech: sounds in brackets, and inventions after the words of somebody.

    Empty where nothing else is left.
    """
    said = _without_sounds(text)
    if (credit := _credit(said, phrases)) is not None:
        said = said[:credit].rstrip(" ,-\u2013\u2014")
    said = _without_endings(said, phrases)
    return said if words(said) else ""


def _without_sounds(text: str) -> str:
    """Brackets go with what is in them; round ones only where they are a sentence of their own."""
    kept: list[str] = []
    past = 0
    for match in _SOUND.finditer(text):
        before = text[past : match.start()].rstrip()
        aside = match.group()[0] == "(" and before and before[-1] not in ".!?\u2026"
        is_short = len(_WORD.findall(match.group())) <= MOST_SOUND_WORDS
        if (is_short and not aside) or match.group()[0] == "\u266a":
            kept.append(text[past : match.start()])
            past = match.end()
    return " ".join(" ".join([*kept, text[past:]]).split()) if kept else text


def _credit(text: str, phrases: Phrases) -> int | None:
    """Where credits with names begin that go on to the end, one after the other."""
    found = [(match.start(), match.group().lower().replace("\u2019", "'")) for match in _WORD.finditer(text)]
    longest = max(map(len, phrases.credits), default=0)
    cut = at = len(found)
    while (at := at - 1) >= max(0, cut - MOST_CREDIT_WORDS):
        said = tuple(word for _, word in found[at : at + longest])
        if any(said[:size] in phrases.credits for size in range(1, len(said) + 1)):
            cut = at
    return found[cut][0] if cut < len(found) else None


def _without_endings(text: str, phrases: Phrases) -> str:
    """The text up to the inventions that end it, with what people say too after them: "Thanks for watching! Bye!"."""
    said = _sentences(text)
    if said and said[0][1] in phrases.always and all(phrases.know(sentence) for _, sentence in said):
        return ""
    cut = len(text)
    for start, sentence in reversed(said):
        if sentence in phrases.endings:
            cut = start
        elif sentence not in phrases.in_doubt:
            break
    return text[:cut].rstrip()


def _sentences(text: str) -> list[tuple[int, str]]:
    """Where each sentence begins, and its words."""
    starts = [0, *(match.end() for match in _SENTENCE_END.finditer(text))]
    pieces = ((start, words(text[start:end])) for start, end in zip(starts, [*starts[1:], len(text)], strict=True))
    return [(start, sentence) for start, sentence in pieces if sentence]


def invented(
    text: str,
    duration_seconds: float,
    no_speech_probability: float,
    mean_log_probability: float,
    phrases: Phrases,
) -> Invention | None:
    """Why `text` cannot have been said in `duration_seconds` of speech; None if it can."""
    said = words(text)
    in_doubt = no_speech_probability > DOUBT_NO_SPEECH or mean_log_probability < DOUBT_LOG_PROBABILITY
    if said and not credible(text, phrases):
        return Invention.PHRASE
    if in_doubt and (said in phrases.in_doubt or phrases.doubt_all(text)):
        return Invention.PHRASE
    if repeats(said.split()):
        return Invention.REPETITION
    if compression(text) > MOST_COMPRESSION:
        return Invention.COMPRESSION
    if len(said) > MOST_LETTERS_PER_SECOND * max(duration_seconds, 0.25):
        return Invention.RATE
    return None


def said_once(text: str) -> str:
    """The text without a long phrase that follows itself, with at most one word between: a Whisper's second start."""
    found = list(_WORD.finditer(text))
    said = [match.group().lower() for match in found]
    if len(said) > MOST_SAID_TWICE:
        return text
    for size in range(len(said) // 2, LEAST_SAID_TWICE - 1, -1):
        for start in range(len(said) - 2 * size + 1):
            phrase = said[start : start + size]
            for again in (start + size, start + size + 1):
                if said[again : again + size] == phrase:
                    end = found[again + size].start() if again + size < len(found) else len(text)
                    cut = text[: found[start + size].start()].rstrip()
                    return said_once(f"{cut} {text[end:]}".strip() if end < len(text) else cut)
    return text


def is_echo(text: str, before: str) -> bool:
    """Whether `text` is `before` again, give or take a word."""
    said, earlier = words(text).split(), words(before).split()
    if not LEAST_ECHO <= len(said) <= 2 * len(earlier):
        return False
    same = SequenceMatcher(None, said, earlier, autojunk=False).get_matching_blocks()
    return sum(block.size for block in same) >= ECHO_SHARE * max(len(said), len(earlier))


def repeats(said: list[str], most: Mapping[int, int] = MOST_REPEATS, others: int = OTHER_REPEATS) -> bool:
    """Whether an n-gram follows itself more often than in natural speech, or than `most`, by its size, and `others`."""
    for size in range(1, LONGEST_NGRAM + 1):
        times = most.get(size, others)
        same = 0
        for place in range(size, len(said)):
            same = same + 1 if said[place] == said[place - size] else 0
            if same >= size * times:
                return True
    return False


def compression(text: str) -> float:
    """Size of the text over its compressed size; about 1 for plain sentences."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if raw else 0.0
