"""What a language's file says of its callers."""

from __future__ import annotations

import pytest

from analysis.languages.files import LanguageError, tables
from analysis.languages.lexicon import Lexicon, lexicons, shipped


def test_the_shipped_languages_have_the_same_names() -> None:
    """A cue or threat is called the same in every language: alerts show its name."""
    found = lexicons(tables())
    assert {cue.name for cue in found["es"].cues} == {cue.name for cue in found["en"].cues}
    assert [name for name, _ in found["es"].threats] == [name for name, _ in found["en"].threats]


def test_a_language_without_a_file_has_nothing() -> None:
    """No cue and no threat."""
    assert shipped("xx").cues == ()
    assert shipped("xx").threats == ()


def test_a_file_may_have_phrases_alone() -> None:
    """Then nobody's mood is judged by it."""
    assert lexicons({"xx": {"ack": {}}}) == {}


def lexicon(**mood: object) -> Lexicon:
    """Of one language with this."""
    return lexicons({"xx": {"mood": mood}})["xx"]


def test_a_denied_cue_is_none() -> None:
    """If the word stands right before it."""
    (cue,) = lexicon(denied=["no"], cues={"anger": {"log_odds": -1, "pattern": "enfadad[oa]"}}).cues
    assert cue.pattern.search("estoy enfadado")
    assert not cue.pattern.search("no enfadado")


@pytest.mark.parametrize(
    ("mood", "cause"),
    [
        ({"nonsense": 1}, "'nonsense' is unknown"),
        ({"light": "a"}, "light: is no list"),
        ({"denied": [1]}, "denied: is no list"),
        ({"cues": 1}, "cues: is no table"),
        ({"cues": {"a": {"log_odds": 1, "pattern": "a"}}}, "cues.a: log_odds is not -3 to 0"),
        ({"cues": {"a": {"log_odds": float("nan"), "pattern": "a"}}}, "cues.a: log_odds"),
        ({"cues": {"a": {"log_odds": -1}}}, "cues.a: a text is missing"),
        ({"cues": {"": {"log_odds": -1, "pattern": "a"}}}, "no name"),
        ({"threats": {"a\nb": "a"}}, "no name"),
        ({"threats": {str(number): "a" for number in range(51)}}, "more than 50"),
        ({"threats": {"a": ".*"}}, "threats.a: its pattern has a '.'"),
        ({"guards": {"anywhere": "a"}}, "guards: 'anywhere' is unknown"),
        ({"quoting": {"jest": "("}}, "quoting.jest: its pattern has a group"),
        ({"parts": {"a": 1}}, "parts.a: a text is missing"),
        ({"nonsense": {}}, "mood: 'nonsense'"),
    ],
)
def test_a_bad_table_is_refused_in_one_line(mood: dict[str, object], cause: str) -> None:
    """With the language, the table and the cause."""
    with pytest.raises(LanguageError, match=r"^xx\.toml: ") as refused:
        lexicon(**mood)
    assert cause in str(refused.value)
    assert "\n" not in str(refused.value)
