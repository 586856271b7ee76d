"""A page's position: the id of the last entry it has from each channel's stream."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

ONE = r"\d{1,15}-\d{1,9}"


def order(stream_id: str) -> tuple[int, int]:
    """A stream id in comparable form."""
    milliseconds, _, number = stream_id.partition("-")
    return int(milliseconds), int(number)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Written as `1732300000000-0_1732300000001-2_0-0`: the `id:` of every event, which a returning page sends back."""

    ids: tuple[str, ...]

    @classmethod
    def zero(cls, places: int) -> Self:
        """The position before all entries."""
        return cls(("0-0",) * places)

    @classmethod
    def read(cls, text: str, places: int) -> Self | None:
        """The cursor that a browser sent; None if it is invalid (hostile text)."""
        if len(text) > 100 * places or not re.fullmatch(rf"{ONE}(_{ONE}){{{places - 1}}}", text, re.ASCII):
            return None
        return cls(tuple(text.split("_")))

    def at(self, place: int, stream_id: str) -> Self:
        """This cursor with one stream's id replaced."""
        return type(self)((*self.ids[:place], stream_id, *self.ids[place + 1 :]))

    def passed(self, other: Cursor) -> bool:
        """Whether this cursor is ahead of `other` in any stream."""
        return any(order(mine) > order(theirs) for mine, theirs in zip(self.ids, other.ids, strict=True))

    def __str__(self) -> str:
        return "_".join(self.ids)
