"""Dictated numbers of nine languages go, however they are grouped; what only looks like one stays."""

from __future__ import annotations

import gc
import re
import tomllib
from time import thread_time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analysis.words.number_words import SHIPPED_WORDS, WORDS
from analysis.words.redaction import MARK, redact

LANGUAGES = tomllib.loads(SHIPPED_WORDS.read_text("utf-8"))

DICTATED = {
    "en": [
        "four one one one, one one one one, one one one one, one one one one",
        "oh seven nine double four triple five one two",
        "four ones five sixes nine",
        "4 ones, 5 sixes, 9",
        "four times one five times two",
        "four hundred twelve five five five oh one nine nine",
        "eight hundred five five five one two three four",
        "nought one six one four nine six",
        "twenty-five thirtysix forty one 7",
        "4-1-1-1 dash 2222 space 3333 then 4444",
        "4111 one one one one 1111 uh 1111",
        "4111 and then 1111 and 1111 and 2222",
        "4111 1111 2019 1111",
        "2019, 4111, 1111, 1111",
        "(555) 123-4567",
        "1-800-555-0199",
        "4,111,111,111,111,111",
        "GB29NWBK60161331926819",
    ],
    "es": [
        "seis cinco cuatro tres dos uno cero nueve ocho",
        "seiscientos doce, treinta y cuatro, cincuenta y seis, setenta y ocho",
        "veintidós treinta y tres cuarenta y cuatro cincuenta y cinco",
        "doble cuatro triple siete uno dos",
        "once doce trece catorce",
        "tres ceros cuatro unos",
    ],
    "fr": [
        "zéro six douze trente-quatre cinquante-six soixante-dix-huit",
        "zéro un, quarante-deux, quatre-vingt-dix, soixante et onze, vingt et un",
        "zéro six quatre vingt douze soixante dix sept trente et un",
        "un deux un un deux un sept",
        "quatre cent douze, cinq cent six, sept",
        "06.12.34.56.78",
        "zéro quatre septante-deux nonante-cinq huitante",
    ],
    "de": [
        "null eins sieben sechs siebenundzwanzig einunddreißig acht",
        "vierhundertzwölf fünfhundertsiebenundsiebzig neun",
        "dreimal die vier zweimal die fünf sechs sieben",
        "null acht neun neun acht neun elf",
        "null zwo zwo fuenf drei drei zwo",
        "vier Einsen drei Nullen",
    ],
    "it": [
        "tre tre otto, quarantasette, novantuno, zero sei",
        "trecentotrentotto quarantasette ventidue",
        "due sei due sei otto due sei",
        "doppio tre triplo sei sette nove",
        "centotto ventitré trentuno",
    ],
    "pt": [
        "um dois três quatro cinco meia sete",
        "onze noventa e nove oito sete meia cinco",
        "duzentos e doze, trinta e quatro, cinquenta e seis",
        "duas vezes meia três zeros dezenove",
    ],
    "nl": [
        "nul zes twaalf vierendertig zesenvijftig achtenzeventig",
        "een twee drie een een acht elf",
        "vierhonderdtwaalf tweeëntwintig drieëndertig",
        "dubbel vier driedubbel zeven een twee",
    ],
    "pl": [
        "pięć zero jeden, dwieście trzydzieści cztery, pięćset sześć",
        "piec zero jeden, dwiescie trzydziesci cztery, szesc",
        "trzy jedynki cztery zera",
        "cztery razy jeden i trzy siódemki",
        "sto jedenaście dwadzieścia dwa trzydzieści trzy",
    ],
    "ru": [
        "восемь девятьсот шестнадцать, сто двадцать три, сорок пять, шестьдесят семь",
        "три семёрки два нуля пять восемь",
        "семь девятьсот три ноль ноль пять",
        "одного двух трех четырех пяти шести семи",
        "дважды пять трижды шесть сорок",
    ],
    "mixed": [
        "cinco cinco cinco one two three four",
        "4 1 oh 5 5 5 5",
        "\uff14\uff11\uff11\uff11 \uff11\uff11\uff11\uff11",
    ],
}
LEFT = [
    "open from 9:00 and 10:30",
    "from 9:00 to 10:30 and 11:15, 12:45",
    "9:30am or 10.45 pm, 11h30 et 12h45",
    "half past nine, quarter to ten",
    "nine thirty and ten forty five",
    "9.30 and 10.30",
    "um 9 Uhr 30 und 10 Uhr 45",
    "in 2019 and 2020",
    "2018, 2019, 2020 and 2021-2022",
    "between nineteen ninety nine and twenty twenty",
    "en mil novecientos noventa y nueve y dos mil diecinueve",
    "neunzehnhundertneunundneunzig und zweitausendneunzehn",
    "w 2019 i 2020 roku, в 2019 и 2020 году",
    "12/03/2024 and 13.03.2024, 2024-03-12 10:30",
    "3rd of May 2024 at 10:30, May 3rd, 2024",
    "\u00a31,299.99 and $1,234,567.89",
    "1.299,99 \u20ac und \u20ac 12.345,67",
    "12 345,67 \u20ac et 1 234 567 \u20bd",
    "1999 dollars and 2500 dollars, 40 pounds 50",
    "one thousand two hundred pounds and ninety nine pence",
    "12.50, 13.50 and 14.50",
    "am 3. Mai 2024 um 10.30 Uhr, am 12.03.2024 um 9 Uhr",
    "12/2024 and 11/2023 for 2,500,000 and 20.000",
    "1,200,000 people, 2 million, two million three hundred thousand calls",
    "100% and 200% and 50 percent",
    "24 hours and 7 days a week, 3x faster, the 2nd time",
    "it is due 411111, once I paid, uns und eine die acht",
    "no no no no no no no, oh oh oh oh oh oh oh oh",
]


