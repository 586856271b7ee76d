"""Which sessions, participants and senders in recording metadata are current, and which have ended. Pure.

A snapshot may list past associations next to current ones (RFC 7865 section 6): the agent before a transfer is still
there, with the time when it left. Such an association does not count, unless it was resumed later.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from sip_bridge.request.elements import Document, Element

_ENDS = ("disassociate-time", "stop-time", "end-time")
_BEGINNINGS = ("associate-time", "start-time")


class Associations:
    """The associations in a document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._ended = _ended_sessions(document)

    @property
    def session_id(self) -> str:
        """The id of the current session, else of the first session that has one."""
        found = [name for session in self._document.named("session") if (name := identity(session, "session_id"))]
        return next((name for name in found if name not in self._ended), found[0] if found else "")

    @property
    def group(self) -> str:
        """The id of the current session's group, else of the first current group."""
        for session in self._document.named("session"):
            if identity(session, "session_id") not in self._ended:
                named = (each.said for each in session.inner if each.name == "group-ref")
                if found := next(named, "") or session.attribute("group-ref") or session.attribute("group_id"):
                    return found
        going_on = (each for each in self._document.named("group") if not is_over(each))
        return next((name for each in going_on if (name := identity(each, "group_id"))), "")

    @property
    def labels(self) -> dict[str, str]:
        """The label of each stream, by stream id, without those of ended sessions."""
        found = {}
        for stream in self._document.named("stream"):
            label = next((each.said for each in stream.inner if each.name == "label"), "")
            if label and _session(stream) not in self._ended:
                found[identity(stream, "stream_id")] = label
        return found

    @property
    def left(self) -> set[str]:
        """The ids of participants that have left."""
        gone = {identity(each, "participant_id") for each in self._document.named("participant") if is_over(each)}
        there: set[str] = set()
        for each in self._document.named("participantsessionassoc"):
            over = _session(each) in self._ended or is_over(each)
            (gone if over else there).add(_participant(each))
        return gone - there

    def sends(self) -> Iterator[tuple[str, str, bool]]:
        """Every (participant id, stream id, whether it has ended) that says who speaks in which stream."""
        # The association is a separate element, or within the participant (AudioCodes's legacy form).
        for owner in self._document.named("participantstreamassoc", "participant"):
            participant, over = _participant(owner), is_over(owner)
            for send in owner.inner:
                if send.name == "send":
                    # BroadWorks writes the id as a child element.
                    yield participant, send.said or (send.child.said if send.child else ""), over


def is_over(owner: Element) -> bool:
    """Whether a session, association or participant has an end time and no later start time."""
    ended = _time(owner, _ENDS)
    if not ended:
        return False
    begun, over = _moment(_time(owner, _BEGINNINGS)), _moment(ended)
    return begun is None or over is None or begun <= over


def identity(element: Element, name: str) -> str:
    """An element's id, in the attribute `name` or plain `id`."""
    return element.attribute(name) or element.attribute("id")


def _ended_sessions(document: Document) -> set[str]:
    """The ids of ended sessions; empty if no other session is current."""
    listed = [(identity(session, "session_id"), is_over(session)) for session in document.named("session")]
    over = {session for session, ended in listed if ended}
    over |= {_session(each) for each in document.named("sessionrecordingassoc") if is_over(each)}
    return over if any(session not in over for session, _ in listed) else set()


def _participant(owner: Element) -> str:
    """The participant id of an association or participant element."""
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
