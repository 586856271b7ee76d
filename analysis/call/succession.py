"""The effect of one recording's event on its call, which may have several recordings. Pure.

One recording is heard, the others wait. The next one takes over when the heard one closes, or is silent while another
speaks. A call that is over resumes if a recording of it opens soon after. So a call sees one sequence of events, with
one numbering and one clock, whichever bridge recorded it.

`at` is always the time at which Redis received the event, in Unix seconds: one clock for all bridges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from analysis.call.recording_state import Recording, Recordings, in_call
from analysis.call.written import Wrote, wrote
from analysis.turns.turn import party_of
from callbus import CallClosed, CallEvent, CallOpened, Leg, Role, Utterance, WrittenTurn
from callbus.messages.call import BRIDGE_LOST
from callbus.messages.wire import ForkEvent

RESUME_SECONDS = 60.0
"""A call resumes if a recording of it opens within this time after the last one closed."""
QUIET_SECONDS = 4.0
"""A waiting recording takes over if it has speech and the heard one has had none for this long."""
LEAST_SECONDS = 0.3
"""The rest of an utterance is not worth recognition below this length, once the part already heard is cut off."""
SAME_SECONDS = 1.0
"""A repeated opening whose time differs by less than this is of the same recording."""
PARTIES = 16
MOST_MISSING = 10_000
"""Utterances: hours of speech. A larger gap in the numbers means that one number is wrong."""

REPEATED = "repeated"
DUPLICATE = "duplicate"
MISNUMBERED = "misnumbered"
CLOSED, SILENT, RESUMED = HANDOVERS = "closed", "silent", "resumed"


@dataclass(frozen=True, slots=True)
class TakenOver:
    """Another recording of the call is heard from now on."""

    call_id: str
    at_seconds: float
    """Call time."""
    legs: tuple[Leg, ...]
    """Empty if unknown."""

    def names(self, before: Sequence[Leg]) -> dict[str, str]:
        """Maps the call's earlier leg ids to the current ones, where the roles identify them."""
        pairs = zip(_by_role(before), _by_role(self.legs), strict=True)
        return {old: new for old, new in pairs if old and new}


Told = ForkEvent | Wrote | TakenOver
"""What a call is told, in its own numbering and time."""


@dataclass(frozen=True, slots=True)
class Step:
    """The effect of one recording's event on its call."""

    recordings: Recordings
    """State after the event."""
    events: tuple[Told, ...] = ()
    """Events for the call; at most one utterance or written turn, always last."""
    is_new: bool = False
    """Whether a new call starts; state kept under its id then belongs to an earlier call."""
    dropped: str = ""
    """Why an utterance is not heard: `repeated`, `duplicate` (another recording has it) or `misnumbered`."""
    missing: int = 0
    """Utterances of the heard recording lost before this one."""
    handover: str = ""
    """Why another recording is heard from now on: one of HANDOVERS; empty if none takes over."""

    @property
    def is_over(self) -> bool:
        """Whether the call ends, unless a recording opens within RESUME_SECONDS. False if its bridge may return."""
        lost = any(isinstance(event, CallClosed) and event.reason == BRIDGE_LOST for event in self.events)
        return self.recordings.heard is None and not lost


def step(before: Recordings | None, event: ForkEvent, at: float) -> Step:
    """The recordings after an event of one of them, and its effect on the call."""
    if before and before.over_since is not None and at - before.over_since > RESUME_SECONDS:
        before = before if _returns(before, event) else None
    match event:
        case CallOpened():
            return _opened(before, event, at)
        case Utterance():
            return _said(before, event, at)
        case WrittenTurn():
            return _said(before, wrote(before, event, at), at)
        case CallEvent():
            return _told(before, event, at)
        case CallClosed():
            return _closed(before, event, at)


def _returns(before: Recordings, event: ForkEvent) -> bool:
    """Whether an event belongs to a recording that was given up: its bridge was only cut off, however long."""
    own = before.find(event.recording_id) if event.recording_id else None
    return own is not None and own.given_up and not (isinstance(event, CallOpened) and _is_renewed(own, event))


