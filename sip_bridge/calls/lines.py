"""Which leg each m-line of a source feeds, across all its offers. Pure.

A leg follows its stream's label (RFC 4574) to any m-line of a later offer. Without labels, or with a new label on the
same m-line, it follows the m-line's index.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from callbus import Role
from sip_bridge.hearing.leg import Leg
from sip_bridge.request.invite import OfferedLeg

MAX_LEGS = 8
"""Per source, over all its offers; further streams are not heard."""


@dataclass(slots=True)
class _Line:
    leg: Leg
    label: str
    index: int | None
    """M-line index in the latest offer; None if that offer does not have the stream."""
    places: tuple[int, ...]
    """Indexes of all m-lines that offer the stream; one of them comes up."""


class Lines:
    """One source's m-lines, known by their index. Belongs to the thread that holds the source."""

    def __init__(self) -> None:
        self._lines: list[_Line] = []

    @property
    def legs(self) -> dict[int, Leg]:
        """The leg of each m-line of the latest offer, by index."""
        return {line.index: line.leg for line in self._lines if line.index is not None}

    @property
    def labels(self) -> dict[int, str]:
        """The label of each m-line that has one, by index in the latest offer."""
        return {line.index: line.label for line in self._lines if line.index is not None and line.label}

    def arrange(self, offered: Sequence[OfferedLeg], further: Callable[[OfferedLeg], Leg | None]) -> None:
        """Apply an offer. `further` returns the leg for a new stream, or None if it gets none."""
        known, left = list(self._lines), list(offered)
        seats: list[tuple[OfferedLeg, _Line]] = []
        for fits in (_same_label, _same_place, _same_name):
            for stream in list(left):
                if line := next((line for line in known if fits(line, stream)), None):
                    known.remove(line)
                    left.remove(stream)
                    seats.append((stream, line))
        for line in self._lines:
            line.index = None
        for stream, line in seats:
            line.index, line.label = stream.index, stream.label or line.label
            line.places = (stream.index, *stream.alternatives)
        for stream in left:
            if len(self._lines) < MAX_LEGS and (leg := further(stream)):
                self._lines.append(_Line(leg, stream.label, stream.index, (stream.index, *stream.alternatives)))

    def settle(self, up: Collection[int]) -> None:
        """Follow the m-lines that have come up: of several alternatives, the library has chosen one."""
        for line in self._lines:
            if line.index is not None:
                line.index = next((place for place in line.places if place in up), line.index)

    def drop(self, leg: Leg) -> None:
        """Stop feeding this leg."""
        self._lines = [line for line in self._lines if line.leg is not leg]


def likest(spare: list[Leg], offered: OfferedLeg) -> Leg | None:
    """Remove and return the leg that another source's stream carries: the one with its role, else with its id."""
    same = [leg for leg in spare if offered.role is not Role.UNKNOWN and leg.role is offered.role]
    found = next(iter(same or [leg for leg in spare if leg.leg_id == offered.leg_id]), None)
    if found:
        spare.remove(found)
    return found


def labelled(sdp: str, labels: Mapping[int, str]) -> str:
    """Add labels, given by m-line index, to the m-lines of a session description that have none."""
    session, *sections = re.split(r"^(?=m=)", sdp, flags=re.MULTILINE)
    for place, label in labels.items():
        if place < len(sections) and "\na=label:" not in sections[place]:
            sections[place] = f"{sections[place].rstrip()}\r\na=label:{label}\r\n"
    return session + "".join(sections)


def _same_label(line: _Line, stream: OfferedLeg) -> bool:
    return bool(stream.label) and line.label == stream.label


def _same_place(line: _Line, stream: OfferedLeg) -> bool:
    return line.index is not None and line.index in (stream.index, *stream.alternatives)


def _same_name(line: _Line, stream: OfferedLeg) -> bool:
    """Whether this is an unlabelled stream that was gone for a while."""
    return not stream.label and line.leg.leg_id == stream.leg_id
