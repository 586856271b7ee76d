"""Who is the agent."""

from __future__ import annotations

import pytest

from callbus import Role
from sip_bridge.request.metadata import Participant
from sip_bridge.request.roles import AgentRules, agent_name, assign

CALLER = Participant("1", ("sip:+15550123@pstn.example",))
AGENT = Participant("2", ("sip:2001@pbx.example",), "Anna")
THIRD = Participant("3", ("sip:2002@pbx.example",))

PATTERN = AgentRules(uri_patterns=(r"@pbx\.example$",))
EXTENSION = AgentRules(extensions=("2001",))
CALLEE = AgentRules()
SIDE_UNKNOWN = AgentRules(side="unknown")


@pytest.mark.parametrize(
    ("participants", "rules", "roles"),
    [
        pytest.param([CALLER, AGENT], PATTERN, "customer agent", id="pattern"),
        pytest.param([AGENT, CALLER], PATTERN, "agent customer", id="pattern, agent first"),
        pytest.param([CALLER, AGENT], EXTENSION, "customer agent", id="extension"),
        pytest.param([AGENT, CALLER], EXTENSION, "agent customer", id="extension, agent first"),
        pytest.param([CALLER, AGENT, THIRD], PATTERN, "customer agent agent", id="two agents"),
        pytest.param([AGENT, THIRD], PATTERN, "customer agent", id="all match: by who called"),
        pytest.param([CALLER, AGENT], CALLEE, "customer agent", id="callee is the second"),
        pytest.param([CALLER, AGENT, THIRD], CALLEE, "customer agent unknown", id="three parties by order"),
        pytest.param([CALLER, AGENT], AgentRules(side="caller"), "agent customer", id="caller"),
        pytest.param(
            [Participant("1", calling=False), Participant("2", calling=True)], CALLEE, "agent customer", id="flag"
        ),
        pytest.param(
            [Participant("1", calling=False), Participant("2")], CALLEE, "agent customer", id="one negative flag"
        ),
        pytest.param(
            [Participant("1"), Participant("2", calling=True)], CALLEE, "agent customer", id="one positive flag"
        ),
        pytest.param([CALLER, AGENT], SIDE_UNKNOWN, "unknown unknown", id="nothing decides"),
        pytest.param([CALLER], CALLEE, "unknown", id="one party"),
        pytest.param([AGENT], EXTENSION, "agent", id="one party, an agent"),
        pytest.param([], PATTERN, "", id="nobody"),
    ],
)
def test_roles(participants: list[Participant], rules: AgentRules, roles: str) -> None:
    """Patterns and extensions decide where they tell the parties apart; else who called whom, as configured."""
    assert assign(participants, rules) == tuple(Role(word) for word in roles.split())


@pytest.mark.parametrize(
    ("participant", "name"),
    [
        pytest.param(AGENT, "Anna", id="display name"),
        pytest.param(THIRD, "2002", id="extension"),
        pytest.param(Participant("4", ("sip:ben@pbx.example",)), "ben", id="user part"),
        pytest.param(CALLER, "", id="a number is no name"),
        pytest.param(Participant("5", ("tel:+1-555-0123",), "+1 (555) 0123"), "", id="a number as display name"),
    ],
)
def test_agent_names(participant: Participant, name: str) -> None:
    """An agent goes by display name or user part, never by what may be a telephone number."""
    assert agent_name(participant) == name