def _is_renewed(known: Recording, event: CallOpened) -> bool:
    """Whether a repeated opening is of a new recording, by a bridge that has opened the id before."""
    return not known.met_midway and abs(known.opened_at - event.opened_at) >= SAME_SECONDS


def _opened(before: Recordings | None, event: CallOpened, at: float) -> Step:
    known = next((each for each in before.known if each.recording_id == event.recording_id), None) if before else None
    renewed = known is not None and _is_renewed(known, event)
    if before is None or (renewed and before.heard):
        first = Recording(event.recording_id, event.opened_at, legs=event.legs, number_offset=0)
        return Step(Recordings(event.opened_at, at, (first,)), (event,), is_new=True)
    if known is None or renewed:  # a bridge reopens an id only for the same call, after it ended
        offset = before.offset(event.opened_at, at)
        return _joined(before, Recording(event.recording_id, event.opened_at, offset, event.legs), event.call_id, at)
    renamed = replace(known, opened_at=event.opened_at, legs=event.legs, met_midway=False)
    if known.given_up:
        return _joined(before, replace(renamed, is_open=True, given_up=False), event.call_id, at)
    after = before.put(renamed)
    if known != before.heard:
        return Step(after)
    if known.met_midway and known.opened_at == before.opened_at:
        after = replace(after, opened_at=event.opened_at)
    return Step(after, (replace(event, opened_at=after.opened_at),))


def _said(before: Recordings | None, event: Utterance | Wrote, at: float) -> Step:
    opened_at = max(0.0, event.ended_at - event.end_seconds)
    begun = Step(before or _midway(event.recording_id, opened_at, at - event.end_seconds), is_new=before is None)
    own = begun.recordings.find(event.recording_id)
    if own and (expected := own.next_sequence) is not None:
        if event.sequence - expected > MOST_MISSING:
            return replace(begun, dropped=MISNUMBERED)
        if event.sequence < expected - MOST_MISSING:  # the number accepted before was wrong
            own = replace(own, next_sequence=None, number_offset=None)
            begun = replace(begun, recordings=begun.recordings.put(own))
        elif event.sequence < expected:
            return replace(begun, dropped=REPEATED)
    if own is None:
        offset = begun.recordings.offset(opened_at, at - event.end_seconds)
        own = Recording(event.recording_id, opened_at, offset, met_midway=True)
        begun = _joined(begun.recordings, own, event.call_id, at)
    elif not own.is_open:
        own = replace(own, is_open=True, given_up=False)
        begun = _joined(begun.recordings, own, event.call_id, at)
    now, since = begun.recordings, begun.recordings.unanswered_since
    if now.known[0].recording_id != own.recording_id:
        if since is None or at - since < QUIET_SECONDS:
            own = replace(own, next_sequence=event.sequence + 1)
            return Step(replace(now.put(own), unanswered_since=at if since is None else since), dropped=DUPLICATE)
        begun = _taken_over(now, own, event.call_id, own.offset_seconds + event.start_seconds, SILENT)
    return _heard(begun, event)


def _heard(begun: Step, event: Utterance | Wrote) -> Step:
    """An utterance of the heard recording, added to the effects of its arrival."""
    now, own = begun.recordings, begun.recordings.known[0]
    party = party_of(event.leg_id, event.role)
    shift = now.next_number - event.sequence if own.number_offset is None else own.number_offset
    missing = 0 if own.next_sequence is None else event.sequence - own.next_sequence
    placed = _placed(event, own.offset_seconds, now.covered.get(party, 0.0))
    now = replace(now, unanswered_since=None)
    if placed is None:  # the next one gets its number
        own = replace(own, next_sequence=event.sequence + 1, number_offset=shift - 1)
        return replace(begun, recordings=now.put(own), dropped=DUPLICATE, missing=missing)
    now = now.put(replace(own, next_sequence=event.sequence + 1, number_offset=shift))
    end = placed.end_seconds
    spoken = now.spoken
    if party in spoken or len(spoken) < PARTIES:
        spoken = {**spoken, party: max(end, spoken.get(party, 0.0))}
    number = event.sequence + shift
    now = replace(now, next_number=number + 1, latest_seconds=max(now.latest_seconds, end), spoken=spoken)
    heard = replace(placed, sequence=number)
    return replace(begun, recordings=now, events=(*begun.events, heard), missing=missing)


