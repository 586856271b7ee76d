"""Words that nobody said, by the guard that stops them; words that people say pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.words.hallucination import (
    SHIPPED_PHRASES,
    Invention,
    Phrases,
    credible,
    invented,
    is_echo,
    said_once,
)

PHRASES = Phrases.read(SHIPPED_PHRASES)
SURE, DOUBTFUL = (0.01, -0.2), (0.4, -0.5)


@pytest.mark.parametrize(
    ("text", "seconds", "reason"),
    [
        ("Thanks for watching!", 2.0, Invention.PHRASE),
        ("thank you for watching", 2.0, Invention.PHRASE),
        ("Thanks for watching my bill so closely.", 3.0, None),
        ("Thank you.", 1.0, None),
        ("no no no no", 2.0, None),
        ("no no no no no no no no", 3.0, Invention.REPETITION),
        ("I said the bill the bill is wrong", 3.0, None),
        ("the bill is the bill is the bill is the bill is", 4.0, Invention.REPETITION),
        ("it was late " * 3, 5.0, None),
        ("I am going to the shop to buy some milk and bread", 0.4, Invention.RATE),
        ("That is wrong, and this is the third time I am calling about it.", 4.0, None),
        ("abababababababababababababababababababababababababababababab", 10.0, Invention.COMPRESSION),
        ("four seven two nine one one two two", 4.0, None),
    ],
)
def test_table(text: str, seconds: float, reason: Invention | None) -> None:
    """Which guard speaks when the model is sure of itself."""
    assert invented(text, seconds, *SURE, PHRASES) == reason


INVENTED = {
    "en": [
        "Thank you for watching!",
        "Thanks for watching! Bye!",
        "Thank you for watching. Please subscribe.",
        "I'll see you guys in the next one.",
        "Subtitles by the Amara.org community",
        "Transcribed by https://otter.ai",
        "Please see the complete disclaimer at https://sites.google.com",
        "ESO Translation by Someone",
    ],
    "es": [
        "Subt\u00edtulos realizados por la comunidad de Amara.org",
        "Subt\u00edtulos por la comunidad de Amara.org",
        "\u00a1Gracias por ver el video!",
        "\u00a1Suscr\u00edbete al canal!",
    ],
    "fr": [
        "Sous-titres r\u00e9alis\u00e9s par la communaut\u00e9 d'Amara.org",
        "Sous-titres r\u00e9alis\u00e9s para la communaut\u00e9 d\u2019Amara.org",
        "Sous-titrage ST' 501",
        "Sous-titrage Soci\u00e9t\u00e9 Radio-Canada",
        "Merci d'avoir regard\u00e9 cette vid\u00e9o !",
    ],
    "de": [
        "Untertitel der Amara.org-Community",
        "Untertitel im Auftrag des ZDF f\u00fcr funk, 2017",
        "Untertitelung des ZDF, 2020",
        "Copyright WDR 2021",
        "Vielen Dank f\u00fcrs Zuschauen! Tsch\u00fcss!",
    ],
    "it": [
        "Sottotitoli creati dalla comunit\u00e0 Amara.org",
        "Sottotitoli e revisione a cura di QTSS",
        "Grazie per aver guardato il video.",
    ],
    "pt": [
        "Legendas pela comunidade Amara.org",
        "Transcri\u00e7\u00e3o e Legendas Pedro Negri",
        "Inscreva-se no canal!",
        "Obrigado por assistir.",
    ],
    "nl": [
        "Ondertiteld door de Amara.org gemeenschap",
        "Ondertiteling: TV Gelderland 2021",
        "Bedankt voor het kijken!",
    ],
    "pl": [
        "Napisy stworzone przez spo\u0142eczno\u015b\u0107 Amara.org",
        "Dzi\u0119kuj\u0119 za ogl\u0105danie.",
        "Zapraszam do subskrypcji!",
    ],
    "ru": [
        "Субтитры сделал DimaTorzok",
        "Субтитры создавал DimaTorzok",
        "Редактор субтитров \u0410. Синецкая Корректор \u0410. Егорова",
        "Продолжение следует...",
        "Спасибо за просмотр!",
    ],
    "sounds": [
        "(upbeat music)",
        "[Music]",
        "*phone ringing*",
        "[BLANK_AUDIO]",
        "\u266a la la la \u266a",
        "[Musik] (Applaus)",
    ],
}
REAL = {
    "en": "My bill is wrong.",
    "es": "Mi factura est\u00e1 mal.",
    "fr": "Ma facture est fausse.",
    "de": "Meine Rechnung stimmt nicht.",
    "it": "La bolletta \u00e8 sbagliata.",
    "pt": "A minha fatura est\u00e1 errada.",
    "nl": "Mijn rekening klopt niet.",
    "pl": "M\u00f3j rachunek jest b\u0142\u0119dny.",
    "ru": "Мой счёт неверный.",
    "sounds": "I heard nothing.",
}
SAID = [
    "Thank you, goodbye.",
    "Thanks for watching my bill so closely.",
    "No, thanks for listening, bye.",
    "See you next time.",
    "I want to subscribe to the channel pack.",
    "Do you have subtitles by now?",
    "Call me on (555) 123-4567, the new one (not the old).",
    "Gracias. Adi\u00f3s.",
    "Merci beaucoup, au revoir.",
    "Vielen Dank und tsch\u00fcss.",
    "Grazie mille. Ciao ciao.",
    "Obrigado, tchau.",
    "Dank je wel, doei.",
    "Dzi\u0119kuj\u0119 bardzo. Do widzenia.",
    "Спасибо. До свидания.",
    "The music on hold is awful.",
    "5 * 6 * 7",
]  # fmt: skip


@pytest.mark.parametrize(("language", "text"), [(one, text) for one, many in INVENTED.items() for text in many])
def test_known_inventions(language: str, text: str) -> None:
    """Alone they are dropped however sure the model is; after real words only they go."""
    assert invented(text, 3.0, *SURE, PHRASES) == Invention.PHRASE
    real = REAL[language]
    assert credible(f"{real} {text}", PHRASES) == real
    assert credible(f"{real} {text}. {text}", PHRASES) == real


@pytest.mark.parametrize("text", SAID)
def test_what_callers_say_stays_whole(text: str) -> None:
    """Nothing is taken off it where the model is sure."""
    assert credible(text, PHRASES) == text
    assert invented(text, 4.0, *SURE, PHRASES) is None


def test_thanks_before_an_invention_stay() -> None:
    """They are judged by themselves: dropped only in doubt."""
    assert credible("Thank you. Thanks for watching!", PHRASES) == "Thank you."
    assert invented("Thank you. Bye.", 2.0, *SURE, PHRASES) is None
    assert invented("Thank you. Bye.", 2.0, *DOUBTFUL, PHRASES) == Invention.PHRASE


@given(st.text(max_size=300))
def test_text_is_only_ever_cut(text: str) -> None:
    """Nothing is added, and nothing more is taken from what is left."""
    left = credible(text, PHRASES)
    assert len(left) <= len(text)
    assert credible(left, PHRASES) == left


@pytest.mark.parametrize("text", ["Thank you.", "you", "Bye-bye!", "I'm sorry."])
def test_what_callers_say_too_is_invented_only_in_doubt(text: str) -> None:
    """Phrases marked with a question mark fall only where the model doubts."""
    assert invented(text, 1.0, *SURE, PHRASES) is None
    assert invented(text, 1.0, *DOUBTFUL, PHRASES) == Invention.PHRASE


def test_phrase_files_have_comments() -> None:
    """Comments and empty lines are no phrases."""
    phrases = Phrases.parse(["# a list", "", "so it goes  # often", "? well", "+ The end.", "+ made by ..."])
    assert phrases == Phrases(
        frozenset({"so it goes", "the end"}), frozenset({"well"}), frozenset({"the end"}), frozenset({("made", "by")})
    )


@given(st.text(max_size=500), st.floats(0, 60), st.floats(0, 1), st.floats(-20, 0))
def test_any_text_is_taken(text: str, seconds: float, no_speech: float, log_probability: float) -> None:
    """No text raises."""
    invented(text, seconds, no_speech, log_probability, PHRASES)


def test_a_long_text_is_searched_in_no_time() -> None:
    """A hostile text of many words is left as it is rather than searched for phrases."""
    text = " ".join(f"a{number}" for number in range(5_000))
    assert said_once(text) == text
    assert not is_echo(text, "could you spell that")


@given(st.lists(st.sampled_from("abc"), max_size=60).map(" ".join))
def test_said_once_is_idempotent(text: str) -> None:
    """What it leaves it leaves again, and it begins as the text does."""
    once = said_once(text)
    assert said_once(once) == once
    assert text.split()[:1] == once.split()[:1]
