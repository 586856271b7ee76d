"""SIP messages (RFC 3261 section 7): dataclasses to bytes and back. No socket and no clock in here."""

import re
from dataclasses import dataclass
from typing import Final

MAX_MESSAGE_BYTES: Final = 65_535

_COMPACT: Final = {
    "c": "content-type",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "s": "subject",
    "t": "to",
    "v": "via",
}
"""The one-letter header names of RFC 3261 section 7.3.3."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+")
_STATUS_LINE: Final = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: (.*))?")
_REQUEST_LINE: Final = re.compile(r"([A-Za-z0-9.!%*_+`'~-]+) ([^\s]+) SIP/2\.0")
_NAME_ADDRESS: Final = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^<"]*?))\s*<([^>]*)>(.*)', re.DOTALL)

Headers = tuple[tuple[str, str], ...]


class SipError(ValueError):
    """Bytes that are no SIP message, or a message that cannot be written as one."""


class _WithHeaders:
    """What requests and responses have in common. Content-Length is never among the headers: it is derived."""

    __slots__ = ()
    headers: Headers
    body: bytes

    def first(self, name: str) -> str:
        """The first value of a header, by its long name in any case; empty if the message has none."""
        return next(iter(self.every(name)), "")

    def every(self, name: str) -> list[str]:
        """All values of a header, top first."""
        wanted = name.lower()
        return [value for key, value in self.headers if _long_name(key) == wanted]


@dataclass(frozen=True, slots=True)
class Request(_WithHeaders):
    method: str
    uri: str
    headers: Headers
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response(_WithHeaders):
    status: int
    """100 to 699."""
    reason: str
    headers: Headers
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Address:
    """A From, To, Contact, Route: `"display" <uri>;parameters` (RFC 3261 section 20.10)."""

    uri: str
    display: str
    parameters: dict[str, str]
    """Those outside the angle brackets, names in lower case."""


def serialise(message: Request | Response) -> bytes:
    """The message's bytes; SipError if a header would break out of its line."""
    if isinstance(message, Request):
        lines = [f"{message.method} {message.uri} SIP/2.0"]
    else:
        lines = [f"SIP/2.0 {message.status} {message.reason}"]
    for name, value in message.headers:
        if not _TOKEN.fullmatch(name):
            raise SipError(f"no header name: {name!r}")
        lines.append(f"{name}: {value}")
    lines.append(f"Content-Length: {len(message.body)}")
    for line in lines:
        if any(character in line for character in "\r\n\0"):
            raise SipError(f"a line break inside {line[:60]!r}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + message.body


def parse(data: bytes) -> Request | Response:
    """The message in one datagram, or in one frame of a stream; SipError says what is wrong with it."""
    if len(data) > MAX_MESSAGE_BYTES:
        raise SipError(f"{len(data)} bytes: more than {MAX_MESSAGE_BYTES}")
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        raise SipError("no empty line after the headers")
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        raise SipError("headers that are not UTF-8") from error
    # A line that starts with white space continues the one before (RFC 3261 section 7.3.1).
    start, *lines = re.sub(r"\r\n[ \t]+", " ", text).split("\r\n")
    headers = tuple(_parse_header(line) for line in lines)
    lengths = [value for name, value in headers if _long_name(name) == "content-length"]
    if lengths:
        length = content_length(lengths[0])
        if len(body) < length:
            raise SipError(f"cut short: Content-Length is {length}, {len(body)} bytes are there")
        body = body[:length]
    kept = tuple(header for header in headers if _long_name(header[0]) != "content-length")
    if status := _STATUS_LINE.fullmatch(start):
        return Response(int(status[1]), status[2] or "", kept, body)
    if request := _REQUEST_LINE.fullmatch(start):
        return Request(request[1], request[2], kept, body)
    raise SipError(f"no SIP start line: {start[:60]!r}")


def content_length(value: str) -> int:
    """A Content-Length's number, within bounds."""
    if not (value.isascii() and value.isdigit() and int(value) <= MAX_MESSAGE_BYTES):
        raise SipError(f"Content-Length is {value[:20]!r}")
    return int(value)


def _parse_header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    name = name.rstrip(" \t")
    if not colon or not _TOKEN.fullmatch(name):
        raise SipError(f"no header: {line[:60]!r}")
    return name, value.strip(" \t")


def _long_name(name: str) -> str:
    lowered = name.lower()
    return _COMPACT.get(lowered, lowered)


def parse_address(value: str) -> Address:
    """A header's address, with or without a display name and angle brackets."""
    if match := _NAME_ADDRESS.match(value):
        display = re.sub(r"\\(.)", r"\1", match[1]) if match[1] is not None else match[2].strip()
        return Address(match[3].strip(), display, parse_parameters(match[4]))
    # Without brackets, what follows the first semicolon belongs to the header, not to the URI.
    uri, _, parameters = value.strip().partition(";")
    return Address(uri.strip(), "", parse_parameters(parameters))


def parse_parameters(text: str) -> dict[str, str]:
    """`;name=value;flag` to a dictionary, names in lower case, quotes taken off."""
    found = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        if name.strip():
            found[name.strip().lower()] = value.strip().strip('"')
    return found


def split_list(values: list[str]) -> list[str]:
    """Header values that may each hold several, by comma, outside quotes and angle brackets."""
    pattern = re.compile(r'(?:"(?:[^"\\]|\\.)*"|<[^>]*>|[^,"<])+')
    return [item.strip() for value in values for item in pattern.findall(value) if item.strip()]


def branch_of(message: Request | Response) -> str:
    """The branch of the topmost Via, which names the transaction (RFC 3261 section 17.1.3)."""
    top = next(iter(split_list([message.first("Via")])), "")
    return parse_parameters(top.partition(";")[2]).get("branch", "")


def method_of(response: Response) -> str:
    """The method that a response answers, from its CSeq."""
    return response.first("CSeq").rpartition(" ")[2]
