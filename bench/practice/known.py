"""Labelled dialogues for practice: turns as a call has them, and what each hand says of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from analysis.turns.turn import Turn
from callbus import Role
from tools.labels.files import everything, hollow_turns, of_set, pairs, second_sets, settled
from tools.labels.hand import AgentTurn, CustomerTurn, Labelled
from tools.labels.written import Dialogue

WORDS_A_SECOND = 170 / 60

UNHAPPY = ("frustration", "anger", "worry", "dismissed", "disappointment")


@dataclass(frozen=True, slots=True)
class Truth:
    """What a hand says of a turn: an agent's acts, or a customer's label, cores and urgency."""

    acts: frozenset[str] = frozenset()
    hollow: bool = False
    label: int = 0
    cores: tuple[str, ...] = ()
    """One or two, the stronger first; empty unless the customer is unhappy."""
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A dialogue as a call has it: a turn lasts until the other party takes the floor."""

    name: str
    group: str
    """Who wrote it, or of what trade it is."""
    turns: tuple[Turn, ...]
    opening: str
    truth: tuple[Truth, ...]
    """Turn by turn, as settled; as its writer has it where nothing is."""
    second: tuple[Truth, ...] | None
    """The same by the second hand."""
    second_opening: str
    first: tuple[Truth, ...] | None
    """The same by the first; None if it did not work by the whole rule book."""
    first_opening: str


def calls(named: str) -> list[Call]:
    """The calls of a set. Raises tools.labels.files.FileError."""
    known = everything()
    judged = settled(named, known)
    hollow = hollow_turns(known) if judged else {one.hand.name: _hollow(one) for one in of_set(named)}
    seconds = {two.name: two for _, two in pairs(named, known)} if named in second_sets() else {}
    return [
        _call(one, judged[one.hand.name] if judged else one.hand, seconds.get(one.hand.name), hollow)
        for one in of_set(named)
    ]


def _call(dialogue: Dialogue, truth: Labelled, second: Labelled | None, hollow: Mapping[str, Sequence[int]]) -> Call:
    name = dialogue.hand.name
    groups = [list(group) for _, group in groupby(range(len(dialogue.texts)), key=dialogue.hand.parties.__getitem__)]
    empty = set(hollow.get(name, ()))
    first = dialogue.hand if dialogue.hand.opening else None
    return Call(
        name,
        name.rsplit("-", 1)[0],
        tuple(_turns(dialogue, groups)),
        truth.opening or "UNCLEAR",
        tuple(_truth(truth, group, empty) for group in groups),
        tuple(_truth(second, group, empty) for group in groups) if second else None,
        (second.opening if second else None) or "UNCLEAR",
        tuple(_truth(first, group, empty) for group in groups) if first else None,
        (first.opening if first else None) or "UNCLEAR",
    )


def _hollow(dialogue: Dialogue) -> list[int]:
    """The hollow turns by its writer."""
    return [turn for turn, is_hollow in enumerate(dialogue.hollow) if is_hollow]


def _turns(dialogue: Dialogue, groups: Sequence[Sequence[int]]) -> Iterator[Turn]:
    at = 0.0
    for number, group in enumerate(groups):
        role, text = dialogue.hand.parties[group[0]], " ".join(dialogue.texts[line] for line in group)
        end = at + max(1, len(text.split())) / WORDS_A_SECOND
        yield Turn(number, role.value, role, text, at, end, 1.0, len(group))
        at = end + 0.5


def _truth(hand: Labelled, group: Sequence[int], hollow: set[int]) -> Truth:
    turns = [hand.turns[line] for line in group]
    acts = frozenset(
        act.lower().replace("-", "_") for turn in turns if isinstance(turn, AgentTurn) for act in turn.acts
    )
    customers = [turn for turn in turns if isinstance(turn, CustomerTurn)]
    labels = [turn.label for turn in customers]
    label = (min(labels) if min(labels) < 0 else max(labels)) if labels else 0
    cores = next((turn.cores for turn in customers if turn.label == label == -1), ())
    return Truth(acts, bool(hollow & set(group)), label, cores, any(turn.urgent for turn in customers))


def customers(call: Call) -> Iterator[int]:
    """The numbers of the customer's turns."""
    return (turn.number for turn in call.turns if turn.role is Role.CUSTOMER)
