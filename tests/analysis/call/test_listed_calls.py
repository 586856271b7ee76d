"""Calls in a language that lists judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from analysis.call.analyst import Analyst, Outcome
from analysis.languages.files import tables
from analysis.languages.lexicon import lexicons
from analysis.practice.phrases import by_language
from analysis.scorers.listed import LISTED_RULES
from analysis.shift.detector import ShiftRules
from analysis.words.language import Languages
from analysis.words.recognition import Recognition
from callbus import Act, Alert, CallClosed, CallOpened, CallState, Debrief, Leg, Mood, Role, ShiftKind, Tier, Utterance
from tests.analysis.deciding import decided

OPENED = CallOpened("c", "bridge", 1_000.0, (Leg("1", Role.AGENT, "Ana"), Leg("2", Role.CUSTOMER)))
A, C = Role.AGENT, Role.CUSTOMER
SOUR = [
    (A, "Buenos días, ¿en qué puedo ayudarle?"),
    (C, "Buenos días, llamo por un pedido que no ha llegado."),
    (A, "Deme el número, por favor."),
    (C, "Es el cuatro cinco, de la semana pasada."),
    (A, "No puedo hacer nada más, es la política de la empresa."),
    (C, "Es la tercera vez que llamo y nadie me contesta."),
    (A, "Siento mucho que lleve tanto esperando. Se lo mando hoy mismo."),
    (C, "Esto es una vergüenza, mañana voy a Consumo."),
]
HEARD = {code: {code: 0.999, "xx": 0.001} for code in ("en", "es", "fr")}


def analyst(expected: str = "en", judged: Sequence[str] = ("en", "es")) -> Analyst:
    """As a worker with the shipped files has it."""
    known = tables()
    languages = Languages(expected, judged=frozenset(judged))
    return Analyst(ShiftRules(), 7, languages, by_language(known), lexicons(known), set(judged) - {"en"})


def played(work: Analyst, said: Sequence[tuple[Role, str]], language: str) -> list[Outcome]:
    """What each utterance of a call leads to, the language heard beyond doubt in the first ones."""
    outcomes = [work.opened(OPENED, None, 1_000.0)]
    for number, (role, text) in enumerate(said):
        at = 10.0 * number
        leg = "1" if role is A else "2"
        event = Utterance("c", leg, role, number, at, at + 5, 1_000 + at + 5, 8_000, b"")
        heard = Recognition(text, 0.95, languages=HEARD[language], speech_seconds=5.0)
        outcomes.append(decided(work, event, outcomes[-1].call, heard, 2_000.0 + number))
    return outcomes


def state(outcomes: Sequence[Outcome]) -> CallState:
    """The latest."""
    return [one for each in outcomes for one in each.publications if isinstance(one, CallState)][-1]


def alerts(outcomes: Sequence[Outcome]) -> list[Alert]:
    """All, in order."""
    return [one.alert for one in outcomes if one.alert]


@pytest.mark.parametrize("expected", ["es", "en"])
def test_a_spanish_call_is_judged_by_its_lists(expected: str) -> None:
    """Whatever is expected: an outright word marks it, a threat interrupts, and both are named."""
    outcomes = played(analyst(expected), SOUR, "es")
    last = state(outcomes)
    assert (last.language, last.is_judged, last.mood) == ("es", True, Mood.WORSENED)
    mark, interruption = alerts(outcomes)
    assert (mark.kind, mark.tier, mark.turn) == (ShiftKind.WORSENED, Tier.MARK, 5)
    assert {term.name for term in mark.terms} >= {"counts the times", "nobody answers"}
    assert (interruption.tier, interruption.turn) == (Tier.INTERRUPTION, 7)
    assert "turns to a regulator" in {term.name for term in interruption.terms}


def test_a_calm_spanish_call_has_no_alert() -> None:
    """What is stated or asked calmly is no evidence, and no score is other than zero."""
    outcomes = played(analyst("es"), [*SOUR[:4], (A, "Llega mañana."), (C, "Perfecto, muchas gracias.")], "es")
    assert alerts(outcomes) == []
    assert set(state(outcomes).scores) == {0.0}


@pytest.mark.parametrize(("language", "judged"), [("es", ["en"]), ("fr", ["en", "es"])])
def test_a_language_that_nobody_judges_is_told_as_such(language: str, judged: Sequence[str]) -> None:
    """Its calls have no score, no alert and no practice: French has no lists, and Spanish can be left out."""
    outcomes = played(analyst("en", judged), SOUR, language)
    last = state(outcomes)
    assert (last.language, last.is_judged, last.scores) == (language, False, ())
    assert last.practice is None or not last.practice.is_judged
    assert alerts(outcomes[2:]) == []


def test_agents_and_openings_are_read_by_spanish_phrases() -> None:
    """A debrief tells the acts that were seen, and the state what the call is about."""
    work = analyst("es")
    outcomes = played(work, SOUR, "es")
    shown = state(outcomes).practice
    assert shown is not None
    assert shown.intake is not None
    assert shown.intake.about is not None
    assert shown.intake.about.quote == "Es la tercera vez que llamo y nadie me contesta."
    closed = work.closed(CallClosed("c", 1_080.0, 80.0, "bye"), outcomes[-1].call, 2_100.0)
    (told,) = (one for one in closed.publications if isinstance(one, Debrief))
    assert told.call_id == "c"
    kept = outcomes[-1].call.practice
    assert kept is not None
    assert {act for turn in kept.latest if turn.agent for act in turn.agent.acts} >= {Act.ACK, Act.NEXT, Act.BRUSH_OFF}


def test_what_was_scored_as_english_is_not_compared() -> None:
    """Once a call is known to be judged by lists, scores that a network gave go: each has its own measure."""
    work = analyst("en")
    opened = work.opened(OPENED, None, 1_000.0).call
    first = Utterance("c", "2", C, 0, 0.0, 2.0, 1_002.0, 8_000, b"")
    before = decided(work, first, opened, Recognition("this is terrible and i am angry", 0.95), 2_000.0).call
    (party,) = before.parties.values()
    assert party.now.level < 0
    heard: dict[str, Any] = {"languages": HEARD["es"], "speech_seconds": 6.0}
    agent = replace(first, leg_id="1", role=A, sequence=1, start_seconds=10.0, end_seconds=16.0, ended_at=1_016.0)
    after = decided(work, agent, before, Recognition("buenos días", 0.95, **heard), 2_001.0).call
    assert (after.spoken.language, after.parties) == ("es", {})
    again = replace(first, sequence=2, start_seconds=20.0, end_seconds=22.0, ended_at=1_022.0)
    after = decided(work, again, after, Recognition("buenos días, llamo por un pedido", 0.95), 2_002.0).call
    (party,) = after.parties.values()
    assert (party.now.level, party.scores) == (0.0, (0.0,))


def test_its_rest_between_alerts_is_the_configured_one() -> None:
    """All else are the rules that belong to the lists."""
    assert LISTED_RULES.turns_agreeing == 1
    outcomes = played(analyst("es"), [*SOUR, *SOUR[6:]], "es")
    assert len(alerts(outcomes)) == 2
