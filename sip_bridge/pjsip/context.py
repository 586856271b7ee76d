"""What all dialogs of a bridge share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sip_bridge.admission.admission import Admission
from sip_bridge.calls.feed import Feeds
from sip_bridge.request.roles import AgentRules
from sip_bridge.request.vendors import Vocabulary
from sip_bridge.settings import BridgeSettings


@dataclass(frozen=True, slots=True)
class DialogContext:
    """Belongs to the library's thread."""

    settings: BridgeSettings
    rules: AgentRules
    """Who is an agent."""
    words: Vocabulary
    """What vendors write."""
    admission: Admission
    feeds: Feeds
    later: Callable[[Callable[[], None]], None]
    """Does something that may not be done within a callback of the library."""
    forget: Callable[[int], None]
    """Lets go of the ended dialog with this number, once its callback has returned."""
