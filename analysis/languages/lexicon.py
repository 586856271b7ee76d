"""What callers of one language say outright, threaten, quote and jest with, and what gives the parties away. Pure.

A file has it under `[mood]` and `[parties]`. All patterns are for lower case without accents.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from analysis.languages.files import SHIPPED, LanguageError, Tables, tables
from analysis.languages.folding import folded
from analysis.languages.patterns import PatternError, compiled

ENGLISH = "en"
MOST_LISTED = 50
"""Cues or threats of a language."""
MOST_LIGHT = 2_000
NAME_CHARACTERS = 64
LEAST_ODDS = -3.0

_TOP = ("parts", "light", "denied", "cues", "threats", "guards", "quoting")
_GUARDS = ("of_others", "merely_thought", "not_you", "calm")
_QUOTING = ("reported", "opening", "jest")
_PARTIES = ("agent", "customer")
_WHOLE, _BEFORE, _AFTER = r"\b(?:{})\b", r"\b(?:{})$", r"^(?:{})\b"


@dataclass(frozen=True, slots=True)
class Cue:
    """Something said outright."""

    name: str
    log_odds: float
    """For each different wording."""
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """The lists of one language. What it lacks is not looked for."""

    language: str = ""
    cues: tuple[Cue, ...] = ()
    threats: tuple[tuple[str, re.Pattern[str]], ...] = ()
    guards: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    """What makes a threat none: `of_others` and `merely_thought` before it, `not_you` after it, `calm` anywhere."""
    quoting: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    """`reported` where somebody else's words begin, `opening` where a sentence that opens so is theirs, `jest`."""
    light: frozenset[str] = frozenset()
    """Words that say nothing of whether a caller repeats themselves."""
    parties: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    """What only an `agent` says at the start of a call, and what only a `customer`."""


def lexicons(of: Mapping[str, Tables]) -> dict[str, Lexicon]:
    """The lexicon of each language whose file has one. Raises LanguageError."""
    found = {}
    for language, table in of.items():
        if "mood" in table or "parties" in table:
            try:
                lexicon = _lexicon(language, table.get("mood", {}))
                found[language] = replace(lexicon, parties=_parties(table.get("parties", {})))
            except LanguageError as error:
                raise LanguageError(f"{language}.toml: {error}") from None
    return found


@cache
def shipped(language: str = ENGLISH, folder: Path = SHIPPED) -> Lexicon:
    """A shipped language's lexicon; an empty one of any other."""
    return lexicons(tables(folder)).get(language, Lexicon(language))


def _lexicon(language: str, table: Any) -> Lexicon:
    own = _table("mood", table, _TOP)
    parts = {name: _text(f"parts.{name}", text) for name, text in _table("parts", own.get("parts", {})).items()}
    not_after = "".join(f"(?<!{re.escape(folded(word))} )" for word in _texts("denied", own.get("denied", [])))
    return Lexicon(
        language,
        tuple(_cue(name, cue, parts, not_after) for name, cue in _listed("cues", own)),
        tuple((name, _pattern(f"threats.{name}", text, parts)) for name, text in _listed("threats", own)),
        {
            name: _pattern(f"guards.{name}", text, parts, _around(name))
            for name, text in _table("guards", own.get("guards", {}), _GUARDS).items()
        },
        {
            name: _pattern(f"quoting.{name}", text, parts, _around(name), re.IGNORECASE)
            for name, text in _table("quoting", own.get("quoting", {}), _QUOTING).items()
        },
        frozenset(folded(word.lower()) for word in _texts("light", own.get("light", []), MOST_LIGHT)),
    )


def _parties(table: Any) -> dict[str, re.Pattern[str]]:
    found = _table("parties", table, _PARTIES)
    return {name: _pattern(f"parties.{name}", text, {}, _WHOLE, re.IGNORECASE) for name, text in found.items()}


def _around(name: str) -> str:
    return {"of_others": _BEFORE, "merely_thought": _BEFORE, "not_you": _AFTER, "opening": _AFTER}.get(name, _WHOLE)


def _cue(name: str, table: Any, parts: Mapping[str, str], not_after: str) -> Cue:
    own = _table(f"cues.{name}", table, ("log_odds", "pattern"))
    odds = own.get("log_odds")
    if isinstance(odds, bool) or not isinstance(odds, int | float) or not LEAST_ODDS <= odds < 0:
        raise LanguageError(f"cues.{name}: log_odds is not {LEAST_ODDS:g} to 0")
    return Cue(name, float(odds), _pattern(f"cues.{name}", own.get("pattern"), parts, not_after + _WHOLE))


def _listed(name: str, own: Mapping[str, Any]) -> list[tuple[str, Any]]:
    found = _table(name, own.get(name, {}))
    if len(found) > MOST_LISTED:
        raise LanguageError(f"{name}: more than {MOST_LISTED}")
    for one in found:
        if not one or len(one) > NAME_CHARACTERS or not one.isprintable():
            raise LanguageError(f"{name}: {one!r:.40} is no name of 1 to {NAME_CHARACTERS} characters")
    return list(found.items())


def _pattern(name: str, text: Any, parts: Mapping[str, str], around: str = _WHOLE, flags: int = 0) -> re.Pattern[str]:
    try:
        return compiled(_text(name, text), parts, around, flags)
    except PatternError as error:
        raise LanguageError(f"{name}: its pattern {error}") from None


def _text(name: str, text: Any) -> str:
    if not isinstance(text, str):
        raise LanguageError(f"{name}: a text is missing")
    return text


def _texts(name: str, texts: Any, most: int = MOST_LISTED) -> list[str]:
    if not isinstance(texts, list) or not all(isinstance(text, str) and text.strip() for text in texts):
        raise LanguageError(f"{name}: is no list of words")
    if len(texts) > most:
        raise LanguageError(f"{name}: more than {most} words")
    return texts


def _table(name: str, table: Any, known: tuple[str, ...] = ()) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise LanguageError(f"{name}: is no table")
    if known and (unknown := [one for one in table if one not in known]):
        raise LanguageError(f"{name}: {unknown[0]!r:.40} is unknown; there are {', '.join(known)}")
    return table