@pytest.mark.parametrize(("language", "said"), [(one, said) for one, many in DICTATED.items() for said in many])
def test_a_dictated_number_goes(language: str, said: str) -> None:
    """Seven digits and more, as each language says them, whole and with its capitals."""
    assert redact(said, 7).text == MARK
    assert redact(f"{said.capitalize()}.", 7).text == f"{MARK}."


@pytest.mark.parametrize("said", LEFT)
def test_times_years_dates_and_prices_stay(said: str) -> None:
    """However many of them there are."""
    assert redact(said, 7).text == said


@pytest.mark.parametrize("said", LEFT)
def test_a_card_beside_them_goes(said: str) -> None:
    """Nothing that stays shields a card."""
    card = "4111 1111 1111 1111"
    assert "1111 1111" not in redact(f"{said} my card is {card}", 7).text
    assert "1111 1111" not in redact(f"{card} is it, {said}", 7).text
    assert "1111 1111" not in redact(f"{said} {card}", 7).text


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["it is four one", "uh", "7 2 9", "one one two"], ["it is four one", "uh", "7 2 9", MARK]),
        (["4111", "1111", "1111", "1111"], ["4111", MARK, MARK, MARK]),
        (["meine Nummer ist null acht neun", "siebenundzwanzig elf"], [None, MARK]),
        (["that was in 2019 and 2020", "2021 was worse"], [None, None]),
        (["we open at 9:00", "10:30 is fine, too"], [None, None]),
        (["I was born in 2019", "555 is the code"], [None, None]),
        (["it is 4111", "my name is Miller", "1111"], [None, None, None]),
    ],
)
def test_pauses(pieces: list[str], shown: list[str | None]) -> None:
    """A number goes on in the leg's next utterance; a time or a year that is one does not begin it."""
    open_digits = 0
    for piece, expected in zip(pieces, shown, strict=True):
        clean = redact(piece, 7, open_digits)
        assert clean.text == (piece if expected is None else expected)
        open_digits = clean.open_digits


