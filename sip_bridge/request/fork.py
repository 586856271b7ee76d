"""A fork as its INVITE tells it: what it offers and, where it is a plain one, the call that it names. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from callbus import Role
from sip_bridge.request import invite
from sip_bridge.request import naming as names
from sip_bridge.request.invite import Invite
from sip_bridge.request.multipart import Message
from sip_bridge.request.naming import Naming
from sip_bridge.request.roles import AgentRules
from sip_bridge.request.vendors import Vocabulary


@dataclass(frozen=True, slots=True)
class Fork:
    """What is known of a fork before it is answered."""

    offer: Invite
    naming: Naming


class ForkReader:
    """Reads INVITEs, by what a bridge knows of its PBXes."""

    def __init__(
        self, rules: AgentRules, words: Vocabulary, plain_role: Role, join_header: str, role_header: str
    ) -> None:
        """`rules`: who is an agent. `words`: what vendors write. `plain_role`: whose voice a fork carries that does not
        say so. The headers are those that a plain fork names its call and its voice by.
        """
        self._rules = rules
        self._words = words
        self._plain_role = plain_role
        self._join_header = join_header
        self._role_header = role_header

    def naming(self, head: Message) -> Naming:
        """What the INVITE's head says of its call: right if the fork turns out to be a plain one."""
        return names.read(head, self._join_header, self._role_header, self._words)

    def read(self, raw: bytes, head: Message, naming: Naming) -> Fork:
        """All of it. `head`: as `multipart.read_head`. `naming`: what that says."""
        offer = invite.read(raw, self._rules, self._plain_role, words=self._words, head=head)
        if offer.metadata_fault != "none":  # metadata says it better
            return Fork(offer, Naming())
        if len(offer.legs) > 1:  # one word cannot tell several streams apart
            return Fork(offer, replace(naming, role=None))
        return Fork(offer, replace(naming, role=naming.role or self._plain_role))
