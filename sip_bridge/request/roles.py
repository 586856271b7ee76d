"""Decides which participant is the agent. Pure.

The operator's address patterns and extensions decide first, then who called whom.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from callbus import Role
from sip_bridge.request.metadata import Participant, user_of

_NUMBER = re.compile(r"\+?[\d.()\s-]{7,}")
"""Matches what may be a person's telephone number, which must not be passed on as a name."""


@dataclass(frozen=True, slots=True)
class AgentRules:
    """How agents are recognised."""

    uri_patterns: tuple[str, ...] = ()
    """Regular expressions, searched in the address."""
    extensions: tuple[str, ...] = ()
    """User parts of agents' addresses."""
    side: Literal["caller", "callee", "unknown"] = "callee"
    """Which party is the agent if the rules above do not decide."""


def assign(participants: Sequence[Participant], rules: AgentRules) -> tuple[Role, ...]:
    """The role of each participant, in the same order."""
    known = [_is_agent(participant, rules) for participant in participants]
    if any(known) and not all(known):
        return tuple(Role.AGENT if agent else Role.CUSTOMER for agent in known)
    if rules.side == "unknown" or len(participants) < 2:
        only = Role.AGENT if all(known) and known else Role.UNKNOWN
        return (only,) * len(participants)
    caller = _caller(participants)
    callee = 1 if caller == 0 else 0
    agent, customer = (caller, callee) if rules.side == "caller" else (callee, caller)
    roles = [Role.UNKNOWN] * len(participants)
    roles[agent], roles[customer] = Role.AGENT, Role.CUSTOMER
    return tuple(roles)


def agent_name(participant: Participant) -> str:
    """An agent's display name, else user part; never a telephone number."""
    for name in (participant.name, *map(user_of, participant.aors)):
        if name and not _NUMBER.fullmatch(name):
            return name[:128]
    return ""


def _is_agent(participant: Participant, rules: AgentRules) -> bool:
    if any(user in rules.extensions for user in participant.users):
        return True
    return any(re.search(pattern, aor) for pattern in rules.uri_patterns for aor in participant.aors)


def _caller(participants: Sequence[Participant]) -> int:
    """Index of the caller: the one the metadata names, else the first."""
    for index, participant in enumerate(participants):
        if participant.calling:
            return index
    # Only one side may be flagged: if the first one did not call, the second one did.
    return 1 if participants[0].calling is False else 0
