"""Dialogues as a second hand gets them: without any label, in an order that tells nothing."""

from __future__ import annotations

import random
from collections.abc import Sequence

from callbus import Role
from tools.labels.written import Dialogue


def blind(dialogues: Sequence[Dialogue], count: int | None = None) -> str:
    """Text in which each dialogue has a heading, and each turn its number, A or C for its party, and its words.

    The same dialogues always come in the same order. With a count, the first so many of that order.
    """
    chosen = sorted(dialogues, key=lambda one: one.hand.name)
    random.Random(1).shuffle(chosen)
    return "\n".join(_one(dialogue) for dialogue in chosen[:count])


def _one(dialogue: Dialogue) -> str:
    lines = [f"### {dialogue.hand.name} ({dialogue.industry}, {dialogue.channel})"]
    for number, (party, text) in enumerate(zip(dialogue.hand.parties, dialogue.texts, strict=True)):
        # Indented, no line of an e-mail looks like a turn.
        lines.append(f"{number} {'C' if party is Role.CUSTOMER else 'A'}: " + "\n    ".join(text.splitlines()))
    return "\n".join(lines) + "\n"
