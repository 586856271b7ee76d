"""Phrases in words: the shipped lists, the files, the time they take."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.languages.files import LanguageError
from analysis.languages.folding import folded
from analysis.practice.phrases import SEEN, load, reading, telling
from analysis.turns.reading import Act
from callbus import Role
from tests.analysis.practice.speaking import ENGLISH, turn
from tests.pumping import MOST_GROWTH, growth

SPANISH = load()["es"]
ACTS = [
    ("I'm sorry you were sent away twice.", {Act.ACK}),
    ("Sorry? I didn't catch that.", set()),
    ("Sorry, our policy is thirty days.", set()),
    ("I'm putting a rush on it now.", {Act.NEXT}),
    ("I\u2019ll call you by four.", {Act.NEXT}),
    ("I'll need your account number.", set()),
    ("Shall I send somebody?", set()),
    ("Does that work for you?", {Act.VERIFY}),
    ("Is that what you were hoping for?", {Act.VERIFY}),
    ("Is there anything else?", {Act.SCRIPT}),
    ("That does work for you.", set()),
    ("What would help you most right now?", {Act.RESET}),
    ("I guarantee it will be there.", {Act.OVER_PROMISE}),
    ("I can't promise that.", {Act.LIMIT}),
    ("As I told you, it takes a week.", {Act.DEFENSIVE}),
    ("Calm down.", {Act.DEFENSIVE}),
    ("That's our policy.", {Act.BRUSH_OFF}),
    ("Unfortunately there is nothing I can do.", {Act.BRUSH_OFF}),
    ("I can't open it today. What I can do is lend you one.", {Act.LIMIT, Act.ALTERNATIVE, Act.NEXT}),
    ("The warranty runs for two years.", set()),
]


@pytest.mark.parametrize(("text", "acts"), ACTS, ids=[text for text, _ in ACTS])
def test_the_shipped_phrases_find_acts(text: str, acts: set[Act]) -> None:
    """By the rule book's own examples, and none in what it says is none."""
    found = reading(ENGLISH.found(text)).acts
    assert {act for act, sure in found.items() if sure >= SEEN} == acts


IN_SPANISH = [
    ("Siento mucho que lleve tanto esperando.", {Act.ACK}),
    ("Qu\u00e9 pena con usted.", set()),
    ("Entiendo su frustraci\u00f3n.", {Act.ACK, Act.SCRIPT}),
    ("Lamentamos las molestias.", {Act.SCRIPT}),
    ("Se lo mando hoy mismo.", {Act.NEXT}),
    ("Le llamo ma\u00f1ana.", {Act.NEXT}),
    ("Ahorita le ayudo.", set()),
    ("\u00bfCon eso queda resuelto?", {Act.VERIFY}),
    ("\u00bfQu\u00e9 le ayudar\u00eda m\u00e1s ahora?", {Act.RESET}),
    ("Se lo garantizo.", {Act.OVER_PROMISE}),
    ("C\u00e1lmese, se\u00f1ora.", {Act.DEFENSIVE}),
    ("Es la pol\u00edtica de la empresa.", {Act.BRUSH_OFF}),
    ("\u00bfEn qu\u00e9 puedo ayudarle?", {Act.SCRIPT}),
    ("La garant\u00eda dura dos a\u00f1os.", set()),
]


@pytest.mark.parametrize(("text", "acts"), IN_SPANISH, ids=[text for text, _ in IN_SPANISH])
def test_the_shipped_phrases_find_acts_in_spanish(text: str, acts: set[Act]) -> None:
    """With usted, t\u00fa or vos, and with accents or without."""
    for said in (text, folded(text)):
        found = reading(SPANISH.found(said)).acts
        assert {act for act, sure in found.items() if sure >= SEEN} == acts


def test_what_the_customer_said_is_taken_up() -> None:
    """Two of their weighty words in a statement are specific; in a question they are not."""
    said = turn(0, Role.CUSTOMER, "The birthday cake for my daughter hasn't come.")
    for text, is_specific in (
        ("Since it's your daughter's birthday cake, that comes first.", True),
        ("Was it a birthday cake?", False),
        ("Since it's the order, that comes first.", False),
    ):
        found = ENGLISH.of_agent(turn(1, Role.AGENT, text), [said])
        assert (Act.SPECIFIC in found) is is_specific, text


