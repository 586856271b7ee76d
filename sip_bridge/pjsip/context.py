"""What all dialogs of a bridge have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sip_bridge.admission.admission import Admission
from sip_bridge.calls.feeds import Feeds
from sip_bridge.request.roles import AgentRules
from sip_bridge.request.vendors import Vocabulary
from sip_bridge.settings import BridgeSettings


@dataclass(frozen=True, slots=True)
class DialogContext:
    """Shared by all dialogs. Belongs to the library's thread."""

    settings: BridgeSettings
    rules: AgentRules
    """How agents are recognised."""
    words: Vocabulary
    """Vendors' names for headers and elements."""
    admission: Admission
    feeds: Feeds
    later: Callable[[Callable[[], None]], None]
    """Schedules a function that must not run within a callback of the library."""
    forget: Callable[[int], None]
    """Drops the ended dialog with this number, once its callback has returned."""
