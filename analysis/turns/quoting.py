"""A customer's own words: without what they read out, report or say in jest. Pure, in linear time.

Cues and threats look for words, and would take another's for the caller's. The network reads the whole turn.
"""

from __future__ import annotations

import re

from analysis.languages.lexicon import Lexicon, shipped

_QUOTED = re.compile(
    r"\u201c[^\u201d]{0,2000}+(?:\u201d|$)|\u00ab[^\u00bb]{0,2000}+(?:\u00bb|$)|\"[^\"]{0,2000}+(?:\"|$)"
    r"|(?m:^\s{0,3}>[^\n]*+)"
)
"""Between quotation marks, which may be left open, and the quoted lines of an e-mail."""
_SENTENCE = re.compile(r"[^.!?\n]++[.!?\n]*+")
_BEFORE_WORDS = re.compile(r"\W*+")
_LAUGHS = re.compile("[\U0001f602\U0001f923\U0001f609\U0001f61c]")


def own_words(text: str, lexicon: Lexicon | None = None) -> str:
    """The text without quotations, and each sentence only up to where it reports somebody's words; empty for a jest.

    Without a lexicon: by the shipped English one.
    """
    lexicon = lexicon or shipped()
    text = text.replace("\u2019", "'")
    jest = lexicon.quoting.get("jest")
    if _LAUGHS.search(text) or (jest and jest.search(text)):
        return ""
    return " ".join(_own(sentence, lexicon) for sentence in _SENTENCE.findall(_QUOTED.sub(" ", text))).strip()


def _own(sentence: str, lexicon: Lexicon) -> str:
    opening, reported = lexicon.quoting.get("opening"), lexicon.quoting.get("reported")
    before = _BEFORE_WORDS.match(sentence)
    if opening and opening.match(sentence[before.end() if before else 0 :]):
        return ""
    at = reported.search(sentence) if reported else None
    return (sentence[: at.start()] if at else sentence).strip()
