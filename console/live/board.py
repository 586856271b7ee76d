"""The board: the calls and alerts now shown on the page. Pure: no I/O, the clock is passed in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from callbus import Alert, CallState, Debrief, Phase, Transcript
from callbus.messages.call import BRIDGE_LOST
from callbus.messages.load import AgentLoad
from callbus.messages.wire import Publication, encode_publication
from console.settings import ConsoleSettings

LOST_SECONDS = 25.0
"""A call that Redis has not known for this long has ended. After a loss of data, bridges first report their calls."""


@dataclass(slots=True)
class ShownCall:
    """A call with the latest words of each leg."""

    state: CallState
    heard_at: float
    """Unix seconds of its latest message."""
    words: dict[str, Transcript] = field(default_factory=dict)
    load: AgentLoad | None = None
    """Its agent's; None if it is not known."""
    written: CallState | None = None
    """The latest state from the stream, once the board has found out by itself that the call was over."""

    @property
    def is_lost(self) -> bool:
        """Whether the board shows an end that is in no stream."""
        return self.written is not None and self.state is not self.written


class Board:
    """Bounded: `max_calls` calls (evicts the one heard longest ago), `alerts_kept` alerts (evicts the oldest).

    A call's states are taken in the order given, which must be that of their stream: workers' clocks differ, so
    `updated_at` says nothing about which is newer. A repeated message changes nothing, nor do late words.
    """

    def __init__(self, settings: ConsoleSettings) -> None:
        self._settings = settings
        self._gone: list[str] = []
        self._absent: dict[str, float] = {}
        """Calls that Redis does not know, and since when."""
        self.calls: dict[str, ShownCall] = {}
        self.alerts: dict[str, Alert] = {}
        """By id, oldest first."""

    def take(self, message: Publication, now: float) -> bool:
        """Put `message` on the board; False if it changes nothing."""
        match message:
            case Alert():
                return self._take_alert(message)
            case CallState():
                return self._take_state(message, now)
            case Transcript():
                return self._take_words(message, now)
            case Debrief():
                return False

    def sweep(self, now: float) -> None:
        """Remove calls that ended a while ago, and calls silent for hours."""
        for call_id, call in list(self.calls.items()):
            closed_at = call.state.closed_at
            ended = closed_at is not None and now - closed_at > self._settings.ended_seconds
            if ended or now - call.heard_at > self._settings.silent_hours * 3_600:
                self._remove(call_id)

    def going_on(self) -> list[str]:
        """The calls that Redis should know: active ones, and those that `reconcile` has ended."""
        return [call_id for call_id, call in self.calls.items() if call.state.phase is Phase.ACTIVE or call.is_lost]

    def reconcile(self, absent: Collection[str], now: float) -> list[CallState]:
        """End the calls of `going_on` that have been absent from Redis for a while: their ends were lost.

        One that is there again goes on. Returns the states that have changed.
        """
        changed: list[CallState] = []
        self._absent = {call_id: self._absent.get(call_id, now) for call_id in absent}
        for call_id in self.going_on():
            call = self.calls[call_id]
            if call.written is not None and call.is_lost:
                if call_id in absent:
                    continue
                call.state = call.written
            elif now - max(self._absent.get(call_id, now), call.heard_at) > LOST_SECONDS:
                call.written = call.state
                call.state = replace(call.state, phase=Phase.ENDED, closed_at=now, reason=BRIDGE_LOST)
            else:
                continue
            changed.append(call.state)
        return changed

    def bear(self, loads: Mapping[str, AgentLoad]) -> dict[str, AgentLoad | None]:
        """Put the agents' loads on their calls. Returns those that have changed, by call."""
        changed: dict[str, AgentLoad | None] = {}
        for call_id, call in self.calls.items():
            if call.load != (load := loads.get(call_id)):
                changed[call_id] = call.load = load
        return changed

    def trust(self) -> None:
        """Count no call as absent any more: Redis was away, and bridges have yet to report their calls."""
        self._absent.clear()

    def found_out(self) -> list[CallState]:
        """The states that differ, or have differed, from the stream's latest."""
        return [call.state for call in self.calls.values() if call.written is not None]

    def gone(self) -> list[str]:
        """Calls removed since the last call of this method."""
        gone, self._gone = self._gone, []
        return gone

    def calls_json(self) -> list[Any]:
        """Each call as `{"state": call_state, "words": [transcript, ...], "load": agent_load}`, in wire form."""
        return [
            {"state": _raw(call.state), "words": [_raw(words) for words in call.words.values()], "load": call.load}
            for call in self.calls.values()
        ]

    def alerts_json(self) -> list[Any]:
        """The alerts in wire form, newest first."""
        return [_raw(alert) for alert in reversed(self.alerts.values())]

    def _take_alert(self, alert: Alert) -> bool:
        if alert.alert_id in self.alerts:
            return False
        self.alerts[alert.alert_id] = alert
        if len(self.alerts) > self._settings.alerts_kept:
            del self.alerts[next(iter(self.alerts))]
        return alert.alert_id in self.alerts

    def _take_state(self, state: CallState, now: float) -> bool:
        known = self.calls.get(state.call_id)
        if known is not None:
            if state == known.state:
                return False
            known.state, known.heard_at, known.written = state, now, None
            return True
        if state.closed_at is not None and now - state.closed_at > self._settings.ended_seconds:
            return False
        if len(self.calls) >= self._settings.max_calls:
            self._remove(min(self.calls, key=lambda call_id: self.calls[call_id].heard_at))
        self.calls[state.call_id] = ShownCall(state, now)
        return True

    def _take_words(self, words: Transcript, now: float) -> bool:
        call = self.calls.get(words.call_id)
        if call is None:
            return False
        call.heard_at = now
        known = call.words.get(words.leg_id)
        if known is not None and words.sequence <= known.sequence:
            return False
        if words.text or words.dropped in ("overload", "error"):
            if len(call.words) >= 16 and words.leg_id not in call.words:
                del call.words[next(iter(call.words))]
            call.words[words.leg_id] = words
        return True

    def _remove(self, call_id: str) -> None:
        del self.calls[call_id]
        self._gone.append(call_id)


def _raw(message: Publication) -> msgspec.Raw:
    return msgspec.Raw(encode_publication(message))
