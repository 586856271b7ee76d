"""Metrics of the events a worker has committed."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from prometheus_client import Counter, Histogram

from analysis.call.analyst import JUDGED, NOT_JUDGED, Outcome
from analysis.call.succession import HANDOVERS, Step
from analysis.words.recognition import Recognition
from callbus import CallState, ShiftKind, Transcript, WrittenTurn
from callbus.messages.call import BRIDGE_LOST
from callbus.messages.wire import ForkEvent

log = logging.getLogger(__name__)

UTTERANCES = Counter(
    "callvane_utterances_analysed_total",
    "Utterances by outcome: transcribed, silence, hallucination, overload, error, repeated, duplicate, misnumbered.",
    ["outcome"],
)
WRITTEN = Counter(
    "callvane_written_turns_analysed_total",
    "Written turns by outcome: read, empty, overload, error, repeated, duplicate, misnumbered.",
    ["outcome"],
)
MISSING = Counter(
    "callvane_utterances_missing_total", "Utterances that never arrived, counted by gaps in their numbers."
)
HANDOVERS_MADE = Counter(
    "callvane_recording_handovers_total",
    "Times another recording of a call took over: the heard one closed, fell silent, or had closed before (resumed).",
    ["reason"],
)
TURNS_SCORED = Counter("callvane_turns_scored_total", "Scores given to customers' turns; a growing turn gets several.")
LANGUAGES = Counter(
    "callvane_call_languages_decided_total",
    "Calls whose language was decided, by whether the scorer can judge it: judged, not_judged.",
    ["outcome"],
)
SHIFTS = Counter("callvane_shifts_total", "Shifts found, by kind.", ["kind"])
ALERT_SECONDS = Histogram(
    "callvane_end_of_speech_to_alert_seconds",
    "Time from the end of the speech that raised an alert to its publication.",
    buckets=(0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.5, 2, 3, 5),
)
CALL_SECONDS = Histogram(
    "callvane_call_seconds",
    "Length of calls that ended, from their opening: their handle time without the work after it.",
    buckets=(30, 60, 120, 180, 240, 300, 420, 600, 900, 1_200, 1_800, 3_600, 7_200),
)
for _kind in ShiftKind:
    SHIFTS.labels(_kind)
for _decided in (JUDGED, NOT_JUDGED):
    LANGUAGES.labels(_decided)
for _reason in HANDOVERS:
    HANDOVERS_MADE.labels(_reason)


def count(event: ForkEvent, step: Step, recognition: Recognition | None, outcomes: Sequence[Outcome]) -> None:
    """Count an event: its effect on its call, what was heard in it, and the outcomes."""
    extra, is_written = {"call_id": event.call_id}, isinstance(event, WrittenTurn)
    if step.dropped or recognition or is_written:
        told = [each.dropped for outcome in outcomes for each in outcome.publications if isinstance(each, Transcript)]
        outcome_of, plain = (WRITTEN, "read") if is_written else (UTTERANCES, "transcribed")
        outcome_of.labels(step.dropped or "".join(told) or plain).inc()
    MISSING.inc(step.missing)
    if step.handover:
        HANDOVERS_MADE.labels(step.handover).inc()
        log.info("another recording of the call took over: %s", step.handover, extra=extra)
    for outcome in outcomes:
        for each in outcome.publications:
            if isinstance(each, CallState) and each.closed_at is not None and each.reason != BRIDGE_LOST:
                CALL_SECONDS.observe(max(0.0, each.closed_at - each.opened_at))
        TURNS_SCORED.inc(outcome.scored)
        if outcome.decided:
            LANGUAGES.labels(outcome.decided).inc()
        if alert := outcome.alert:
            SHIFTS.labels(alert.kind).inc()
            latency = max(0.0, time.time() - alert.spoken_at)
            if not is_written:  # whoever sends a message says when it was written, and may send old ones
                ALERT_SECONDS.observe(latency)
            log.info("%s at turn %d, %.2f s after it was said", alert.kind, alert.turn, latency, extra=extra)
