"""Each language's dialogues are in sets of their own: what is English is neither trained nor measured with others."""

from __future__ import annotations

import pytest

from bench.evaluation import sets as measured_sets
from tools.labels.files import everything, of_set, sets
from tools.labels.hand import CustomerTurn
from tools.labels.written import ENGLISH, Dialogue
from tools.scorer.folds import composed, written

SPANISH = ("tests-spanish", "training-spanish")


def labels(one: Dialogue) -> list[int]:
    """The labels of a dialogue's customer turns, in order."""
    return [turn.label for turn in one.hand.turns if isinstance(turn, CustomerTurn)]


def turns_sour(found: list[int]) -> bool:
    """Whether a customer is calm for two turns or more, and later unhappy in two of three turns."""
    return min(found[:2]) >= 0 and any(now < 0 and found[at : at + 3].count(-1) >= 2 for at, now in enumerate(found))


@pytest.mark.parametrize("named", sets())
def test_a_set_is_in_one_language(named: str) -> None:
    """The Spanish sets are Spanish, and all others are English."""
    assert {one.language for one in of_set(named)} == {"es" if named in SPANISH else ENGLISH}


@pytest.mark.parametrize("named", SPANISH)
def test_spanish_has_what_it_is_to_measure(named: str) -> None:
    """Forty dialogues of 8 to 16 turns, 35 % of them calm; 18 that turn sour in their midst, and 8 that recover."""
    found = of_set(named)
    assert len(found) == 40
    assert all(8 <= len(one.texts) <= 16 for one in found)
    assert sum(min(labels(one)) >= 0 for one in found) == 14
    assert sum(turns_sour(labels(one)) for one in found) >= 18
    assert sum(one.recovers is True for one in found) >= 8


def test_the_trainer_reads_english_alone() -> None:
    """What `fold` and `finish` train on has no dialogue in another language."""
    known = everything()
    trained = [one for examples in composed().values() for one in examples] + written()
    assert {known[one.name].language for one in trained} == {ENGLISH}


def test_the_evaluation_reads_english_alone() -> None:
    """The sets that `make eval` finds by itself have no dialogue in another language."""
    known = everything()
    measured = [one for each in (measured_sets.tests({}), measured_sets.hands({})) for one in each.main.dialogues]
    assert len(measured) >= 121
    assert {known[one.name].language for one in measured} == {ENGLISH}
