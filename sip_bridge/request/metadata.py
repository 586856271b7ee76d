"""Reads recording metadata (RFC 7865) in the dialects of PBXes and SBCs.

Pure. Elements are matched by local name, ids as `id` or `*_id`. Vendors' additions to the RFC come as a
`vendors.Vocabulary`. Never raises: from hostile or broken metadata it returns what is readable, and why not more.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sip_bridge.request import elements
from sip_bridge.request.associations import Associations, identity
from sip_bridge.request.elements import Document, cleaned
from sip_bridge.request.vendors import Vocabulary

MAX_PARTICIPANTS = 16
MAX_STREAMS = 64
MAX_NUMBERS = 8
"""Caller and callee numbers outside the participants."""
NATIONAL_DIGITS = 7
"""Numbers with this many equal last digits are the same, whatever their prefixes."""

CONTENT_TYPES = ("application/rs-metadata+xml", "application/rs-metadata")
"""The type of RFC 9806, and that of older recorders."""

STANDARD = Vocabulary()
"""No vendors' names, only the RFC's."""


@dataclass(frozen=True, slots=True)
class Participant:
    """One party as the recorder names it."""

    participant_id: str
    aors: tuple[str, ...] = ()
    """Addresses of record, such as `sip:2001@pbx.example`."""
    name: str = ""
    """Display name."""
    calling: bool | None = None
    """Whether this party placed the call; None if the recorder does not say."""

    @property
    def users(self) -> tuple[str, ...]:
        """The addresses' user parts."""
        return tuple(user_of(aor) for aor in self.aors)


@dataclass(frozen=True, slots=True)
class Metadata:
    """The readable metadata; all text is the PBX's. Ended sessions and parties that have left are not in it."""

    call_id: str = ""
    """The recorded call's id: its session's, else the PBX's own Call-ID, else its group's."""
    participants: tuple[Participant, ...] = ()
    senders: dict[str, Participant] = field(default_factory=dict)
    """The speaker of each stream, by SDP label; streams with several speakers are left out."""
    fault: str = ""
    """Why nothing or not everything was readable: `too_large`, `forbidden_xml`, `bad_xml`, `repaired`,
    `no_participants`, `no_senders`, `mixed_stream`; empty if everything was. Partial content (`repaired`, `too_large`)
    is used."""
    streams: dict[str, str] = field(default_factory=dict)
    """The label of each stream, by stream id."""
    group: str = ""
    """Id that relates the sessions of one call, before and after a transfer."""
    associated: bool = False
    """Whether any association says who speaks in which stream."""


def read(content: bytes, before: Metadata | None = None, words: Vocabulary = STANDARD) -> Metadata:
    """Read the metadata in `content`. `before`: the dialog's previous metadata, for a document with only changes."""
    document = elements.read(content)
    if document.damage == "forbidden_xml":
        return Metadata(fault=document.damage)
    partial = before if "partial" in map(str.lower, _texts(document, "datamode")) else None
    associations = Associations(document)
    left = associations.left
    participants = _participants(document, words) or _of_call_data(document, words)
    participants = [each for each in _callers_told(participants, document, words) if each.participant_id not in left]
    streams = _streams(associations, partial)
    speakers = _speakers(associations, participants, streams)
    senders = {label: parties[0] for label, parties in speakers.items() if len(parties) == 1}
    if partial:
        participants, senders = _brought_up_to_date(partial, participants, senders, associations)
    call_id = _call_id(document, associations, words)
    if document.damage and not (participants or call_id or document.damage == "too_large"):
        fault = "bad_xml"
    elif document.damage or len(senders) < len(speakers):
        fault = document.damage or "mixed_stream"
    else:
        fault = "" if senders else "no_senders" if participants else "no_participants"
    return Metadata(call_id, tuple(participants), senders, fault, streams, associations.group, bool(speakers))


def read_headers(headers: Mapping[str, Sequence[str]], words: Vocabulary) -> dict[int, Participant]:
    """The participants named by headers, one per header value, by m-line index. Index 0 is the caller.

    `headers`: all values of each header, by name in lower case.
    """
    found = {}
    told = ((value, name) for header, name in words.party_headers.items() for value in headers.get(header, ()))
    for value, parameter in itertools.islice(told, MAX_PARTICIPANTS):
        aor, _, parameters = value.partition(";")
        place = re.search(rf'(?:^|;)\s*{re.escape(parameter)}\s*=\s*"?([0-9]{{1,2}})\b', parameters, re.IGNORECASE)
        if place and aor.strip():
            found[int(place[1])] = Participant(place[1], (cleaned(aor.strip(" <>")),), calling=place[1] == "0")
    return found