READS_OTHERWISE = re.compile(
    r"(?:19|20)\d\d\D+(?:19|20)\d\d|\d\d?[-.]\d\d?[-.]\d{2,4}|\d{4}[-.]\d\d?[-.]\d\d?"
    r"|\d{1,4}\.\d\d(?:, |\.\.\. )\d{1,4}\.\d\d|\d{1,3}(?:\.\d{3})*\.000"
)
SEPARATORS = (" ", " ", "-", ".", " - ", ", ", "... ", " uh ", " then ", " space ", " dash ", "\n")
digits = st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.sampled_from(SEPARATORS)), min_size=7, max_size=20)


@settings(max_examples=300)
@given(st.sampled_from(sorted(LANGUAGES)), digits, st.randoms(use_true_random=False))
def test_every_long_run_goes(language: str, said: list[tuple[int, bool, str]], random: object) -> None:
    """Spoken, written or mixed, whatever stands between the digits."""
    pieces: list[str] = []
    words = []
    for digit, spoken, separator in said:
        if spoken:
            words.append(random.choice(LANGUAGES[language]["digits"][digit].split()))  # type: ignore[attr-defined]
            if "".join(pieces)[-1:].isalnum():
                pieces.append(" ")
            pieces.extend((words[-1], " " if separator == "." else separator))
        else:
            pieces.extend((str(digit), random.choice(("", "", separator))))  # type: ignore[attr-defined]
    run = "".join(pieces).strip(" \n-.,")
    run = re.sub(r" (uh|then|space|dash)$", "", run).strip(" \n-.,")
    meanings = [WORDS.meanings[word] for word in words]
    # One word that is an ordinary one elsewhere is no digit at a run's edge; nor are exclamations alone.
    assume(len(words) != 1 or bool(meanings[0].plain_in))
    assume(not words or any(not meaning.is_sound for meaning in meanings))
    assume(not READS_OTHERWISE.search(run))
    assert redact(f"my number is {run} please", 7).text == f"my number is {MARK} please"


letters = st.text(st.characters(categories=("L", "P", "Z", "M")), max_size=200)


@given(letters)
def test_text_without_numbers_stays(text: str) -> None:
    """Where there is neither a digit nor a number word, nothing is touched."""
    words = re.findall(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*", text.lower())
    assume(not any(WORDS.meanings_of(word) for word in words))
    assert redact(text, 1).text == text


pieces = st.one_of(
    st.sampled_from(sorted(WORDS.meanings)),
    st.sampled_from(
        ["9:00", "2019", "12/03/2024", "12.34", "\u00a3", "%", "GB29", "to", "and", "y", "uh", "3rd", "411"]
    ),
)


@settings(max_examples=300)
@given(st.lists(st.tuples(pieces, st.sampled_from((" ", " ", "-", ", ", ""))), max_size=14), st.integers(5, 12))
def test_redacting_again_changes_nothing(said: list[tuple[str, str]], least: int) -> None:
    """What is left is no number by itself either."""
    clean = redact("".join(word + gap for word, gap in said), least).text
    assert redact(clean, least).text == clean


@pytest.mark.parametrize("unit", ["4 ", "one ", "4.", "a1", "\u00a34 ", "12 345 ", "(", "double ", "ein", "due "])
def test_time_is_linear(unit: str) -> None:
    """Of four times as much text, not much more than four times the work."""
    texts = [unit * (size // len(unit)) for size in (10_000, 40_000)]
    less, more = (min(_seconds(text) for _ in range(3)) for text in texts)
    assert more < max(0.02, 10 * less)


def _seconds(text: str) -> float:
    """CPU of this thread alone; the collector would count what other tests have left."""
    gc.disable()
    try:
        began = thread_time()
        redact(text, 7)
        return thread_time() - began
    finally:
        gc.enable()
