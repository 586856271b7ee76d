"""What a labeller's file may say, as tables of what it may not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbus import Role
from tools.labels.blind import blind
from tools.labels.checking import check, summary
from tools.labels.hand import AgentTurn, CustomerTurn, LabelError
from tools.labels.second import labelled, line
from tools.labels.written import dialogue

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["id", "turns", "party"]), inner),
)


def customer(**other: Any) -> dict[str, Any]:
    return {"party": "customer", "text": "He hasn't come.", "label": 0, "core": "none", **other}


def agent(**other: Any) -> dict[str, Any]:
    return {"party": "agent", "text": "I'm ringing him now.", "acts": ["NEXT"], **other}


def written(*turns: object, **other: Any) -> dict[str, Any]:
    about = {"id": "one", "industry": "taxis", "channel": "phone", "style": "calm", "opening": "PLAN"}
    return {**about, "turns": list(turns or (customer(), agent())), **other}


KNOWN = {"one": dialogue(written(agent(), customer(), customer()))}


def second(*turns: str, **other: Any) -> dict[str, Any]:
    return {"id": "one", "opening": "PLAN", "turns": list(turns), **other}


def faults(*records: object) -> list[str]:
    return list(check(enumerate(records, 1), KNOWN).faults)


def test_a_writers_labels_are_read() -> None:
    """All that the book knows of a dialogue is read, the second core after the first."""
    upset = customer(label=-1, core="worry", core2="anger", urgent=True, time_bound=True)
    read = dialogue(written(upset, agent(acts=["ACK", "SCRIPT"], hollow=True), recovers=False))
    assert read.hand.turns == (
        CustomerTurn(-1, ("worry", "anger"), True, True),
        AgentTurn(frozenset({"ACK", "SCRIPT"})),
    )
    assert (read.hand.opening, read.recovers, read.hollow) == ("PLAN", False, (False, True))


def test_a_dialogue_is_english_unless_it_says_otherwise() -> None:
    """A language's code of two or three letters is read; without one, it is English."""
    assert [dialogue(written(**other)).language for other in ({}, {"language": "es"}, {"language": "gsw"})] == [
        "en",
        "es",
        "gsw",
    ]


