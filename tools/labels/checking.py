"""What is wrong in a labeller's file, and what is in it, be it a writer's own, a second hand's or a settled one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tools.labels.hand import AgentTurn, CustomerTurn, LabelError, Labelled
from tools.labels.hollow import hollow, is_hollow
from tools.labels.second import labelled, line
from tools.labels.written import Dialogue, dialogue

WORDS_BY_CHANCE = 5
"""Two turns may share as many words without one being copied from the other."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A file, checked."""

    hands: tuple[Labelled, ...]
    """The labels of each dialogue without a fault."""
    faults: tuple[str, ...]
    """One line each, beginning with the line's number."""
    hollow: Mapping[str, tuple[int, ...]]
    """The hollow turns of each dialogue, in a file of those."""


def check(records: Iterable[tuple[int, object]], known: Mapping[str, Dialogue]) -> Checked:
    """Check each line as a writer's if it has a text, and otherwise as a second hand's of a known dialogue.

    A line with `hollow` in place of the turns is checked as that.
    """
    hands: list[Labelled] = []
    turns: dict[str, tuple[int, ...]] = {}
    faults: list[str] = []
    said: Counter[str] = Counter()
    names: Counter[str] = Counter()
    for number, record in records:
        try:
            if _has_text(record):
                mine = dialogue(record)
                said.update(_plain(text) for text in mine.texts)
                hands.append(mine.hand)
                name = mine.hand.name
            elif is_hollow(record):
                name, turns[name] = hollow(record, known)
            else:
                given = line(record)
                if given.name not in known:
                    raise LabelError([f"no dialogue {given.name!r}"])
                hands.append(labelled(given, known[given.name].hand.parties))
                name = given.name
        except LabelError as error:
            faults += [f"line {number}: {fault}" for fault in error.faults]
            continue
        names[name] += 1
        if names[name] == 2:
            faults.append(f"line {number}: the id {name!r} occurs twice")
    faults += [
        f"said {times} times: {text}"
        for text, times in said.items()
        if times > 1 and len(text.split()) > WORDS_BY_CHANCE
    ]
    return Checked(tuple(hands), tuple(faults), turns)


def summary(checked: Checked) -> str:
    """One line of counts."""
    if checked.hollow:
        return f"{len(checked.hollow)} dialogues, {sum(map(len, checked.hollow.values()))} hollow turns"
    hands = checked.hands
    turns = [turn for hand in hands for turn in hand.turns]
    customers = [turn for turn in turns if isinstance(turn, CustomerTurn)]
    acts = Counter(act for turn in turns if isinstance(turn, AgentTurn) for act in sorted(turn.acts))
    calm = sum(all(turn.label >= 0 for turn in hand.turns if isinstance(turn, CustomerTurn)) for hand in hands)
    openings = Counter(hand.opening for hand in hands if hand.opening)
    return (
        f"{len(hands)} dialogues, {calm} calm; {len(customers)} customer turns, "
        f"{sum(turn.label == -1 for turn in customers)} unhappy, {sum(turn.label == 1 for turn in customers)} pleased, "
        f"{sum(turn.urgent for turn in customers)} urgent, {sum(turn.time_bound for turn in customers)} time-bound; "
        f"openings: {_counts(openings)}; acts: {_counts(acts)}"
    )


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common()) or "none"


def _has_text(record: object) -> bool:
    turns = record.get("turns") if isinstance(record, dict) else None
    return isinstance(turns, list) and any(isinstance(turn, dict) for turn in turns)


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", "", text.lower()).split())
