"""Patterns from a language's file: regular expressions that cannot be slow, whoever wrote them. Pure.

They have alternatives, optional parts, bounded repetitions, sets of characters and looking round. Without a bound are
runs of letters alone, as `\\w+`, and no run follows another one directly: so whatever the text, a pattern is tried in
few ways at each place where it may begin.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from analysis.languages.folding import folded

MOST_CHARACTERS = 20_000
MOST_TIMES = 8
"""Of a bounded repetition."""
MOST_WAYS = 1_000
"""In which a pattern's repetitions can be combined."""
MOST_DEPTH = 20
"""Of groups in groups."""
_PART = re.compile(r"\{([a-z_]{1,40})\}")
_SET = re.compile(r"\[(?!\^)(?:[^\]\\]|\\[wd]){1,200}\]")
_TIMES = re.compile(r"(\?|\*|\+|\{(\d{1,4})(?:,(\d{0,4}))?\})([?+]?)")
_OPENS = re.compile(r"\((\?(?::|=|!|<=|<!))?")
_ESCAPED = frozenset(".^$*+?{}[]\\|()-/&'\"")


class PatternError(ValueError):
    """A pattern that is refused; says why."""


def compiled(text: str, parts: Mapping[str, str], around: str = r"\b(?:{})\b", flags: int = 0) -> re.Pattern[str]:
    """A file's pattern, on words without accents. Raises PatternError.

    Its line breaks go, and `{name}` is replaced by the part of that name. `around`: what it stands in, at `{}`.
    """
    own = _PART.sub(lambda match: _part(match[1], parts), folded("".join(text.splitlines())))
    if not own.strip():
        raise PatternError("is empty")
    if "||" in f"|{own.strip()}|":
        raise PatternError("has an empty alternative, which fits everywhere")
    if len(own) > MOST_CHARACTERS:
        raise PatternError(f"is longer than {MOST_CHARACTERS} characters")
    reader = _Reader(own)
    shape = reader.branches(0)
    if reader.at < len(own):
        raise PatternError("has a ) without its (")
    if shape.ways > MOST_WAYS:
        raise PatternError("has too many repetitions together")
    try:
        return re.compile(around.replace("{}", own), flags)
    except re.error as error:
        raise PatternError(f"is no pattern: {error}") from None


def _part(name: str, parts: Mapping[str, str]) -> str:
    if name not in parts:
        raise PatternError(f"names {{{name}}}, which is not among the parts")
    return f"(?:{''.join(folded(parts[name]).splitlines())})"


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a piece of a pattern may do."""

    ways: int = 1
    """In which its repetitions can be combined."""
    repeats: bool = False
    is_space: bool = False
    is_letters: bool = False
    """Whether it is a single letter of several."""
    apart: bool = False
    """Whether it begins or ends with a space, whichever of its branches is taken."""
    begins_run: bool = False
    """Whether it may begin with a run of letters."""
    ends_run: bool = False
    is_empty: bool = False
    """Whether it may take nothing."""


class _Reader:
    """Reads a pattern from left to right, and refuses what may be slow."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self.at = 0

    def branches(self, depth: int) -> _Shape:
        """What stands between two brackets, up to the closing one or the end."""
        if depth > MOST_DEPTH:
            raise PatternError(f"has more than {MOST_DEPTH} groups in each other")
        found = [self._branch(depth)]
        while self._pattern.startswith("|", self.at):
            self.at += 1
            found.append(self._branch(depth))
        return _Shape(
            ways=max(one.ways for one in found),
            repeats=any(one.repeats for one in found),
            apart=all(one.apart for one in found),
            begins_run=any(one.begins_run for one in found),
            ends_run=any(one.ends_run for one in found),
            is_empty=any(one.is_empty for one in found),
        )

    def _branch(self, depth: int) -> _Shape:
        ways, repeats, begins_run, ends_run, is_empty = 1, False, False, False, True
        first_space = last_space = False
        while self.at < len(self._pattern) and self._pattern[self.at] not in "|)":
            one = self._times(self._atom(depth))
            if ends_run and one.begins_run:
                raise PatternError("has two runs of letters without anything between them")
            ways *= one.ways
            repeats = repeats or one.repeats
            begins_run = begins_run or (is_empty and one.begins_run)
            ends_run = one.ends_run or (one.is_empty and ends_run)
            first_space = first_space or (is_empty and one.is_space and not one.is_empty)
            last_space = one.is_space or (one.is_empty and not one.begins_run and last_space)
            is_empty = is_empty and one.is_empty
        return _Shape(
            min(ways, MOST_WAYS + 1),
            repeats,
            apart=first_space or last_space,
            begins_run=begins_run,
            ends_run=ends_run,
            is_empty=is_empty,
        )

    def _atom(self, depth: int) -> _Shape:
        """The next character, set or group."""
        sign = self._pattern[self.at]
        if sign == "(":
            return self._group(depth)
        if sign == "[":
            return self._set()
        if sign == "\\":
            return self._escaped()
        if sign in ".*+?{}]":
            raise PatternError(f"has a {sign!r} that stands for itself only after a backslash")
        self.at += 1
        return _Shape(is_empty=sign in "^$", is_space=sign == " ")

    def _group(self, depth: int) -> _Shape:
        opened = _OPENS.match(self._pattern, self.at)
        if opened is None or not opened[1]:
            raise PatternError("has a group that begins with neither (?: nor (?= (?! (?<= (?<!")
        self.at = opened.end()
        inner = self.branches(depth + 1)
        if not self._pattern.startswith(")", self.at):
            raise PatternError("has a ( without its )")
        self.at += 1
        if opened[1] == "?:":
            return inner
        return _Shape(inner.ways, inner.repeats, is_empty=True)

    def _set(self) -> _Shape:
        found = _SET.match(self._pattern, self.at)
        if found is None:
            raise PatternError("has a set that is not made of the characters to take, as [aeiou] is")
        self.at = found.end()
        return _Shape(is_letters=" " not in found[0])

    def _escaped(self) -> _Shape:
        sign = self._pattern[self.at + 1 : self.at + 2]
        self.at += 2
        if sign in ("w", "d"):
            return _Shape(is_letters=True)
        if sign == "b":
            return _Shape(is_empty=True)
        if sign in _ESCAPED:
            return _Shape()
        raise PatternError(f"has \\{sign}; there are \\w, \\d, \\b, and signs that stand for themselves")

    def _times(self, one: _Shape) -> _Shape:
        found = _TIMES.match(self._pattern, self.at)
        if found is None:
            return one
        self.at = found.end()
        if found[1] == "?":
            return replace(one, is_empty=True, is_letters=False)
        if found[1] in "*+":
            if not one.is_letters:
                raise PatternError(f"has a {found[1]} after something other than \\w, \\d or a set of letters")
            return _Shape(begins_run=True, ends_run=True, is_empty=found[1] == "*")
        least = int(found[2])
        most = least if found[3] is None else int(found[3] or MOST_TIMES + 1)
        if not least <= most <= MOST_TIMES:
            raise PatternError(f"repeats more than {MOST_TIMES} times: {found[1]}")
        if one.repeats or ((one.begins_run or one.ends_run) and not one.apart):
            raise PatternError(f"repeats what may run together with itself: {found[1]}")
        is_empty = one.is_empty or not least
        return replace(one, ways=one.ways * (most - least + 1), repeats=True, is_empty=is_empty, is_letters=False)
