"""Lists of phrases by which acts and other signs are found in words, if no network reads them. Pure.

The lists are data, one file a language: `config/languages/`. A phrase is looked for in one clause, in time that grows
with the text alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from analysis.languages.files import SHIPPED, LanguageError, Tables, tables
from analysis.languages.folding import folded
from analysis.practice.clauses import Clause, clauses, cut, quote
from analysis.turns.reading import READ_ACTS, Act, AgentReading
from analysis.turns.turn import Turn
from callbus import Role

SIGNS = ("gush", "hold", "heated", "urgent", "formal", "casual", "telling", "formula", "light")
"""Lists beside those of the acts."""
KNOWN = (*READ_ACTS, *SIGNS)
OTHERS = frozenset(("abbreviations", "mood", "parties"))
"""What else a language's file may have."""
SURE, LIKELIER = 0.7, 3.0
"""A list with this confidence is believed without the network; one with less makes an act so many times likelier (odds)
than the network alone says."""
SEEN = 0.5
"""The confidence from which something counts as seen."""
MOST_PHRASES = 500
MOST_WORDS = 12
"""Of a phrase."""
MOST_GAPS = 2
GAP_WORDS = 4
SHARED_WORDS, TAKEN_UP = 2, 0.55
"""An agent's clause that is no question and has this many of the customer's weighty words takes up what they said."""
LATEST_TURNS = 4
"""Of both parties, in which those words are looked for."""
SHORT_CHARACTERS = 80
"""A turn of no more than this is quoted whole."""
LEAST_LETTERS = 4
"""Of a weighty word."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words to find next to each other, in one clause."""

    name: str
    """Of its list."""
    text: str
    words: tuple[frozenset[str] | None, ...]
    """The alternatives at each place; empty for any word, None for up to GAP_WORDS words."""
    at_start: bool = False
    in_question: bool = False
    excepts: bool = False
    """Whether it takes back what the list finds in its clause."""

    def stands(self, clause: Clause, at: int) -> bool:
        """Whether a clause has them from a word on."""
        if (self.in_question and not clause.is_question) or (self.at_start and at):
            return False
        return self._fits(clause.words, at, 0)

    def _fits(self, words: Sequence[str], at: int, place: int) -> bool:
        for number in range(place, len(self.words)):
            choice = self.words[number]
            if choice is None:
                return any(self._fits(words, at + skipped, number + 1) for skipped in range(GAP_WORDS + 1))
            if at >= len(words) or (choice and words[at] not in choice):
                return False
            at += 1
        return True


@dataclass(frozen=True, slots=True)
class Find:
    """Where a list was found in a turn."""

    quote: str
    phrase: str
    confidence: float
    count: int = 1
    """Clauses of the turn that have one of its phrases."""


Found = Mapping[str, Find]
"""By the name of a list: an act or one of SIGNS."""


@dataclass(frozen=True, slots=True)
class Phrases:
    """The lists of one language."""

    by_word: Mapping[str, Sequence[Phrase]] = field(default_factory=dict)
    """The phrases by each word that they may begin with."""
    confidence: Mapping[str, float] = field(default_factory=dict)
    """How sure a find of a list is, 0 to 1."""
    light: frozenset[str] = frozenset()
    """Words that nobody is known by."""
    abbreviations: frozenset[str] = frozenset()
    """Words whose full stop ends no clause."""

    def clauses(self, text: str) -> Iterator[Clause]:
        """The clauses of a turn."""
        return clauses(text, self.abbreviations)

    def of(self, clause: Clause) -> dict[str, str]:
        """The lists that a clause has a phrase of, each with the first such phrase."""
        found: dict[str, str] = {}
        excepted: set[str] = set()
        for at, word in enumerate(clause.words):
            for phrase in self.by_word.get(word, ()):
                if phrase.excepts:
                    if phrase.name not in excepted and phrase.stands(clause, at):
                        excepted.add(phrase.name)
                elif phrase.name not in found and phrase.stands(clause, at):
                    found[phrase.name] = phrase.text
        return {name: text for name, text in found.items() if name not in excepted}

    def found(self, text: str) -> dict[str, Find]:
        """What the words of a turn have by themselves, each with the first clause that has it."""
        found: dict[str, Find] = {}
        for clause in self.clauses(text):
            for name, phrase in self.of(clause).items():
                if earlier := found.get(name):
                    found[name] = replace(earlier, count=earlier.count + 1)
                else:
                    found[name] = Find(cut(clause.text), phrase, self.confidence[name])
        return found

    def of_agent(self, turn: Turn, history: Sequence[Turn]) -> Found:
        """What an agent's turn has, in view of what the customer has said."""
        found = self.found(turn.text)
        if taken := self._taken_up(turn, history):
            found[Act.SPECIFIC] = taken
        return found

    def weighty(self, clause: Clause) -> set[str]:
        """The words of a clause that say what it is about."""
        return {word for word in clause.words if len(word) >= LEAST_LETTERS and word.isalpha()} - self.light

    def _taken_up(self, turn: Turn, history: Sequence[Turn]) -> Find | None:
        """A clause that says again what the customer said, and asks nothing."""
        customers = [other for other in history if other.role is not Role.AGENT][-LATEST_TURNS:]
        said = {word for other in customers for clause in self.clauses(other.text) for word in self.weighty(clause)}
        for clause in self.clauses(turn.text):
            if not clause.is_question and len(self.weighty(clause) & said) >= SHARED_WORDS:
                return Find(cut(clause.text), "their words again", TAKEN_UP)
        return None


