"""Repeated text on real chats: MAIA's agents, of whose sentences people said which come from a template.

The chats are taken in their order, and what is said in one is learnt when it is said, as in a worker that has just
begun. A turn is true if half of its sentences or more are from a template.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from analysis.practice.repeated import Repeats, counts
from analysis.turns.turn import Turn
from bench.practice.signals import Measured, found
from callbus import Role

REPEATED = "repeated"
INBOUND = "inbound"
"""The customer's."""

Judged = tuple[float, bool, int]
"""The share that other chats have, whether the turn is true, and its chat."""


def repeated(folder: Path) -> Measured:
    """The signal's figures. Raises OSError, ValueError, KeyError, TypeError for files that are not MAIA's."""
    chats = [chat for path in sorted(folder.glob("*.json")) for chat in json.loads(path.read_text("utf-8"))]
    repeats = Repeats(b"of no secret")
    rows = [row for number, chat in enumerate(chats) for row in _judged(repeats, number, chat)]
    return found(REPEATED, rows, len(chats))


def _judged(repeats: Repeats, number: int, chat: dict[str, Any]) -> Iterator[Judged]:
    turns: list[Turn] = []
    for is_customer, group in groupby(chat["turns"], key=lambda one: one["floor"] == INBOUND):
        messages = list(group)
        text = " ".join(sentence for one in messages for sentence in one["text_src"])
        role = Role.CUSTOMER if is_customer else Role.AGENT
        turn = Turn(len(turns), role.value, role, text, 0.0, 0.0, 1.0, 1)
        flags = [flag for one in messages for flag in one["Templated"]]
        if role is Role.AGENT:
            share = 0.0
            if counts(turn, turns):
                share = repeats.elsewhere(text, chat["id"], number).share
                repeats.learn(text, chat["id"], number)
            if flags:
                yield share, 2 * sum(flags) >= len(flags), number
        turns.append(turn)
