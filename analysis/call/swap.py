"""Whether the parties seem to be on each other's legs, judged by what is said at the start of a call. Pure.

Recorders sometimes label the customer's stream as the agent's, and then every alert of the call is about the wrong
person. Set phrases reveal it: whoever answers for a firm greets and asks for the reference; whoever called says what
it is about. This only warns; nothing is swapped automatically.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from analysis.turns.turn import Turn
from callbus import Role

FIRST_TURNS = 8
"""Turns of both parties: greeting, concern, identification. Later words say less about who is who."""
LEAST = 2
"""The other leg must have this many more phrases than their own: a single one is an echo or a joke."""


def _any(*phrases: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(phrases)})\b", re.IGNORECASE)


AGENTS = _any(
    r"thank(?:s| you) (?:(?:so|very) much )?for (?:calling|holding|ringing|contacting|your call)",
    r"(?:how|what) (?:can|may|could) (?:i|we) (?:help|assist|be of|do for you)",
    r"(?:can|may|could) i help you",
    r"speaking",
    r"welcome to",
    r"you(?:'re|'ve come| are| have come) through to",
    r"you(?:'ve| have) reached",
    r"(?:this|your) call (?:may|might|will|is|can) be(?:ing)? recorded",
    r"(?:care|services?|support|desk|helpline|bookings|reception) (?:this is|hello|good)",
    r"(?:can|may|could) i (?:just )?(?:have|take|get|start with|ask for) (?:your|the) (?:\w+ ){0,2}"
    r"(?:name|number|postcode|reference|address|account|details|surname|birth|email|registration|code)",
    r"(?:do|have) you (?:have|got) (?:your|the|a|an) (?:\w+ ){0,2}(?:number|reference|code)",
    r"what(?:'s| is) (?:your|the) (?:\w+ ){0,2}"
    r"(?:name|number|postcode|reference|surname|date of birth|email|address)",
    r"let me (?:just )?(?:pull|bring|look|check|see what|get that|find)",
    r"bear with me",
    r"(?:one|a) moment (?:please|while)",
    r"i can see (?:here|your|that|the|you)",
    r"(?:sorry )?to hear that",
    r"have you tried",
    r"when did you",
    r"you(?:'d| would) need to",
    r"is there anything else",
)
"""Phrases of the party that answers for a firm."""

CUSTOMERS = _any(
    r"(?:calling|ringing|phoning) (?:about|for|regarding) (?!your)",
    r"(?:calling|ringing|phoning) (?:because|to (?:ask|book|cancel|check|see|find|report|complain|change|query))",
    r"(?:it(?:'s| is) )?about my",
    r"it(?:'s| is) about the",
    r"cancel my",
    r"i(?:'d| would) like to (?:\w+ )?"
    r"(?:book|cancel|order|change|return|ask|know|complain|report|make|move|speak|query|pay)",
    r"i (?:want|need) to (?:\w+ )?(?:book|cancel|order|change|return|ask|know|complain|report|speak|talk|move|pay)",
    r"i just (?:want|wanted|need|thought)",
    r"i (?:wondered|wanted to)",
    r"i(?:'m| am| was) (?:just |only )?(?:wondering|hoping|trying to|after (?:a|some|the)|looking for)",
    r"i(?:'ve| have) (?:got )?an? (?:\w+ )?(?:question|problem|appointment|booking|query|complaint|issue)",
    r"i(?:'ve| have) (?:just |only |now |still )?"
    r"(?:been (?:waiting|charged|trying|on hold|told|billed|sent)|had an?|received)",
    r"i was told",
    r"i (?:ordered|bought|booked|received|paid|sent|dropped|rang|called)",
    r"i got (?:a|my|your) (?:letter|bill|message|text|card)",
    r"my (?:\w+ )?(?:order|account|bill|card|phone|router|internet|washing|boiler|car|appointment|booking|parcel)",
    r"my (?:\w+ )?(?:delivery|flight|policy|husband|wife|daughter|son|mother|mum|dad)",
    r"my (?:\w+ )?(?:name|number|reference) is",
    r"can you tell me",
)
"""Phrases of the party that called."""


def formulas(turns: Iterable[Turn]) -> tuple[int, int]:
    """How many set phrases in a call's first turns are on their own party's leg, and how many on the other's."""
    own = other = 0
    for turn in turns:
        if turn.number >= FIRST_TURNS or turn.role is Role.UNKNOWN:
            continue
        agents, customers = len(AGENTS.findall(turn.text)), len(CUSTOMERS.findall(turn.text))
        right, wrong = (agents, customers) if turn.role is Role.AGENT else (customers, agents)
        own, other = own + right, other + wrong
    return own, other


def suspected(turns: Iterable[Turn]) -> int:
    """How many phrases say that the parties are swapped; 0 if there is no reason to think so."""
    own, other = formulas(turns)
    return other if other >= own + LEAST else 0
