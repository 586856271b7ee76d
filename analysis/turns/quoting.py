"""A customer's own words: without what they read out, report or say in jest. Pure, in linear time.

Cues and threats look for words, and would take another's for the caller's. The network reads the whole turn.
"""

from __future__ import annotations

import re

_QUOTED = re.compile(r"\u201c[^\u201d]{0,2000}+(?:\u201d|$)|\"[^\"]{0,2000}+(?:\"|$)|(?m:^\s{0,3}>[^\n]*+)")
"""Between quotation marks, which may be left open, and the quoted lines of an e-mail."""
_SENTENCE = re.compile(r"[^.!?\n]++[.!?\n]*+")
_REPORTED = re.compile(
    r"\b(?:he|she|they|it|who|which|letter|e-?mail|mail|text|message|note|sign|website|app|bill|boss|husband|wife"
    r"|mother|mum|mom|father|dad|brother|sister|son|daughter|neighbou?r|friend|driver|landlord|man|woman|lady|fella"
    r"|guy|someone|somebody|everyone|quote|i quote|[a-z]+ here)"
    r"(?:'s)?,? (?:just |also |always |then |goes and )?"
    r"(?:says?|said|goes|went|shouted|wrote|writes|reads|was like|is like|told me|screamed|unquote)\b,?"
    r"|^\W*(?:and )?(?:i quote|quote|dear (?:sir|madam|customer|all))\b",
    re.IGNORECASE,
)
_JEST = re.compile(
    r"\b(?:(?:only|just) (?:joking|kidding|messing|teasing|pulling your leg|having you on)|i'm (?:joking|kidding)"
    r"|i jest|no joke of yours|lol|lmao)\b|\bha ?ha|[\U0001f602\U0001f923\U0001f609\U0001f61c]",
    re.IGNORECASE,
)


def own_words(text: str) -> str:
    """The text without quotations, and each sentence only up to where it reports somebody's words; empty for a jest."""
    text = text.replace("\u2019", "'")
    if _JEST.search(text):
        return ""
    return " ".join(_own(sentence) for sentence in _SENTENCE.findall(_QUOTED.sub(" ", text))).strip()


def _own(sentence: str) -> str:
    at = _REPORTED.search(sentence)
    return (sentence[: at.start()] if at else sentence).strip()