def user_of(aor: str) -> str:
    """The user part of a `sip:`, `sips:` or `tel:` address, else the address itself."""
    match = re.search(r"(?:sips?|tel):([^@;>]*)", aor, re.IGNORECASE)
    return match[1] if match else aor.partition("@")[0]


def _participants(document: Document, words: Vocabulary) -> list[Participant]:
    found: dict[str, Participant] = {}
    for element in document.named("participant"):
        participant_id = identity(element, "participant_id")
        if len(found) == MAX_PARTICIPANTS and participant_id not in found:
            break
        names = [each for each in element.inner if each.name == "nameid"]
        aors = [name.attribute("aor") for name in names]
        aors += [each.said for each in element.inner if each.name == "aor"]
        display = (
            each.said for each in element.inner if each.name in ("name", "display-name") and each.parent in names
        )
        flags = [each.said.lower() for each in element.inner if each.name in words.calling_flags]
        found[participant_id] = Participant(
            participant_id,
            tuple(aor for aor in aors if aor)[:4],
            next(filter(None, display), ""),
            flags[0] in ("true", "1", "yes") if flags else None,
        )
    return list(found.values())


def _of_call_data(document: Document, words: Vocabulary) -> list[Participant]:
    """Participants from the recorded call's From and To headers, caller first."""
    found = []
    for names, calling in ((words.caller_addresses, True), (words.callee_addresses, False)):
        for element in itertools.islice(document.named(*names), 1):
            display, _, aor = element.said.rpartition("<")
            aor = aor.partition(">")[0]
            if aor:
                found.append(Participant(element.name, (aor,), display.strip(' "'), calling))
    return found


def _callers_told(participants: list[Participant], document: Document, words: Vocabulary) -> list[Participant]:
    """Set `calling` from numbers outside the participants, whose order then means nothing."""
    numbers = {
        calling: user_of(text)
        for calling, names in ((True, words.caller_numbers), (False, words.callee_numbers))
        for text in itertools.islice(_texts(document, *names), MAX_NUMBERS)
    }
    if not numbers or any(participant.calling is not None for participant in participants):
        return participants
    told = [next((calling for calling, user in numbers.items() if _is(each, user)), None) for each in participants]
    return [replace(each, calling=calling) for each, calling in zip(participants, told, strict=True)]


def _is(participant: Participant, user: str) -> bool:
    """Whether a user part or number is the participant's, with or without dialling prefixes."""
    wanted = re.sub(r"\D", "", user)[-NATIONAL_DIGITS:]
    return user in participant.users or (
        len(wanted) == NATIONAL_DIGITS and any(re.sub(r"\D", "", own).endswith(wanted) for own in participant.users)
    )


def _streams(associations: Associations, before: Metadata | None) -> dict[str, str]:
    labels = {**(before.streams if before else {}), **associations.labels}
    return dict(itertools.islice(labels.items(), MAX_STREAMS))


def _speakers(
    associations: Associations, participants: list[Participant], labels: dict[str, str]
) -> dict[str, list[Participant]]:
    """The speakers of each stream, by label. `labels`: by stream id."""
    by_id = {participant.participant_id: participant for participant in participants}
    speakers: dict[str, dict[str, Participant]] = {}
    for who, stream, over in associations.sends():
        label = labels.get(stream, "")
        if label and who in by_id and not over:
            speakers.setdefault(label, {})[who] = by_id[who]
    return {label: [*parties.values()] for label, parties in speakers.items()}


def _brought_up_to_date(
    before: Metadata,
    changed: list[Participant],
    new_senders: dict[str, Participant],
    associations: Associations,
) -> tuple[list[Participant], dict[str, Participant]]:
    """All participants and senders after a partial update. A stream's new sender takes the position of the old one."""
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
    left = associations.left
    over = {(who, before.streams.get(stream, "")) for who, stream, over in associations.sends() if over}
    senders = {
        label: party
        for label, party in senders.items()
        if party.participant_id not in left and (label in new_senders or (party.participant_id, label) not in over)
    }
    return [parties[place] for place in places if place not in left][:MAX_PARTICIPANTS], senders


def _call_id(document: Document, associations: Associations, words: Vocabulary) -> str:
    others = (text for name in words.call_ids for text in _texts(document, name))
    groups = (identity(group, "group_id") for group in document.named("group"))
    return next(filter(None, itertools.chain([associations.session_id], others, groups)), "")


def _texts(document: Document, *names: str) -> Iterator[str]:
    return filter(None, (element.said for element in document.named(*names)))
