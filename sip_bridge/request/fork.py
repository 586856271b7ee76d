"""Reads a fork from its INVITE: its offer and, for a plain fork, the call that it names. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from callbus import Role
from sip_bridge.request import invite
from sip_bridge.request import naming as names
from sip_bridge.request.caller import number_in
from sip_bridge.request.invite import Invite
from sip_bridge.request.multipart import Message
from sip_bridge.request.naming import Naming
from sip_bridge.request.queue import queue_of
from sip_bridge.request.roles import AgentRules
from sip_bridge.request.vendors import Vocabulary


@dataclass(frozen=True, slots=True)
class Fork:
    """What is known of a fork before it is answered."""

    offer: Invite
    naming: Naming


class ForkReader:
    """Reads INVITEs as a bridge's settings for its PBXes say."""

    def __init__(
        self,
        rules: AgentRules,
        words: Vocabulary,
        plain_role: Role,
        join_header: str,
        role_header: str,
        caller_header: str = "",
    ) -> None:
        """`rules`: how agents are recognised. `words`: vendors' names. `plain_role`: role of a fork that names none.

        `join_header`, `role_header`, `caller_header`: headers with a plain fork's call id, role and caller; empty for
        none.
        """
        self._rules = rules
        self._words = words
        self._plain_role = plain_role
        self._join_header = join_header
        self._role_header = role_header
        self._caller_header = caller_header.lower()

    def naming(self, head: Message) -> Naming:
        """The call and role named in the INVITE's head; they apply only if the fork is a plain one."""
        return names.read(head, self._join_header, self._role_header, self._words)

    def read(self, raw: bytes, head: Message, naming: Naming) -> Fork:
        """Read the whole INVITE. `head`: from `multipart.read_head`. `naming`: from `naming(head)`."""
        offer = invite.read(raw, self._rules, self._plain_role, words=self._words, head=head)
        offer = replace(offer, queue=queue_of(head.uri))
        if offer.metadata_fault != "none":  # metadata takes precedence
            return Fork(offer, Naming())
        caller = next(iter(head.headers.get(self._caller_header, ())), "")
        offer = replace(offer, caller_named=number_in(caller))
        if len(offer.legs) > 1:  # one role cannot apply to several streams
            return Fork(offer, replace(naming, role=None))
        return Fork(offer, replace(naming, role=naming.role or self._plain_role))
