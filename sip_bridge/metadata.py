"""Reads recording metadata (RFC 7865) in the dialects that PBXes and SBCs speak.

Pure; elements are matched by local name, ids as `id` or `*_id`. What vendors write beyond the RFC comes as a
`vendors.Vocabulary`. Never raises: hostile or broken metadata gives what could be read, and the reason why not more.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from sip_bridge.vendors import Vocabulary

MAX_BYTES = 65_536
MAX_PARTICIPANTS = 16
MAX_STREAMS = 64
MAX_TEXT = 256
MAX_DEPTH = 16
"""Of nested elements; those further within are not looked at. Recorders nest five."""
NATIONAL_DIGITS = 7
"""Numbers that agree in so many last digits are the same, however their beginnings are written."""

CONTENT_TYPES = ("application/rs-metadata+xml", "application/rs-metadata")
"""RFC 9806's type and that of older recorders."""

STANDARD = Vocabulary()
"""No vendor's names: what the RFC has."""


@dataclass(frozen=True, slots=True)
class Participant:
    """One party as the recorder names it."""

    participant_id: str
    aors: tuple[str, ...] = ()
    """Addresses of record, such as `sip:2001@pbx.example`."""
    name: str = ""
    """Display name."""
    calling: bool | None = None
    """Whether this party placed the call, where the recorder tells."""

    @property
    def users(self) -> tuple[str, ...]:
        """The addresses' user parts."""
        return tuple(user_of(aor) for aor in self.aors)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What could be read; all of it is the PBX's text."""

    call_id: str = ""
    """The recorded call's id: its session's, else the PBX's own Call-ID, else its group's."""
    participants: tuple[Participant, ...] = ()
    senders: dict[str, Participant] = field(default_factory=dict)
    """Who speaks in the stream of each SDP label; streams that several speak in are left out."""
    fault: str = ""
    """Why nothing, or not all, could be read: `too_large`, `forbidden_xml`, `bad_xml`, `no_participants`,
    `no_senders`, `mixed_stream`; empty where all was."""
    streams: dict[str, str] = field(default_factory=dict)
    """The label of each stream, by its id."""


def read(content: bytes, before: Metadata | None = None, words: Vocabulary = STANDARD) -> Metadata:
    """The metadata in `content`. `before`: of the same dialog, for a document that tells only what has changed."""
    if len(content) > MAX_BYTES:
        return Metadata(fault="too_large")
    try:
        root = fromstring(content.strip(b" \t\r\n\0"), forbid_dtd=True)
    except DefusedXmlException:
        return Metadata(fault="forbidden_xml")
    except (ParseError, ValueError, LookupError, RecursionError):  # LookupError: an unknown encoding
        return Metadata(fault="bad_xml")
    elements = _pruned(root)
    participants = _callers_told(_participants(elements, words) or _of_call_data(elements, words), elements, words)
    partial = before if "partial" in map(str.lower, _texts(elements, "datamode")) else None
    streams = _streams(elements, partial)
    speakers = _speakers(elements, participants, streams)
    senders = {label: parties[0] for label, parties in speakers.items() if len(parties) == 1}
    if partial:
        participants, senders = _brought_up_to_date(partial, participants, senders)
    if len(senders) < len(speakers):
        fault = "mixed_stream"
    else:
        fault = "" if senders else "no_senders" if participants else "no_participants"
    return Metadata(_call_id(elements, words), tuple(participants), senders, fault, streams)


def read_headers(headers: Mapping[str, Sequence[str]], words: Vocabulary) -> dict[int, Participant]:
    """The participants that headers name, one each, by the place of their m-line; the first has called.

    `headers`: all values of each, by its name in lower case.
    """
    found = {}
    told = ((value, name) for header, name in words.party_headers.items() for value in headers.get(header, ()))
    for value, parameter in itertools.islice(told, MAX_PARTICIPANTS):
        aor, _, parameters = value.partition(";")
        place = re.search(rf'(?:^|;)\s*{re.escape(parameter)}\s*=\s*"?([0-9]{{1,2}})\b', parameters, re.IGNORECASE)
        if place and aor.strip():
            found[int(place[1])] = Participant(place[1], (_text_of(aor.strip(" <>")),), calling=place[1] == "0")
    return found


def user_of(aor: str) -> str:
    """The user part of a `sip:`, `sips:` or `tel:` address, else the address itself."""
    match = re.search(r"(?:sips?|tel):([^@;>]*)", aor, re.IGNORECASE)
    return match[1] if match else aor.partition("@")[0]


def _pruned(root: Element) -> list[Element]:
    """All elements in their order, without those too far within: to look into each would take the square of them."""
    level = [root]
    for _ in range(MAX_DEPTH - 1):
        level = [child for element in level for child in element]
    for element in level:
        del element[:]
    return [*root.iter()]


def _participants(elements: list[Element], words: Vocabulary) -> list[Participant]:
    found: dict[str, Participant] = {}
    for element in _named(elements, "participant"):
        participant_id = _id(element, "participant_id")
        if len(found) == MAX_PARTICIPANTS and participant_id not in found:
            break
        names = list(_named(element.iter(), "nameid"))
        aors = [_text_of(value) for name in names for key, value in name.attrib.items() if _local(key) == "aor"]
        aors += [_text(aor) for aor in _named(element.iter(), "aor")]
        display = [_text(child) for name in names for child in name if _local(child.tag) in ("name", "display-name")]
        flags = [_text(flag).lower() for flag in _named(element.iter(), *words.calling_flags)]
        found[participant_id] = Participant(
            participant_id,
            tuple(aor for aor in aors if aor)[:4],
            next(filter(None, display), ""),
            flags[0] in ("true", "1", "yes") if flags else None,
        )
    return list(found.values())


