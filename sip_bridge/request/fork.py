"""A fork as its INVITE tells it: what it offers and, where it is a plain one, the call that it names. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sip_bridge.request import invite
from sip_bridge.request import naming as names
from sip_bridge.request.invite import Invite
from sip_bridge.request.multipart import Message
from sip_bridge.request.naming import Naming
from sip_bridge.request.roles import AgentRules
from sip_bridge.request.vendors import Vocabulary
from sip_bridge.settings import BridgeSettings


@dataclass(frozen=True, slots=True)
class Fork:
    """What is known of a fork before it is answered."""

    offer: Invite
    naming: Naming


class ForkReader:
    """Reads INVITEs as a bridge's settings say."""

    def __init__(self, settings: BridgeSettings, rules: AgentRules, words: Vocabulary) -> None:
        """`words`: what vendors write."""
        self._settings = settings
        self._rules = rules
        self._words = words

    def naming(self, head: Message) -> Naming:
        """What the INVITE's head says of its call: right if the fork turns out to be a plain one."""
        settings = self._settings
        return names.read(head, settings.join_header, settings.role_header, self._words)

    def read(self, raw: bytes, head: Message, naming: Naming) -> Fork:
        """All of it. `head`: as `multipart.read_head`. `naming`: what that says."""
        offer = invite.read(raw, self._rules, self._settings.plain_role, words=self._words, head=head)
        if offer.metadata_fault != "none":  # metadata says it better
            return Fork(offer, Naming())
        if len(offer.legs) > 1:  # one word cannot tell several streams apart
            return Fork(offer, replace(naming, role=None))
        return Fork(offer, replace(naming, role=naming.role or self._settings.plain_role))
