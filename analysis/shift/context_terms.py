"""What a turn's words alone do not show: the caller repeats themselves, talks over the agent, raises their voice. Pure.

Each is a named term with its own cap, added to the score from any scorer, and only if the words are not pleased.
Repetition earned its place on labelled dialogues. The other two need sound, cannot be measured on text, and are kept
small; for what is written, `written_terms` has others in their place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from analysis.shift.threats import threats
from analysis.shift.written_terms import written_terms
from analysis.turns.quoting import own_words
from analysis.turns.score import MOST_LOG_ODDS, Score
from analysis.turns.turn import Turn
from analysis.turns.wording import plain
from callbus import Channel, Role, Term

ENGLISH = "en"
REPEATS = -0.8
"""The caller says again what they said in an earlier turn."""
TALKS_OVER = -0.3
RAISED_VOICE = -0.5
"""For a voice at least `LOUD` above the caller's own."""
LOUD = 3.0
"""Deviations above the caller's opening at which a voice counts as fully raised; the first third counts nothing."""
MOST = -2.0
"""The most that all of this and threats add, in log-odds."""
PLEASED = 0.3
"""From this log-odds of the words on, nothing in the turn is meant against us."""
SAME, FEWEST_WORDS = 0.6, 3
"""Share of the shorter turn's content words that two turns have in common, and the least number of them."""
LEAST_SECONDS = 1.0
"""One talks over the other only if the agent has spoken this long and the caller goes on this long."""
OVERLAP_SECONDS = 0.5
"""Shorter overlaps are normal turn-taking."""

_LIGHT_WORDS = """
    the and that this you your was were have has had not for but with they them are will would there just what when
    which can could his her him she our all any get got its it's i'm i've i'll you've that's don't didn't yes yeah okay
    please from then than been who how out now one two
"""
_LIGHT = frozenset(_LIGHT_WORDS.split())


def in_context(
    score: Score, turn: Turn, history: Sequence[Turn], language: str = ENGLISH, channel: Channel = Channel.PHONE
) -> tuple[Score, bool]:
    """The score with the turn's threats and context as further terms; whether the turn holds a threat.

    `history`: the earlier turns of both parties. `language`: code of theirs; only English has threats.
    """
    if score.log_odds >= PLEASED or not score.weight:
        return score, False
    threatening = threats(plain(own_words(turn.text))) if language == ENGLISH else ()
    found = [*threatening, *_circumstances(turn, history, channel)]
    whole = sum(term.value for term in found)
    if not whole:
        return score, False
    log_odds = max(-MOST_LOG_ODDS, score.log_odds + max(MOST, whole))
    scale = (log_odds - score.log_odds) / whole * score.weight
    terms = tuple(Term(term.name, term.value * scale) for term in found) if scale else ()
    return replace(score, log_odds=log_odds, terms=(*score.terms, *terms)), bool(threatening)


def _circumstances(turn: Turn, history: Sequence[Turn], channel: Channel) -> Iterator[Term]:
    if _repeats(turn, history):
        yield Term("repeats themselves", REPEATS)
    if channel.is_written:
        yield from written_terms(turn, history, channel)
        return
    if _talks_over(turn, history):
        yield Term("talks over the agent", TALKS_OVER)
    raised = (min(turn.arousal, LOUD) - LOUD / 3) / (LOUD * 2 / 3)
    if raised > 0:
        yield Term("raised voice", RAISED_VOICE * raised)


def _repeats(turn: Turn, history: Sequence[Turn]) -> bool:
    words = _weighty(turn.text)
    for other in history:
        if other.party == turn.party:
            said = _weighty(other.text)
            fewer = min(len(words), len(said))
            if fewer >= FEWEST_WORDS and len(words & said) >= max(FEWEST_WORDS, SAME * fewer):
                return True
    return False


def _weighty(text: str) -> set[str]:
    return {word for word in plain(text).split() if len(word) > 2 and word not in _LIGHT}


def _talks_over(turn: Turn, history: Sequence[Turn]) -> bool:
    if turn.end_seconds - turn.start_seconds < LEAST_SECONDS:
        return False
    return any(
        other.role is Role.AGENT
        and other.start_seconds <= turn.start_seconds - LEAST_SECONDS
        and other.end_seconds >= turn.start_seconds + OVERLAP_SECONDS
        for other in history
    )