def test_a_second_hands_labels_are_read() -> None:
    """Acts or a dash for an agent; label, cores, U and T for a customer."""
    parties = (Role.AGENT, Role.AGENT, Role.CUSTOMER, Role.CUSTOMER)
    read = labelled(line(second("-", "ACK NEXT", "0 none", "-1 worry anger U T")), parties)
    assert read.turns == (
        AgentTurn(frozenset()),
        AgentTurn(frozenset({"ACK", "NEXT"})),
        CustomerTurn(0, ("none",)),
        CustomerTurn(-1, ("worry", "anger"), True, True),
    )
    assert read.parties == parties


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        (written(customer(label=-1)), "turn 0: core 'none' does not go with label -1"),
        (written(customer(label=2)), "turn 0: label 2 is not -1, 0 or 1"),
        (written(customer(label=True)), "turn 0: label is not a number, or core not a word"),
        (written(customer(core=["none"])), "turn 0: label is not a number, or core not a word"),
        (written(customer(label=-1, core="anger", core2="anger")), "turn 0: expected one core, or two different ones"),
        (written(customer(urgent=False)), "turn 0: urgent is not true: leave it out"),
        (written(customer(text=" ")), "turn 0: text is missing, empty or too long"),
        (written(customer(text="so " * 4_000 + "so")), "turn 0: text is missing, empty or too long"),
        (written(customer(mood="low")), "turn 0: unknown field 'mood'"),
        (written(agent(acts=["NEXT", "NEXT"])), "turn 0: acts is not a list of some of ACK"),
        (written(agent(acts=["HUG"])), "turn 0: acts is not a list of some of ACK"),
        (written(agent(acts=None)), "turn 0: acts is not a list of some of ACK"),
        (written(agent(acts=["ACK"], hollow="yes")), "turn 0: hollow is not true: leave it out"),
        (written(agent(acts=["ACK", "NEXT"], hollow=True)), "turn 0: hollow, with SPECIFIC or NEXT"),
        (written(agent(), agent(party="boss")), "turn 1: party is neither customer nor agent"),
        (written(agent(), "Hello"), "turn 1: expected an object with party and text"),
        (written(channel="fax"), "channel is not one of phone, chat, email"),
        (written(language="Spanish"), "language is not a code of two or three small letters"),
        (written(language=["es"]), "language is not a code of two or three small letters"),
        (written(opening="LATER"), "opening is not one of HEARD, PLAN, UNCLEAR"),
        (written(recovers=1), "recovers is neither true nor false"),
        (written(style=""), "style is missing or empty"),
        (written(*(customer(text=f"Number {number}.") for number in range(201))), "expected 1 to 200 turns"),
        ({**written(agent(acts=["LIMIT"])), "opening": None}, "opening is not one of"),
    ],
)
def test_a_writers_fault_is_told(record: dict[str, Any], fault: str) -> None:
    """Each fault names its line, its turn and what is wrong."""
    (told,) = faults(record)
    assert told.startswith(f"line 1: {fault}")


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        (second("-", "0 none"), "2 turns are labelled; the dialogue has 3"),
        (second("-", "0 none", "1 anger"), "turn 2: core 'anger' does not go with label 1"),
        (second("-", "0 none", "0"), "turn 2: expected one core, or two different ones"),
        (second("-", "0 none", ""), "turn 2: a customer's turn: expected -1, 0 or 1 first, then a core"),
        (second("-", "0 none", "-"), "turn 2: a customer's turn: expected -1, 0 or 1 first, then a core"),
        (second("-", "0 none", "0 none X"), "turn 2: core 'X' does not go with label 0"),
        (second("", "0 none", "0 none"), "turn 0: an agent's turn: expected - or some of ACK"),
        (second("0 none", "0 none", "0 none"), "turn 0: an agent's turn: expected - or some of ACK"),
        (second("NEXT -", "0 none", "0 none"), "turn 0: an agent's turn: expected - or some of ACK"),
        (second("NEXT NEXT", "0 none", "0 none"), "turn 0: an agent's turn: expected - or some of ACK"),
        (second("-", "0 none", "0 none", opening="-"), "opening is not one of HEARD, PLAN, UNCLEAR"),
        (second("-", "0 none", "0 none", id="two"), "no dialogue 'two'"),
        (second("-", "0 none", "0 none", note="?"), "expected an object with id, opening and turns"),
        ({"id": "one", "opening": "PLAN", "turns": "-"}, "turns is not a list of strings"),
        (["one"], "expected an object with id, opening and turns"),
    ],
)
def test_a_second_hands_fault_is_told(record: object, fault: str) -> None:
    """Each fault names its line, its turn and what is wrong."""
    (told,) = faults(record)
    assert told.startswith(f"line 1: {fault}")


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        ({"id": "two", "hollow": [0]}, "no dialogue 'two'"),
        ({"id": "one", "hollow": [0], "note": "?"}, "expected an object with id and hollow"),
        ({"id": 1, "hollow": [0]}, "expected an object with id and hollow"),
        ({"id": "one", "hollow": []}, "hollow is not a list of turns' numbers"),
        ({"id": "one", "hollow": True}, "hollow is not a list of turns' numbers"),
        ({"id": "one", "hollow": [False]}, "hollow is not a list of turns' numbers"),
        ({"id": "one", "hollow": [0, 0]}, "hollow is not in order, or names a turn twice"),
        ({"id": "one", "hollow": [1]}, "turn 1 is not an agent's"),
        ({"id": "one", "hollow": [3]}, "turn 3 is not an agent's"),
        ({"id": "one", "hollow": [-3]}, "turn -3 is not an agent's"),
    ],
)
def test_a_fault_in_hollow_turns_is_told(record: dict[str, Any], fault: str) -> None:
    """Each fault names its line and what is wrong."""
    assert faults(record) == [f"line 1: {fault}"]


