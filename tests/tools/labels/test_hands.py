"""The hands' and the Spanish dialogues, and the second hand's labels, are well-formed; the READMEs count them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tools.labels.files import (
    ROOT,
    SECOND,
    TESTS,
    TRAINING,
    everything,
    hollow_turns,
    of_set,
    pairs,
    records,
    second_sets,
    settled,
)
from tools.labels.hand import ACTS, FIRST_ACTS, AgentTurn, CustomerTurn
from tools.labels.second import line
from tools.labels.written import Dialogue, dialogue

HALVES = [TESTS / "hands", TRAINING / "hands"]
KINDS = ("hands", "further", "spanish")
FILES = [path for half in (TESTS, TRAINING) for kind in KINDS for path in sorted((half / kind).glob("*.jsonl"))]
READMES = {TESTS: TESTS / "README.md", TRAINING: ROOT / "tools" / "scorer" / "README.md"}


def read(path: Path) -> list[Dialogue]:
    """A file's dialogues; a fault fails the test that reads it."""
    return [dialogue(record) for _, record in records(path)]


def customers(dialogues: list[Dialogue]) -> list[CustomerTurn]:
    return [turn for one in dialogues for turn in one.hand.turns if isinstance(turn, CustomerTurn)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parts[-4]}-{path.stem}")
def test_a_file_is_labelled_by_the_whole_book(path: Path) -> None:
    """Every dialogue has an opening, two parties, and an id that begins with the writer's name or the language."""
    for one in read(path):
        assert one.hand.opening, one.hand.name
        assert one.hand.name.startswith("es-" if path.parent.name == "spanish" else f"{path.stem}-")
        assert len(set(one.hand.parties)) == 2


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parts[-4]}-{path.stem}")
def test_a_phone_carries_only_what_is_said(path: Path) -> None:
    """On the phone a text has no digit, bracket or stage direction."""
    for one in read(path):
        if one.channel == "phone":
            assert not re.search(r"[\d()\[\]{}<>*_#@]", " ".join(one.texts)), one.hand.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parts[-4]}-{path.stem}")
def test_recovering_needs_an_unhappy_stretch(path: Path) -> None:
    """Who recovers was unhappy for two turns or more and is not at the end; where a recovery failed, somebody was."""
    for one in read(path):
        labels = [turn.label for turn in customers([one])]
        if one.recovers:
            assert labels.count(-1) >= 2, one.hand.name
            assert labels[-1] >= 0, one.hand.name
        elif one.recovers is False:
            assert -1 in labels, one.hand.name


@pytest.mark.parametrize("folder", READMES, ids=["tests", "training"])
def test_the_readme_counts_each_file(folder: Path) -> None:
    """The README's tables have a file's dialogues, calm ones, turns, labels, channels, recoveries and hollow turns."""
    row = r"^\| `(?:dialogues/)?((?:further|hands|spanish)/\w+)` \| (.*) \|$"
    told = re.findall(row, READMES[folder].read_text("utf-8"), re.M)
    counted = []
    for path in (path for kind in KINDS for path in sorted((folder / kind).glob("*.jsonl"))):
        found = read(path)
        labels = Counter(turn.label for turn in customers(found))
        channels = Counter(one.channel for one in found)
        recoveries = Counter(one.recovers for one in found)
        cells = (
            len(found),
            sum(all(turn.label >= 0 for turn in customers([one])) for one in found),
            labels.total(),
            f"{labels[-1]} / {labels[0]} / {labels[1]}",
            f"{channels['phone']} / {channels['chat']} / {channels['email']}",
            f"{recoveries[True]} / {recoveries[False]}",
            sum(sum(one.hollow) for one in found),
        )
        counted.append((f"{path.parent.name}/{path.stem}", " | ".join(map(str, cells))))
    assert told == counted
    assert len(counted) == {TESTS: 7, TRAINING: 15}[folder]


def test_both_halves_have_the_same_hands() -> None:
    """Each writer's dialogues are in both halves, in equal number."""
    tests, training = ({path.stem: len(read(path)) for path in sorted(folder.glob("*.jsonl"))} for folder in HALVES)
    assert tests == training
    assert sum(tests.values()) == 211


@pytest.mark.parametrize("named", second_sets())
def test_a_second_hands_file_is_read_whole(named: str) -> None:
    """Each of its lines is about another known dialogue and labels all of its turns."""
    known = everything()
    both = pairs(named, known)
    names = [line(record).name for _, record in records(SECOND / f"{named}.jsonl")]
    assert [first.name for first, _ in both] == [second.name for _, second in both] == names
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("named", ["tests", "tests-hands", "training-hands", "phone-c", "phone-d"])
def test_a_set_is_labelled_twice_to_the_end(named: str) -> None:
    """No dialogue of these sets lacks a second hand's labels."""
    assert {second.name for _, second in pairs(named, everything())} == {one.hand.name for one in of_set(named)}


@pytest.mark.parametrize("named", ["tests", "tests-hands"])
def test_what_both_hands_say_stands(named: str) -> None:
    """Every dialogue of the tests is settled, and where both hands say the same of a label, so does what is settled."""
    known = everything()
    both, third = pairs(named, known), settled(named, known)
    assert list(third) == [one.hand.name for one in of_set(named)]
    assert set(third) == {first.name for first, _ in both}
    for first, second in both:
        acts = ACTS if first.opening else FIRST_ACTS
        for one, other, what in zip(first.turns, second.turns, third[first.name].turns, strict=True):
            if isinstance(one, AgentTurn) and isinstance(other, AgentTurn):
                assert isinstance(what, AgentTurn)
                assert all(act in (one.acts ^ other.acts) or (act in one.acts) == (act in what.acts) for act in acts)
            elif isinstance(one, CustomerTurn) and isinstance(other, CustomerTurn):
                assert isinstance(what, CustomerTurn)
                assert what.label in (one.label, other.label)
                if (one.label, one.cores[0]) == (other.label, other.cores[0]):
                    assert what.cores[0] == one.cores[0], first.name
                if first.opening:
                    assert what.urgent in (one.urgent, other.urgent)
                    assert what.time_bound in (one.time_bound, other.time_bound)
        if first.opening:
            assert third[first.name].opening in (first.opening, second.opening)


def test_a_set_that_is_not_settled_has_nothing_settled() -> None:
    """Only sets with a file in settled/ have settled labels, and a name leads nowhere else."""
    assert settled("phone-c", everything()) == settled("../second/phone-c", everything()) == {}


def test_hollow_turns_follow_distress_and_do_not_help() -> None:
    """A settled hollow turn follows distress within the customer's last two turns, and is neither SPECIFIC nor NEXT."""
    known = everything()
    third = {**settled("tests", known), **settled("tests-hands", known)}
    for name, numbers in hollow_turns(known).items():
        for number in numbers:
            turn = third[name].turns[number]
            assert isinstance(turn, AgentTurn)
            assert not turn.acts & {"SPECIFIC", "NEXT"}, (name, number)
            before = [one for one in third[name].turns[:number] if isinstance(one, CustomerTurn)][-2:]
            assert any(one.label == -1 or "worry" in one.cores for one in before), (name, number)


def test_the_hands_files_have_the_settled_hollow_turns() -> None:
    """In the hands' test dialogues a turn is marked hollow if it was settled as hollow."""
    marked = {
        one.hand.name: tuple(number for number, hollow in enumerate(one.hollow) if hollow)
        for one in of_set("tests-hands")
    }
    told = hollow_turns(everything())
    assert {name: turns for name, turns in marked.items() if turns} == {
        name: turns for name, turns in told.items() if name in marked
    }
