"""Sentences of support calls, drawn from the templates in `grammar.toml`.

A hash of its words assigns every sentence to exactly one part (train, dev or test), so no figure is measured on a
sentence used in training. Sentences of the end-to-end scenarios belong to no part.
"""

import random
import re
import tomllib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

GRAMMAR = Path(__file__).with_name("grammar.toml")
SCENARIOS = Path(__file__).resolve().parents[2] / "testcall" / "scenarios"

MAX_WORDS = 22
SHUFFLED_SHARE = 0.2
"""Share of utterances made of words in random order: a decoder that only learns templates fails on them."""

_ALIKE = (
    "to too two for four no know right there here your you're our hour its it's by one won week see sea"
    " i'll aisle read red be bee wait weight son sun new knew blue would wood male mail road rode"
)
HOMOPHONES = frozenset(_ALIKE.split())
"""Words that sound like another one: only context separates them, so they are never shuffled."""

_WORD = re.compile(r"[a-z']+")
_GROUP = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]|\{(\w+)\}")


class Part(StrEnum):
    """What a sentence is used for."""

    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Sentence:
    """The spoken text (with punctuation, as pauses) and the text to write."""

    spoken: str
    written: str
    shuffled: bool = False


def words(text: str) -> list[str]:
    """The words of a text as the model writes them: lower case, no punctuation except inner apostrophes."""
    return [word.strip("'") for word in _WORD.findall(text.lower()) if word.strip("'")]


def split_sentences(text: str) -> list[str]:
    """Cut a turn into sentences, each as its words joined by spaces."""
    pieces = (" ".join(words(piece)) for piece in re.split(r"[.?!]", text))
    return [piece for piece in pieces if piece]


@cache
def scenario_texts() -> tuple[str, ...]:
    """All turns of the end-to-end scenarios, as in the files."""
    turns: list[str] = []
    for path in sorted(SCENARIOS.glob("*.toml")):
        turns += [turn["text"] for turn in tomllib.loads(path.read_text())["turns"]]
    return tuple(turns)


@cache
def scenario_sentences() -> frozenset[str]:
    """Every sentence and every whole turn of the scenarios: none may be used in training."""
    whole = {" ".join(words(text)) for text in scenario_texts()}
    return frozenset(whole | {piece for text in scenario_texts() for piece in split_sentences(text)})


@cache
def grammar() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Slots and templates of the grammar file."""
    data = tomllib.loads(GRAMMAR.read_text())
    return data["slots"], data["sentences"]


def part_of(sentence: str) -> Part:
    """The part of a sentence (its words joined by spaces); one- and two-word sentences are for training."""
    if len(sentence.split()) <= 2:
        return Part.TRAIN
    bucket = zlib.crc32(sentence.encode()) % 20
    return {0: Part.TEST, 1: Part.DEV}.get(bucket, Part.TRAIN)


def expand(template: str, rng: random.Random) -> str:
    """Fill a template once: slots, branches and optional words."""
    slots, _ = grammar()
    text = template
    while match := _GROUP.search(text):
        branch, optional, slot = match.groups()
        if slot is not None:
            chosen = rng.choice(slots[slot])
        elif branch is not None:
            chosen = rng.choice(branch.split("|"))
        else:
            chosen = rng.choice(optional.split("|")) if rng.random() < 0.5 else ""
        text = text[: match.start()] + chosen + text[match.end() :]
    text = re.sub(r"\s+([,.?!])", r"\1", re.sub(r"\s+", " ", text)).strip()
    return re.sub(r"[,.?!]*([.?!])$", r"\1", re.sub(r",(,)+", ",", text))


@cache
def vocabulary() -> tuple[str, ...]:
    """Every word the grammar can produce, sorted."""
    slots, sentences = grammar()
    found: set[str] = set()
    for group in (slots, sentences):
        for templates in group.values():
            for template in templates:
                found.update(words(re.sub(r"\{\w+\}", " ", template)))
    return tuple(sorted(found))


def _sentence(part: Part, rng: random.Random) -> str:
    _, sentences = grammar()
    domains = list(sentences)
    weights = [len(sentences[domain]) for domain in domains]
    while True:
        domain = rng.choices(domains, weights)[0]
        spoken = expand(rng.choice(sentences[domain]), rng)
        written = " ".join(words(spoken))
        pieces = split_sentences(spoken)
        if len(written.split()) > MAX_WORDS or scenario_sentences().intersection([written, *pieces]):
            continue
        if part_of(written) is part and all(part_of(piece) is part for piece in pieces if len(pieces) > 1):
            return spoken


def _shuffled(part: Part, rng: random.Random) -> str:
    pool = [word for word in vocabulary() if word not in HOMOPHONES]
    while True:
        chosen = rng.sample(pool, rng.randint(3, 9))
        if rng.random() < 0.3:  # a stretch of real talk inside the random words
            middle = words(_sentence(part, rng))[:6]
            chosen[1:1] = middle
        spoken = " ".join(chosen)
        if part_of(spoken) is part:
            return spoken


def draw(part: Part, seed: int) -> Iterator[Sentence]:
    """Endless distinct utterances of one part: one sentence, two short ones, or shuffled words."""
    rng = random.Random(f"{part}-{seed}")
    seen: set[str] = set()
    while True:
        dice = rng.random()
        shuffled = dice < SHUFFLED_SHARE
        if shuffled:
            spoken = _shuffled(part, rng)
        elif dice < SHUFFLED_SHARE + 0.22:
            spoken = " ".join(_sentence(part, rng) for _ in range(2))
        else:
            spoken = _sentence(part, rng)
        written = " ".join(words(spoken))
        if written not in seen and len(written.split()) <= MAX_WORDS and written not in scenario_sentences():
            seen.add(written)
            yield Sentence(spoken, written, shuffled)


def draw_snippets(seed: int) -> Iterator[Sentence]:
    """Endless training utterances of one to four words: parts of sentences, or any words.

    Short ones teach which sound is which word, before the decoder has learnt to find its place in a long one.
    """
    rng = random.Random(f"snippets-{seed}")
    while True:
        if rng.random() < 0.5:
            chosen = rng.sample(vocabulary(), rng.randint(1, 3))
            if len(chosen) > 1 and HOMOPHONES.intersection(chosen):
                continue
        else:
            whole = words(_sentence(Part.TRAIN, rng))
            first = rng.randrange(len(whole))
            chosen = whole[first : first + rng.randint(2, 4)]
        text = " ".join(chosen)
        ambiguous = len(chosen) == 1 and chosen[0] in HOMOPHONES
        if not ambiguous and part_of(text) is Part.TRAIN and text not in scenario_sentences():
            yield Sentence(text, text)