def reading(found: Found) -> AgentReading:
    """An agent's turn as read by phrases alone."""
    acts = {act: found[act].confidence for act in READ_ACTS if act in found}
    helps = acts.keys() & {Act.NEXT, Act.SPECIFIC, Act.LIMIT}
    return AgentReading(acts, 0.0 if helps or "gush" not in found else found["gush"].confidence)


def reading_with(read: AgentReading, found: Found) -> AgentReading:
    """A network's reading together with the phrases found: a sure list speaks for itself, another one adds to it."""
    acts = {act: _with(read.acts[act], found.get(act)) for act in read.acts}
    return AgentReading({**reading(found).acts, **acts}, read.hollow)


def _with(chance: float, find: Find | None) -> float:
    if find is None:
        return chance
    if find.confidence >= SURE:
        return max(chance, find.confidence)
    odds = chance / max(1e-9, 1 - chance) * LIKELIER
    return odds / (1 + odds)


def telling(text: str, phrases: Phrases) -> tuple[str, float]:
    """The clause of a customer's turn that says most about their concern, as a quote; how much it says, 0 for none."""
    best, most = "", 0.0
    short = len(text) <= SHORT_CHARACTERS
    for clause in phrases.clauses(text):
        said = len(phrases.weighty(clause))
        signs = phrases.of(clause)
        said += 2 * ("telling" in signs) - 3 * ("formula" in signs)
        if said > most:
            best, most = quote(text) if short else cut(clause.text), float(said)
    return best, most


def load(folder: Path = SHIPPED) -> dict[str, Phrases]:
    """The phrases of each language in a folder. Raises LanguageError."""
    return by_language(tables(folder))


def by_language(of: Mapping[str, Tables]) -> dict[str, Phrases]:
    """Those of each language whose file has some. Raises LanguageError."""
    found = {}
    for language, table in of.items():
        try:
            if any(name in KNOWN for name in table) or not table.keys() <= OTHERS:
                found[language] = _phrases(table)
        except LanguageError as error:
            raise LanguageError(f"{language}.toml: {error}") from None
    return found


def _phrases(table: Tables) -> Phrases:
    if unknown := [name for name in table if name not in KNOWN and name not in OTHERS]:
        raise LanguageError(f"no list {unknown[0]!r:.40}; there are {', '.join((*KNOWN, *sorted(OTHERS)))}")
    listed = {name: _listed(name, table[name]) for name in KNOWN if name in table}
    light = frozenset(word for phrase in listed.pop("light", []) for word in phrase.words[0] or ())
    by_word: dict[str, list[Phrase]] = {}
    for phrase in (phrase for each in listed.values() for phrase in each):
        for word in phrase.words[0] or ():
            by_word.setdefault(word, []).append(phrase)
    confidence = {name: float(table[name].get("confidence", 1.0)) for name in listed}
    return Phrases(by_word, confidence, light, _abbreviations(table.get("abbreviations", [])))


def _abbreviations(texts: Any) -> frozenset[str]:
    if not isinstance(texts, list) or not all(isinstance(text, str) and text.endswith(".") for text in texts):
        raise LanguageError("abbreviations is no list of words with their full stops")
    if len(texts) > MOST_PHRASES:
        raise LanguageError(f"abbreviations has more than {MOST_PHRASES}")
    return frozenset(text.lower() for text in texts)


def _listed(name: str, table: Any) -> list[Phrase]:
    if not isinstance(table, dict):
        raise LanguageError(f"{name} is no table")
    if unknown := table.keys() - {"confidence", "phrases", "unless"}:
        raise LanguageError(f"[{name}] has {min(unknown)!r:.40}; it may have confidence, phrases and unless")
    confidence = table.get("confidence", 1.0)
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 <= confidence <= 1:
        raise LanguageError(f"[{name}] confidence is not 0 to 1")
    found = []
    for key in ("phrases", "unless"):
        texts = table.get(key, [])
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise LanguageError(f"[{name}] {key} is no list of texts")
        if len(texts) > MOST_PHRASES:
            raise LanguageError(f"[{name}] {key} has more than {MOST_PHRASES} phrases")
        found += [_phrase(name, text, excepts=key == "unless") for text in texts]
    return found


def _phrase(name: str, text: str, *, excepts: bool) -> Phrase:
    parts = folded(text).lower().replace("\u2019", "'").split()
    at_start, in_question = parts[:1] == ["^"], parts[-1:] == ["?"]
    places = parts[at_start : len(parts) - in_question]
    while in_question and places[-1:] == [".."]:  # the rest of a question is any
        places = places[:-1]
    if not 1 <= len(places) <= MOST_WORDS or places.count("..") > MOST_GAPS:
        raise LanguageError(f"[{name}] {text!r:.60} needs 1 to {MOST_WORDS} words and at most {MOST_GAPS} gaps")
    if places[0] in ("..", "*") or places[-1] == "..":
        raise LanguageError(f"[{name}] {text!r:.60} needs a word at its beginning and at its end")
    words = (None if place == ".." else frozenset() if place == "*" else _choice(name, text, place) for place in places)
    return Phrase(name, text, tuple(words), at_start, in_question, excepts)


def _choice(name: str, text: str, place: str) -> frozenset[str]:
    choice = frozenset(place.split("|"))
    if "" in choice or any(not word.strip("'\"?!.,;:^*") for word in choice):
        raise LanguageError(f"[{name}] {text!r:.60}: {place!r:.20} is no word")
    return choice
