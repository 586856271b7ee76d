"""What is over in recording metadata, and what stands: sessions, who takes part, who speaks in which stream. Pure.

A snapshot may list what has been beside what is (RFC 7865 section 6): the agent before a transfer is still there, with
the time when it left. Such an association does not count, unless it was taken up again later.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from sip_bridge.elements import Document, Element

_ENDS = ("disassociate-time", "stop-time", "end-time")
_BEGINNINGS = ("associate-time", "start-time")


def is_over(owner: Element) -> bool:
    """Whether a session, an association or a participant has an end, and no beginning after it."""
    ended = _time(owner, _ENDS)
    if not ended:
        return False
    begun, over = _moment(_time(owner, _BEGINNINGS)), _moment(ended)
    return begun is None or over is None or begun <= over


def ended_sessions(document: Document) -> set[str]:
    """The ids of sessions that are over; none where no other one goes on."""
    listed = {identity(session, "session_id") for session in document.named("session")}
    over = {identity(session, "session_id") for session in document.named("session") if is_over(session)}
    over |= {_session(each) for each in document.named("sessionrecordingassoc") if is_over(each)}
    return over if listed - over else set()


def left(document: Document) -> set[str]:
    """The ids of participants that have left."""
    ended = ended_sessions(document)
    gone = {identity(each, "participant_id") for each in document.named("participant") if is_over(each)}
    there: set[str] = set()
    for each in document.named("participantsessionassoc"):
        over = is_over(each) or _session(each) in ended
        (gone if over else there).add(participant_of(each))
    return gone - there


def sends(document: Document) -> Iterator[tuple[str, str, bool]]:
    """Participant and stream, by their ids, of all that says who speaks where; and whether that is over."""
    # The association is an element of its own, or stands within the participant (AudioCodes's legacy form).
    for owner in document.named("participantstreamassoc", "participant"):
        over = is_over(owner)
        for send in owner.inner:
            if send.name == "send":
                # BroadWorks writes the id as an element within.
                stream = send.said or (send.child.said if send.child else "")
                yield participant_of(owner), stream, over


def labels(document: Document) -> dict[str, str]:
    """The label of each stream by its id, without those of sessions that are over."""
    ended = ended_sessions(document)
    found = {}
    for stream in document.named("stream"):
        label = next((each.said for each in stream.inner if each.name == "label"), "")
        if label and _session(stream) not in ended:
            found[identity(stream, "stream_id")] = label
    return found


def session_id(document: Document) -> str:
    """The id of the session that goes on, else of the first that has one."""
    ended = ended_sessions(document)
    found = [name for session in document.named("session") if (name := identity(session, "session_id"))]
    return next((name for name in found if name not in ended), found[0] if found else "")


def group(document: Document) -> str:
    """The id of the group of the session that goes on, else of the first group that does."""
    ended = ended_sessions(document)
    for session in document.named("session"):
        if identity(session, "session_id") not in ended:
            named = (each.said for each in session.inner if each.name == "group-ref")
            if found := next(named, "") or session.attribute("group-ref") or session.attribute("group_id"):
                return found
    going_on = (each for each in document.named("group") if not is_over(each))
    return next((name for each in going_on if (name := identity(each, "group_id"))), "")


def identity(element: Element, name: str) -> str:
    """An element's id, written `name` or plain `id`."""
    return element.attribute(name) or element.attribute("id")


def participant_of(owner: Element) -> str:
    """The id of the participant that an association or a participant is about."""
    if found := identity(owner, "participant_id"):
        return found
    return next((identity(each, "participant_id") for each in _around(owner) if each.name == "participant"), "")


def _around(element: Element) -> Iterator[Element]:
    while element.parent:
        element = element.parent
        yield element


def _session(element: Element) -> str:
    return element.attribute("session_id") or element.attribute("session")


def _time(owner: Element, names: tuple[str, ...]) -> str:
    own = (each.said for each in owner.inner if each.parent is owner and each.name in names)
    return next(filter(None, own), "")


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