def _told(before: Recordings | None, event: CallEvent, at: float) -> Step:
    if before is None:
        began_at = max(0.0, at - event.at_seconds)
        return Step(_midway(event.recording_id, began_at, began_at), (event,), is_new=True)
    own = before.find(event.recording_id)
    if own is None or own != before.heard:
        return Step(before)
    offset, condition = own.offset_seconds, event.condition
    condition = replace(condition, since_seconds=in_call(offset + condition.since_seconds))
    return Step(before, (replace(event, at_seconds=in_call(offset + event.at_seconds), condition=condition),))


def _closed(before: Recordings | None, event: CallClosed, at: float) -> Step:
    if before is None:
        opened_at = max(0.0, event.closed_at - event.duration_seconds)
        unknown = _midway(event.recording_id, opened_at, at - event.duration_seconds)
        return replace(_closed(unknown, event, at), is_new=True)
    own = before.find(event.recording_id)
    if own is None or not own.is_open:
        return Step(before)
    position = in_call(own.offset_seconds + event.duration_seconds)
    others = tuple(each for each in before.known if each is not own)
    closed = replace(own, is_open=False, given_up=event.reason == BRIDGE_LOST)
    if own != before.heard:
        return Step(before.put(closed))
    if others and others[0].is_open:
        waiting, *rest = others
        return _taken_over(replace(before, known=(closed, waiting, *rest)), waiting, event.call_id, position, CLOSED)
    latest = max(before.latest_seconds, position)
    after = replace(before, known=(closed, *others), over_since=at, latest_seconds=latest, unanswered_since=None)
    return Step(after, (replace(event, duration_seconds=latest),))


def _joined(now: Recordings, recording: Recording, call_id: str, at: float) -> Step:
    """Add a recording: it waits, or it resumes a call that was over."""
    if now.heard is None:
        return _taken_over(now, recording, call_id, max(recording.offset_seconds, now.latest_seconds), RESUMED)
    since = at if now.unanswered_since is None and now.spoken else now.unanswered_since
    return Step(replace(now.put(recording), unanswered_since=since))


def _taken_over(now: Recordings, recording: Recording, call_id: str, at_seconds: float, reason: str) -> Step:
    return Step(now.led_by(recording), (TakenOver(call_id, at_seconds, recording.legs),), handover=reason)


def _midway(recording_id: str, opened_at: float, began_at: float) -> Recordings:
    """The recordings of a call whose opening was missed."""
    only = Recording(recording_id, opened_at, number_offset=0, met_midway=True)
    return Recordings(opened_at, began_at, (only,))


def _placed(event: Utterance | Wrote, offset: float, covered: float) -> Utterance | Wrote | None:
    """An utterance or written turn in call time, without what another recording covered; None if little is left."""
    start, end = in_call(offset + event.start_seconds), in_call(offset + event.end_seconds)
    cut = covered - start
    if cut <= 0 or isinstance(event, Wrote):
        return replace(event, start_seconds=start, end_seconds=end) if offset else event
    if end - covered < LEAST_SECONDS:
        return None
    pcm = event.pcm[2 * round(cut * event.sample_rate_hz) :]
    return replace(event, start_seconds=covered, end_seconds=end, pcm=pcm)


def _by_role(legs: Sequence[Leg]) -> list[str]:
    """The leg id of each known role; empty if the role has none or several."""
    of_role = ([leg.leg_id for leg in legs if leg.role is role] for role in (Role.CUSTOMER, Role.AGENT))
    return [ids[0] if len(ids) == 1 else "" for ids in of_role]