def _of_call_data(elements: list[Element], words: Vocabulary) -> list[Participant]:
    """What stands for participants: the From and To headers of the recorded call, caller first."""
    found = []
    for names, calling in ((words.caller_addresses, True), (words.callee_addresses, False)):
        for element in itertools.islice(_named(elements, *names), 1):
            display, _, aor = _text(element).rpartition("<")
            aor = aor.partition(">")[0]
            found.append(Participant(_local(element.tag), (aor,), display.strip(' "'), calling))
    return found


def _callers_told(participants: list[Participant], elements: list[Element], words: Vocabulary) -> list[Participant]:
    """Some tell who called by number, beside the participants, whose order then means nothing."""
    numbers = {
        calling: user_of(text)
        for calling, names in ((True, words.caller_numbers), (False, words.callee_numbers))
        for text in _texts(elements, *names)
    }
    if not numbers or any(participant.calling is not None for participant in participants):
        return participants
    told = [next((calling for calling, user in numbers.items() if _is(each, user)), None) for each in participants]
    return [replace(each, calling=calling) for each, calling in zip(participants, told, strict=True)]


def _is(participant: Participant, user: str) -> bool:
    """Whether a user part or number is the participant's, with or without the prefixes of a dialling plan."""
    wanted = re.sub(r"\D", "", user)[-NATIONAL_DIGITS:]
    return user in participant.users or (
        len(wanted) == NATIONAL_DIGITS and any(re.sub(r"\D", "", own).endswith(wanted) for own in participant.users)
    )


def _brought_up_to_date(
    before: Metadata, changed: list[Participant], new_senders: dict[str, Participant]
) -> tuple[list[Participant], dict[str, Participant]]:
    """All participants and senders after a change. Who takes over a stream takes the place of who had it."""
    told = {participant.participant_id: participant for participant in changed if participant.aors}
    parties = {known.participant_id: told.get(known.participant_id, known) for known in before.participants}
    senders = {label: parties[known.participant_id] for label, known in before.senders.items()}
    places = list(parties)
    for label, new in new_senders.items():
        old = senders.get(label)
        senders[label] = parties.get(new.participant_id, new)
        if new.participant_id in parties:
            continue
        if old and old not in senders.values():
            senders[label] = new = replace(new, calling=old.calling)
            places[places.index(old.participant_id)] = new.participant_id
        else:
            places.append(new.participant_id)
        parties[new.participant_id] = new
    return [parties[place] for place in places[:MAX_PARTICIPANTS]], senders


def _streams(elements: list[Element], before: Metadata | None) -> dict[str, str]:
    labels = dict(before.streams) if before else {}
    for stream in _named(elements, "stream"):
        label = next(map(_text, _named(stream.iter(), "label")), "")
        if label and len(labels) < MAX_STREAMS:
            labels[_id(stream, "stream_id")] = label
    return labels


def _speakers(
    elements: list[Element], participants: list[Participant], labels: dict[str, str]
) -> dict[str, list[Participant]]:
    """Who speaks in the stream of each label; `labels` by stream id."""
    by_id = {participant.participant_id: participant for participant in participants}
    speakers: dict[str, list[Participant]] = {}
    # The association is an element of its own, or stands within the participant (AudioCodes's legacy form).
    for owner in (*_named(elements, "participantstreamassoc"), *_named(elements, "participant")):
        participant = by_id.get(_id(owner, "participant_id"))
        for send in _named(owner.iter(), "send"):
            # BroadWorks writes the id as an element within.
            label = labels.get(_text(send) or next(map(_text, send), ""), "")
            if participant and label and participant not in speakers.setdefault(label, []):
                speakers[label].append(participant)
    return speakers


def _call_id(elements: list[Element], words: Vocabulary) -> str:
    others = ((name, "") for name in words.call_ids)
    for name, attribute in (("session", "session_id"), *others, ("group", "group_id")):
        for element in _named(elements, name):
            if found := _id(element, attribute) if attribute else _text(element):
                return found
    return ""


def _texts(elements: list[Element], *names: str) -> Iterator[str]:
    return filter(None, map(_text, _named(elements, *names)))


def _named(elements: Iterator[Element] | list[Element], *names: str) -> Iterator[Element]:
    return (element for element in elements if _local(element.tag) in names)


def _local(tag: object) -> str:
    """A tag's or attribute's name without its namespace, in lower case."""
    return str(tag).rpartition("}")[2].rpartition(":")[2].lower()


def _id(element: Element, name: str) -> str:
    """An element's id, written `name` or plain `id`."""
    found = {_local(key): value for key, value in element.attrib.items()}
    return _text_of(found.get(name) or found.get("id") or "")


def _text(element: Element) -> str:
    return _text_of(element.text or "")


def _text_of(text: str) -> str:
    return "".join(character for character in text if character.isprintable()).strip()[:MAX_TEXT]
