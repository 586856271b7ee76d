"""What of an e-mail its writer wrote: without the mail that it quotes, and without the signature. Pure, linear time.

Quoted words are somebody else's, or were counted when they came. Plain text only (RFC 3676).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

SIGNATURE = "--"
"""RFC 3676 section 4.3, with or without its trailing space."""
MARKERS = (
    "original message",
    "forwarded message",
    "begin forwarded message:",
    "urspr\u00fcngliche nachricht",
    "weitergeleitete nachricht",
    "message d'origine",
    "message transf\u00e9r\u00e9",
    "mensaje original",
    "messaggio originale",
    "mensagem original",
    "oorspronkelijk bericht",
)
"""A line of one of these, whatever dashes are around it, and all that follows is another mail."""
WROTE = {
    "on": ("wrote",),
    "am": ("schrieb",),
    "le": ("a \u00e9crit",),
    "el": ("escribi\u00f3",),
    "il": ("ha scritto",),
    "em": ("escreveu",),
    "op": ("schreef",),
}
"""By the first word of the line that announces a quoted mail: the words in it. It ends with a colon."""
HEADERS = {
    "from:": ("sent:", "date:"),
    "von:": ("gesendet:", "datum:"),
    "de:": ("envoy\u00e9:", "date:", "enviado:", "fecha:", "data:"),
    "da:": ("inviato:", "data:"),
    "van:": ("verzonden:", "datum:"),
}
"""By the first header of a mail that is quoted with its headers: those of which one follows."""
ANNOUNCING_LINES = 3
"""A long announcement is broken into so many lines at most."""
MOST_LINES = 4_000
"""Of a mail. What follows is not looked at, and not kept."""
LONGEST_ANNOUNCEMENT, LONGEST_MARKER = 400, 200

_TIME = re.compile(r"[0-9][:.h][0-9]{2}")


def own_words(text: str) -> str:
    """The writer's own lines, in order; empty if there are none. What it returns, it returns unchanged."""
    lines = _without_quotes(text.splitlines()[:MOST_LINES])
    end = next((at for at in range(len(lines)) if _begins_the_rest(lines, at)), len(lines))
    return "\n".join(lines[:end]).strip()


def _without_quotes(lines: Sequence[str]) -> list[str]:
    """The lines without those behind a ">", and without the announcement right before these."""
    kept: list[str] = []
    for line in lines:
        if not line.lstrip().startswith(">"):
            kept.append(line)
            continue
        while kept and not kept[-1].strip():
            kept.pop()
        for count in range(1, ANNOUNCING_LINES + 1):
            if _announces(kept[-count:]):
                del kept[-count:]
                break
        kept.append("")
    return kept


def _begins_the_rest(lines: Sequence[str], at: int) -> bool:
    """Whether nothing from this line on is the writer's."""
    line = lines[at].strip()
    if not line:
        return False
    if line == SIGNATURE or (len(line) <= LONGEST_MARKER and line.strip("-_*= ").lower() in MARKERS):
        return True
    first = line.partition(" ")[0].lower()
    if first not in HEADERS and first not in WROTE:
        return False
    following = lines[at : at + ANNOUNCING_LINES + 1]
    if seconds := HEADERS.get(first):
        return any(each.strip().lower().startswith(seconds) for each in following[1:])
    # Without a ">" it must look like a program's: people say when somebody wrote, too.
    return any(
        _announces(following[:count]) and _is_dated(following[:count]) for count in range(1, ANNOUNCING_LINES + 1)
    )


def _announces(lines: Sequence[str]) -> bool:
    """Whether these lines are one announcement: "On Monday, somebody wrote:"."""
    if not lines or sum(map(len, lines)) > LONGEST_ANNOUNCEMENT:
        return False
    whole = " ".join(line.strip() for line in lines).lower()
    return whole.endswith(":") and any(verb in whole for verb in WROTE.get(whole.partition(" ")[0], ()))


def _is_dated(lines: Sequence[str]) -> bool:
    whole = " ".join(lines)
    return "@" in whole or _TIME.search(whole) is not None
