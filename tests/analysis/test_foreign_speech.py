"""Speech in a language that the scorer cannot judge: its words are told, and invented English raises nothing."""

from __future__ import annotations

import pytest

from analysis.call.stored_state import decode
from analysis.lanes.counting import LANGUAGES
from analysis.words.language import Languages
from callbus import Alert, CallState, Mood, Role, Transcript
from tests.analysis.stage import INVENTED, LINES, Stage, by_turns, heard, opens, says, stage, whole_call
from tests.published import published

A, C = Role.AGENT, Role.CUSTOMER
ENGLISH_ALONE = frozenset({"en"})
SPANISH = (
    (A, "buenos días ¿en qué puedo ayudarle?"),
    (C, "llamo porque mi teléfono no funciona desde hace más de tres días"),
    (A, "¿me da su número de teléfono por favor?"),
    (C, "ya lo he dado dos veces ¿cuántas veces más quieren pedírmelo?"),
    (A, "lo siento ¿puede esperar un momento más?"),
    (C, "¡esto es terrible! voy a denunciarles mañana mismo"),
)
OF_SPANISH = heard(SPANISH, alerts=())


async def state_of(on: Stage, call_id: str) -> CallState:
    """The latest of a call."""
    return [each for each in await published(on.bus) if isinstance(each, CallState) and each.call_id == call_id][-1]


@pytest.mark.parametrize("expected", ["en", ""], ids=["en", "auto"])
async def test_a_foreign_call_is_read_in_its_language_and_not_judged(redis_url: str, expected: str) -> None:
    """Whatever is expected, its words are its own, no score is given, and its state says which language it is."""
    before = LANGUAGES.labels("not_judged")._value.get()
    async with stage(redis_url, languages=Languages(expected, judged=ENGLISH_ALONE)) as on:
        await on.play(whole_call("foreign", SPANISH), {"foreign": OF_SPANISH})
        told = await published(on.bus)
        last = await state_of(on, "foreign")
    assert (last.language, last.is_judged, last.mood, last.scores) == ("es", False, Mood.CALM, ())
    assert all(each.score is None for each in told if isinstance(each, Transcript))
    assert LANGUAGES.labels("not_judged")._value.get() == before + 1


@pytest.mark.parametrize("expected", ["en", ""], ids=["en", "auto"])
async def test_an_english_call_beside_it_has_its_alert(redis_url: str, expected: str) -> None:
    """Calls of two languages share batches, and each is read in its own."""
    foreign = SPANISH * (len(LINES) // len(SPANISH))
    english = LINES[: len(foreign)]
    async with stage(redis_url, languages=Languages(expected, judged=ENGLISH_ALONE)) as on:
        await on.play(
            by_turns(whole_call("english", english), whole_call("foreign", foreign)),
            {"english": heard(english), "foreign": heard(foreign, alerts=())},
        )
        assert (await state_of(on, "english")).language == "en"


async def test_without_detection_foreign_speech_is_invented_english(redis_url: str) -> None:
    """What an English-only model makes of it; nothing is said of a language then."""
    async with stage(redis_url) as on:
        await on.send(whole_call("foreign", SPANISH[:2]))
        await on.idle()
        told = [each.text for each in await published(on.bus) if isinstance(each, Transcript)]
        last = await state_of(on, "foreign")
    assert told == [INVENTED, INVENTED]
    assert (last.language, last.is_judged) == ("", True)


async def test_a_scorer_of_all_languages_judges_them(redis_url: str) -> None:
    """Its calls are scored as ever, and say their language."""
    async with stage(redis_url, languages=Languages("")) as on:
        await on.send(whole_call("foreign", SPANISH))
        await on.idle()
        told = await published(on.bus)
        last = await state_of(on, "foreign")
    assert (last.language, last.is_judged, len(last.scores)) == ("es", True, 3)
    assert [each.score is None for each in told if isinstance(each, Transcript)] == [True, False] * 3


async def test_a_house_whose_language_nobody_judges_says_so_from_the_start(redis_url: str) -> None:
    """With the shipped scorer and another language than English a call is never taken to be calm."""
    said = says("foreign", SPANISH[:1])
    async with stage(redis_url, languages=Languages("es", judged=ENGLISH_ALONE)) as on:
        await on.send([opens(said)])
        await on.idle()
        assert not (await state_of(on, "foreign")).is_judged


async def test_the_decision_outlives_the_worker(redis_url: str) -> None:
    """Another worker goes on in the language decided, and asks the model no more."""
    events = whole_call("foreign", SPANISH)
    languages = Languages("en", judged=ENGLISH_ALONE)
    async with stage(redis_url, languages=languages) as on:
        await on.send(events[:-2])
        await on.idle()
        stored = await on.bus.client.get(on.bus.keys.state("foreign"))
    known = decode(stored)
    assert (known.spoken.language, known.spoken.evidence, known.is_judged) == ("es", {}, False)
    async with stage(redis_url, languages=Languages("en", judged=ENGLISH_ALONE, detects=False)) as on:
        await on.send(events[-2:])
        await on.idle()
        told = await published(on.bus)
    assert [each.text for each in told if isinstance(each, Transcript)][-1] == SPANISH[-1][1]
    assert not [each for each in told if isinstance(each, Alert)]


async def test_scores_of_invented_words_are_taken_back(redis_url: str) -> None:
    """What was scored as English before the language was known leaves no mood and no level behind."""
    english, *foreign = says("late", ((C, "hello do you speak spanish"), *SPANISH))
    async with stage(redis_url, languages=Languages("en", judged=ENGLISH_ALONE)) as on:
        await on.send([opens([english]), english])
        await on.idle()
        assert len((await state_of(on, "late")).scores) == 1
        await on.send(foreign)
        await on.idle()
        last = await state_of(on, "late")
    assert (last.language, last.scores, last.level) == ("es", (), 0.0)