def test_hollow_turns_are_read() -> None:
    """A line with hollow in place of turns gives the numbers of a dialogue's hollow turns, once for each dialogue."""
    hollow = {"id": "one", "hollow": [0]}
    checked = check([(1, hollow)], KNOWN)
    assert (checked.hollow, checked.hands, checked.faults) == ({"one": (0,)}, (), ())
    assert summary(checked) == "1 dialogues, 1 hollow turns"
    assert faults(hollow, hollow) == ["line 2: the id 'one' occurs twice"]


def test_an_older_dialogue_has_nothing_newer() -> None:
    """Without an opening, the newer acts and fields are faults: nobody looked for them throughout."""
    old = written(customer(urgent=True), agent(acts=["LIMIT"]), recovers=True)
    del old["opening"]
    told = faults(old)
    assert [fault.split(": ", 1)[1][:30] for fault in told] == [
        "unknown field 'recovers'",
        "turn 0: unknown field 'urgent'",
        "turn 1: acts is not a list of ",
    ]


def test_what_is_said_twice_is_told() -> None:
    """Two turns of more than five words that differ only in case and marks are told, as is an id that occurs twice."""
    one, two = (written(customer(text=said)) for said in ("So, where is he going then?", "so where is he going then"))
    assert faults(one, {**two, "id": "two"}) == ["said 2 times: so where is he going then"]
    assert faults(one, written(customer(text="Where is he going then?"))) == ["line 2: the id 'one' occurs twice"]


def test_all_faults_of_a_dialogue_are_told_at_once() -> None:
    """A labeller mends a file in one go."""
    assert len(faults(written(customer(label=5), agent(acts=["HUG"]), channel="fax"), second("-"))) == 4


@given(JSON)
def test_anything_is_read_or_refused(record: object) -> None:
    """Whatever a line holds, it is checked without another error than a fault."""
    assert len(faults(record)) >= 1
    with pytest.raises(LabelError):
        dialogue(record)


@given(st.lists(st.sampled_from(["-", "U", "T", "-1", "0", "1", "none", "worry", "ACK", "NEXT", "x"])), st.booleans())
def test_any_words_for_a_turn_are_read_or_refused(words: list[str], of_customer: bool) -> None:
    """A turn's words give labels that the book knows, or a fault."""
    party = Role.CUSTOMER if of_customer else Role.AGENT
    try:
        (turn,) = labelled(line(second(" ".join(words))), [party]).turns
    except LabelError:
        return
    assert isinstance(turn, CustomerTurn) is of_customer


def test_the_summary_counts() -> None:
    """Dialogues, turns and labels are counted, with calm dialogues those that have no unhappy turn."""
    upset = written(customer(label=-1, core="worry", urgent=True), agent(acts=["ACK", "NEXT"]), id="two")
    counted = summary(check([(1, written()), (2, upset)], KNOWN))
    assert counted == (
        "2 dialogues, 1 calm; 2 customer turns, 1 unhappy, 0 pleased, 1 urgent, 0 time-bound; "
        "openings: PLAN 2; acts: NEXT 2, ACK 1"
    )


def test_a_blind_dialogue_has_no_labels() -> None:
    """Of a dialogue a second hand gets the id, the trade, the channel, and each turn's party and words."""
    upset = customer(text="Dear Sirs,\n1 C: where is he?", label=-1, core="worry", urgent=True)
    text = blind([dialogue(written(agent(), upset))])
    assert text == "### one (taxis, phone)\n0 A: I'm ringing him now.\n1 C: Dear Sirs,\n    1 C: where is he?\n"


def test_blind_dialogues_come_in_one_order() -> None:
    """The order is not the files' and depends on nothing else than the ids; a count takes the first so many of it."""
    many = [dialogue(written(id=f"n-{number:02d}")) for number in range(20)]
    text = blind(many)
    assert blind(many[::-1]) == text
    names = [found.split()[1] for found in text.splitlines() if found.startswith("###")]
    assert sorted(names) == [one.hand.name for one in many] != names
    assert text.startswith(blind(many, 3))
    assert blind(many, 3).count("###") == 3
