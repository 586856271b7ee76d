"""What a recorder says about a call: RFC 7865 metadata, in the dialect of the recorder that is played."""

import base64
import re
import secrets
import tomllib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Any, Final, Literal
from xml.sax.saxutils import escape

import msgspec

from testcall.dialect import PLACE, SDP_PART, Dialect, Part
from testcall.sip import Headers

Party = Literal["customer", "agent"]

DIALECTS: Final = Path(__file__).parent / "dialects"


class DialectError(ValueError):
    """A dialect file that cannot be used; the message names the file and the key."""


def load_dialect(name: str, folder: Path = DIALECTS) -> Dialect:
    """The dialect of that name; DialectError if there is none or its file is wrong."""
    path = folder / f"{name}.toml"
    try:
        dialect = msgspec.convert(_read(name, folder), Dialect)
    except FileNotFoundError:
        known = ", ".join(dialect_names(folder)) or "none"
        raise DialectError(f"no dialect {name!r}; there are: {known}") from None
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise DialectError(f"{path}: {error}") from error
    if missing := set(dialect.body) - set(dialect.parts) - {SDP_PART}:
        raise DialectError(f"{path}: body names parts that are not there: {', '.join(sorted(missing))}")
    if SDP_PART not in dialect.body:
        raise DialectError(f"{path}: body has no {SDP_PART}")
    if unknown := _identifiers(dialect) - set(CallFacts().fields(dialect)) - set(PLACE):
        raise DialectError(f"{path}: unknown fields: {', '.join(sorted(unknown))}")
    return dialect


def _read(name: str, folder: Path) -> dict[str, Any]:
    """The file's keys; with `like`, those of another dialect and its own, table by table."""
    with (folder / f"{name}.toml").open("rb") as file:
        own = tomllib.load(file)
    if not (model := own.pop("like", "")):
        return own
    base = _read(model, folder)
    merged = {key: base[key] | value for key, value in own.items() if isinstance(base.get(key), dict)}
    return base | own | merged


def _identifiers(dialect: Dialect) -> set[str]:
    """The fields that a dialect's templates name."""
    expected = dialect.expected
    texts = [dialect.from_uri, dialect.contact, *dialect.headers, *(part.text for part in dialect.parts.values())]
    texts += [expected.call_id, *(leg.name for leg in expected.legs)]
    return {identifier for text in texts for identifier in Template(text).get_identifiers()}


def dialect_names(folder: Path = DIALECTS) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.toml"))


def new_id() -> uuid.UUID:
    """An identifier as RFC 7865 section 6 wants it; vendors write its bytes in base64 or as a UUID."""
    return uuid.uuid4()


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What the messages about one call may name; the identifiers are fresh for each call."""

    customer_aor: str = "sip:+15550100@example.com"
    agent_aor: str = "sip:agent@example.com"
    agent_name: str = ""
    sip_call_id: str = ""
    """The Call-ID of the recording's own dialog."""
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    session: uuid.UUID = field(default_factory=new_id)
    """RFC 7865's communication session: the same in every message about this call."""
    sip_session_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    """RFC 7989's id, which follows the call through the PBX."""
    group: uuid.UUID = field(default_factory=new_id)
    customer: uuid.UUID = field(default_factory=new_id)
    agent: uuid.UUID = field(default_factory=new_id)
    customer_stream: uuid.UUID = field(default_factory=new_id)
    agent_stream: uuid.UUID = field(default_factory=new_id)

    @property
    def session_id(self) -> str:
        """The session's id as RFC 7865 writes it: 24 characters of base64."""
        return _base64(self.session)

    def fields(self, dialect: Dialect) -> dict[str, str]:
        """What a template may refer to, by name."""
        identifiers = {
            "session": self.session,
            "group": self.group,
            "customer": self.customer,
            "agent": self.agent,
            "customer_stream": self.customer_stream,
            "agent_stream": self.agent_stream,
        }
        return {
            "customer_aor": self.customer_aor,
            "customer_address": self.customer_aor.removeprefix("sip:"),
            "customer_user": _user(self.customer_aor),
            "agent_aor": self.agent_aor,
            "agent_address": self.agent_aor.removeprefix("sip:"),
            "agent_user": _user(self.agent_aor),
            "agent_name": self.agent_name,
            "started_at": self.started_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "sip_call_id": self.sip_call_id,
            "session_number": str(self.session.int & 0xFFFFFFFF),
            "sip_session_id": f"{self.sip_session_id};remote={'0' * 32}",
            **{f"{name}_id": _base64(value) for name, value in identifiers.items()},
            **{f"{name}_uuid": str(value) for name, value in identifiers.items()},
            **{f"{voice}_label": dialect.labels.get(voice, "") for voice in ("customer", "agent", "mixed")},
        }


def _base64(identifier: uuid.UUID) -> str:
    return base64.b64encode(identifier.bytes).decode()


def _user(aor: str) -> str:
    return aor.removeprefix("sip:").partition("@")[0]


def fill(template: str, values: Mapping[str, str]) -> str:
    """A template of a dialect with its values."""
    return Template(template).substitute(values)


def render(part: Part, facts: CallFacts, dialect: Dialect) -> bytes:
    """A part's text for one call; in XML, its values are escaped."""
    values = facts.fields(dialect)
    if part.text.lstrip().startswith("<"):
        values = {name: escape(value, {'"': "&quot;"}) for name, value in values.items()}
    return fill(part.text.lstrip(), values).encode()


def body(dialect: Dialect, sdp: bytes, facts: CallFacts, without: tuple[str, ...] = ()) -> tuple[Headers, bytes]:
    """A request's body with the headers that describe it: all the dialect's parts but those left out.

    A single part stands alone, several are multipart; `sdp` is the content of the part of that name.
    """
    names = [name for name in dialect.body if name not in without]
    parts = [_part(dialect, name, sdp, facts) for name in names]
    if len(parts) == 1:
        return parts[0]
    boundary = dialect.boundary or f"callvane-{secrets.token_hex(8)}"
    content_type = fill(dialect.content_type, {"boundary": boundary})
    return (("Content-Type", content_type),), multipart(parts, boundary, closed=dialect.closed)


def _part(dialect: Dialect, name: str, sdp: bytes, facts: CallFacts) -> tuple[Headers, bytes]:
    part = dialect.parts.get(name, Part("application/sdp"))
    disposition: Headers = (("Content-Disposition", part.disposition),) if part.disposition else ()
    content = sdp if name == SDP_PART else render(part, facts, dialect)
    return (("Content-Type", part.type), *disposition), content


def multipart(parts: list[tuple[Headers, bytes]], boundary: str, *, closed: bool = True) -> bytes:
    """Parts in one body, divided as RFC 2046 section 5.1 says."""
    if not re.fullmatch(r"[A-Za-z0-9'()+_,./:=?-]{1,70}", boundary):
        raise ValueError(f"no multipart boundary: {boundary!r}")
    mark = f"--{boundary}".encode()
    written = b""
    for headers, content in parts:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        written += mark + b"\r\n" + lines.encode() + b"\r\n" + content + b"\r\n"
    return written + mark + b"--\r\n" if closed else written
