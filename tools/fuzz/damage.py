"""Ways in which recording metadata is nearly right: the intended meaning can still be recovered from each."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

Damage = Callable[[str, random.Random], bytes]

STRAYS = (
    "&",
    "R&D",
    "&nbsp;",
    "&nonsense;",
    "&#0;",
    " < ",
    "<3",
    "\x01",
    "\x0b",
    "\ufffe",
    "]]>",
    "<!-- -- -->",
    "<?x",
    "'\"",
)
_GAP = re.compile(r"(?<=>)(?=\s*<)")
_NAME = re.compile(r"(<name\b[^>]*>)([^<]*)")
_START = re.compile(r"<([A-Za-z][\w:.-]*)")
_END = re.compile(r"</([A-Za-z][\w:.-]*)>")
_ATTRIBUTE = re.compile(r"""(\s[\w:-]+=)(["'])([^"'<>\s]*)\2(?=[\s/>])""")
_DECLARATION = re.compile(r"^<\?xml.*?\?>\s*", re.DOTALL)


def _stray(text: str, chance: random.Random) -> bytes:
    return _put(_GAP, text, chance, lambda _: chance.choice(STRAYS))


def _name_unescaped(text: str, chance: random.Random) -> bytes:
    name = chance.choice(("Sales & Service", "A <b", "A > B & C", "AT&T; x", "Anna <sip:anna@x>", 'An"na'))
    return _put(_NAME, text, chance, lambda found: found[1] + name)


def _end_missing(text: str, chance: random.Random) -> bytes:
    return _put(_END, text, chance, lambda _: "")


def _end_misspelt(text: str, chance: random.Random) -> bytes:
    return _put(_END, text, chance, lambda found: f"</{chance.choice((found[1].upper(), found[1] + 'x', 'x', ''))}>")


def _end_unclosed(text: str, chance: random.Random) -> bytes:
    return _put(_END, text, chance, lambda found: found[0][:-1] + " ")


def _prefix_unbound(text: str, chance: random.Random) -> bytes:
    return _put(_START, text, chance, lambda found: f"<zz:{found[1].rpartition(':')[2]}")


def _attribute_doubled(text: str, chance: random.Random) -> bytes:
    return _put(_ATTRIBUTE, text, chance, lambda found: found[0] * chance.choice((2, 3)))


def _attribute_unquoted(text: str, chance: random.Random) -> bytes:
    return _put(_ATTRIBUTE, text, chance, lambda found: found[1] + found[3])


def _quote_missing(text: str, chance: random.Random) -> bytes:
    return _put(_ATTRIBUTE, text, chance, lambda found: chance.choice((found[0][:-1], found[1] + found[3] + found[2])))


def _value_with_brackets(text: str, chance: random.Random) -> bytes:
    return _put(_START, text, chance, lambda found: f'{found[0]} shown="Anna <sip:anna@x> & others"')


def _two_roots(text: str, chance: random.Random) -> bytes:
    return (text + chance.choice(("<recording/>", _DECLARATION.sub("", text)))).encode()


def _text_after(text: str, chance: random.Random) -> bytes:
    return (text + chance.choice(("rubbish", "& <", "--b--", "\0\0"))).encode()


def _something_before(text: str, chance: random.Random) -> bytes:
    return (
        chance.choice(
            (b"rubbish\r\n", b"\xef\xbb\xbf", b"\r\n \t", b"\r\n\xef\xbb\xbf", b"\0", b"Content-X: y\r\n\r\n")
        )
        + text.encode()
    )


def _western(text: str, chance: random.Random) -> bytes:
    """In Latin-1, whatever the declaration says."""
    named = _NAME.sub(lambda found: f"{found[1]}Zoë Müller", text)
    return _declared(named, chance.choice(("UTF-8", "utf8", "us-ascii", "klingon", ""))).encode("latin-1", "replace")


def _cut_character(text: str, chance: random.Random) -> bytes:
    """A name cut at a number of bytes."""
    return _NAME.sub(lambda found: f"{found[1]}Zoë Mü", text).encode().replace("Mü".encode(), "Mü".encode()[:-1])


def _declared_wrongly(text: str, chance: random.Random) -> bytes:
    declared = chance.choice(("UTF-16", "ISO-8859-1", "windows-1251", "UTF-32", "ucs-2", "x"))
    return _declared(_NAME.sub(lambda found: f"{found[1]}Zoë", text), declared).encode()


def _wide(text: str, chance: random.Random) -> bytes:
    mark = chance.choice(("\ufeff", ""))
    return (mark + _declared(text, chance.choice(("UTF-16", "UTF-8")))).encode(
        chance.choice(("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"))
    )


def _declared(text: str, encoding: str) -> str:
    head = f'<?xml version="1.0" encoding="{encoding}"?>' if encoding else ""
    return head + _DECLARATION.sub("", text)


def _put(where: re.Pattern[str], text: str, chance: random.Random, becomes: Callable[[re.Match[str]], str]) -> bytes:
    """The document with one matching place changed; unchanged if nothing matches."""
    begin = found.end() if (found := _DECLARATION.match(text)) else 0
    places = [*where.finditer(text, begin)]
    if places:
        place = chance.choice(places)
        text = text[: place.start()] + becomes(place) + text[place.end() :]
    return text.encode()


DAMAGES: tuple[Damage, ...] = (
    _stray, _name_unescaped, _end_missing, _end_misspelt, _end_unclosed, _prefix_unbound, _attribute_doubled,
    _attribute_unquoted, _quote_missing, _value_with_brackets, _two_roots, _text_after, _something_before, _western,
    _cut_character, _declared_wrongly, _wide,
)  # fmt: skip
