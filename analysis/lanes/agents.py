"""Tells Redis how agents' calls begin and end, by a keyed hash of the agent's name. A fault here costs no call."""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from collections.abc import Sequence

import msgspec

from analysis.call.conversation import Conversation
from analysis.call.succession import Told
from analysis.practice.load import LoadRules, Work, began, ended, suggestion
from analysis.settings import LoadSection
from callbus import CallClosed, CallOpened, Leg, Mood, Role
from callbus.contact_settings import LEAST_KEY_BYTES
from callbus.messages.load import AgentLoad
from callbus.redis.loads import Loads
from service.faults import survived
from service.secret import secret
from service.settings import ConfigError

HASH_BYTES = 16
FAULT = "load"

log = logging.getLogger(__name__)


def load_key(section: LoadSection) -> bytes:
    """The key; empty if nobody's load is kept. Raises ConfigError, which does not repeat it."""
    key = secret(section.key, section.key_file, "load.key").encode()
    if key and len(key) < LEAST_KEY_BYTES:
        raise ConfigError(f"load.key_file: the key has fewer than {LEAST_KEY_BYTES} bytes; use a longer one")
    return key


def is_hard(call: Conversation) -> bool:
    """Whether it is a hard call by its customer: worsened to an interruption, or upset still."""
    upset = (Mood.WORSENED, Mood.ARRIVED_UPSET)
    return call.is_judged and (call.interrupted or any(party.now.mood in upset for party in call.parties.values()))


def load_rules(section: LoadSection) -> LoadRules:
    """When something is suggested."""
    return LoadRules(section.hard_calls_in_a_row, section.minutes_without_pause, section.pause_minutes)


class Agents:
    """Belongs to one event loop."""

    def __init__(self, loads: Loads, key: bytes, rules: LoadRules) -> None:
        """`key`: secret, without which no hash tells whose it is."""
        self._loads = loads
        self._key = key
        self._rules = rules

    async def tell(self, events: Sequence[Told], call: Conversation | None) -> None:
        """After a call's beginning or end. `call`: as it is then."""
        try:
            for event in events:
                agent = _agent(call.legs) if call else ""
                if call and agent and isinstance(event, CallOpened | CallClosed):
                    await self._change(event, call, agent)
        except Exception:
            survived(FAULT, log, call.call_id if call else "")

    async def _change(self, event: CallOpened | CallClosed, call: Conversation, agent: str) -> None:
        now, named, hard = time.time(), self._hash(f"call {call.call_id}"), is_hard(call)

        def after(known: bytes) -> tuple[bytes, AgentLoad]:
            work = _read(known)
            if isinstance(event, CallOpened):
                work = began(work, named, now, self._rules)
            else:
                work = ended(work, named, now, call.opened_at, hard=hard)
            shown = AgentLoad(work.hard_calls, max(0.0, work.since), suggestion(work, now, self._rules))
            return msgspec.json.encode(work), shown

        await self._loads.change(self._hash(f"agent {agent}"), call.call_id, after)

    def _hash(self, text: str) -> str:
        return hmac.digest(self._key, text.encode(errors="replace"), hashlib.sha256)[:HASH_BYTES].hex()


def _agent(legs: Sequence[Leg]) -> str:
    """The name of a call's agent, if the PBX tells it. Where there are several, nobody knows whose call it is."""
    names = {leg.name.strip().casefold() for leg in legs if leg.role is Role.AGENT}
    return names.pop() if len(names) == 1 else ""


def _read(known: bytes) -> Work | None:
    """None for nothing, and for what another Callvane or a stranger wrote."""
    try:
        return msgspec.json.decode(known, type=Work) if known else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