def test_a_formula_without_help_is_hollow() -> None:
    """With a step or a plain limit it is not."""
    gush = "I can only imagine what you're going through."
    assert reading(ENGLISH.found(gush)).hollow >= SEEN
    assert reading(ENGLISH.found(f"{gush} I'm sending somebody now.")).hollow == 0


def test_a_find_is_quoted_by_its_clause() -> None:
    """With the phrase that found it, and the number of clauses that have one."""
    find = ENGLISH.found("Good morning, sir. As I told you. I told you twice.")["defensive"]
    assert (find.quote, find.phrase, find.count) == ("As I told you.", "as i|we said|told|explained", 2)


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        (
            "Hello, my name is Ann Lee. I have been waiting here for a boiler since the second of March. Thank you.",
            "I have been waiting here for a boiler since the second of March.",
        ),
        ("Dog ate the chocolate.", "Dog ate the chocolate."),
        ("Hello.", ""),
    ],
)
def test_the_most_telling_clause_is_quoted(text: str, clause: str) -> None:
    """Not the greeting; a short turn is quoted whole, and a greeting alone tells nothing."""
    assert telling(text, ENGLISH)[0] == clause


def written(folder: Path, text: str) -> Path:
    """A folder with phrases of one language."""
    (folder / "xx.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("phrase", "text", "is_found"),
    [
        ("red|blue door", "A blue door", True),
        ("red|blue door", "A green door", False),
        ("a * door", "a very door", True),
        ("a * door", "a door", False),
        ("shut .. door", "shut it now door", True),
        ("shut .. door", "shut door", True),
        ("shut .. door", "shut one two three four five door", False),
        ("^ door", "door shut", True),
        ("^ door", "the door", False),
        ("door ?", "the door?", True),
        ("door ?", "the door.", False),
    ],
)
def test_a_phrase_matches_as_the_file_says(tmp_path: Path, phrase: str, text: str, is_found: bool) -> None:
    """Alternatives, any word, gaps, beginnings and questions."""
    phrases = load(written(tmp_path, f'[next]\nconfidence = 0.7\nphrases = ["{phrase}"]'))["xx"]
    assert ("next" in phrases.found(text)) is is_found


def test_an_exception_takes_back_what_is_found(tmp_path: Path) -> None:
    """In its own clause alone."""
    phrases = load(written(tmp_path, '[next]\nphrases = ["i\'ll call"]\nunless = ["not"]'))["xx"]
    assert phrases.found("i'll call not now.") == {}
    assert phrases.found("i'll call not now. i'll call.")["next"].quote == "i'll call."


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("[nonsense]", "no list 'nonsense'"),
        ("[next", "xx.toml:"),
        ("next = 1", "next is no table"),
        ("[next]\nphrases = 1", "[next] phrases is no list"),
        ("[next]\nconfidence = 2", "[next] confidence"),
        ("[next]\nwords = []", "[next] has 'words'"),
        ('[next]\nphrases = [".. a"]', "needs a word"),
        ('[next]\nphrases = [""]', "needs 1 to 12 words"),
        ('[next]\nphrases = ["a|| b"]', "is no word"),
        ('[next]\nphrases = ["a .. b .. c .. d"]', "at most 2 gaps"),
        ("#" + "x" * 300_000, "longer than"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path: Path, text: str, cause: str) -> None:
    """With its name, the list and the cause."""
    with pytest.raises(LanguageError) as refused:
        load(written(tmp_path, text))
    assert cause in str(refused.value)
    assert "\n" not in str(refused.value).strip()


def test_a_folder_without_phrases_is_refused(tmp_path: Path) -> None:
    """It says what is missing."""
    with pytest.raises(LanguageError, match=r"no file such as en\.toml"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "pump", ["i'll ", "is that ", "does that help . ", "sorry you ", "? ", "i i i'll ", "le ", "lo siento. "]
)
def test_time_grows_with_the_text(pump: str) -> None:
    """However a turn is made."""
    for phrases in (ENGLISH, SPANISH):
        assert growth(phrases.found, lambda size: pump * (size // len(pump))) <= MOST_GROWTH


@given(st.text(max_size=500))
def test_any_text_is_read(text: str) -> None:
    """Nothing raises, and all is within bounds."""
    found = ENGLISH.of_agent(turn(1, Role.AGENT, text, 0.0, 1.0), [turn(0, Role.CUSTOMER, text, 0.0, 1.0)])
    assert all(0 <= sure <= 1 for sure in reading(found).acts.values())
    telling(text, ENGLISH)
