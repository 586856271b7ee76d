"""Whether the parties seem to be on each other's legs, judged by what is said at the start of a call. Pure.

Recorders sometimes label the customer's stream as the agent's, and then every alert of the call is about the wrong
person. Set phrases reveal it: whoever answers for a firm greets and asks for the reference; whoever called says what
it is about. This only warns; nothing is swapped automatically.
"""

from __future__ import annotations

from collections.abc import Iterable

from analysis.languages.folding import folded
from analysis.languages.lexicon import Lexicon, shipped
from analysis.turns.turn import Turn
from callbus import Role

FIRST_TURNS = 8
"""Turns of both parties: greeting, concern, identification. Later words say less about who is who."""
LEAST = 2
"""The other leg must have this many more phrases than their own: a single one is an echo or a joke."""


def formulas(turns: Iterable[Turn], lexicon: Lexicon | None = None) -> tuple[int, int]:
    """How many set phrases in a call's first turns are on their own party's leg, and how many on the other's.

    `lexicon`: of the call's language; without one, the shipped English one.
    """
    parties = (lexicon or shipped()).parties
    if parties.keys() < {"agent", "customer"}:
        return 0, 0
    own = other = 0
    for turn in turns:
        if turn.number >= FIRST_TURNS or turn.role is Role.UNKNOWN:
            continue
        agents, customers = (len(parties[name].findall(folded(turn.text))) for name in ("agent", "customer"))
        right, wrong = (agents, customers) if turn.role is Role.AGENT else (customers, agents)
        own, other = own + right, other + wrong
    return own, other


def suspected(turns: Iterable[Turn], lexicon: Lexicon | None = None) -> int:
    """How many phrases say that the parties are swapped; 0 if there is no reason to think so."""
    own, other = formulas(turns, lexicon)
    return other if other >= own + LEAST else 0
