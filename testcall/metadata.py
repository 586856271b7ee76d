"""What a recorder says about a call: RFC 7865 metadata, in the dialect of the recorder that is played.

A dialect is a file in `dialects/`: another vendor's way of forking is another file, not another function.
"""

import base64
import re
import secrets
import tomllib
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Annotated, Final, Literal
from xml.sax.saxutils import escape

import msgspec

from testcall.sip import Headers

Party = Literal["customer", "agent"]

DIALECTS: Final = Path(__file__).parent / "dialects"


class DialectError(ValueError):
    """A dialect file that cannot be used; the message names the file and the key."""


class MetadataTemplate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: str
    """The metadata part's content type, as this vendor writes it."""
    xml: str
    """A `string.Template` over the fields of `CallFacts`."""
    disposition: str = ""
    """The part's Content-Disposition; none if empty."""


class Dialect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one kind of recorder builds its INVITE."""

    summary: str
    legs: Annotated[tuple[Party, ...], msgspec.Meta(min_length=1, max_length=2)]
    """The parties in the order of their m-lines."""
    labels: dict[Party, str] = {}
    contact_parameters: str = ""
    headers: dict[str, str] = {}
    metadata: MetadataTemplate | None = None


def load_dialect(name: str, folder: Path = DIALECTS) -> Dialect:
    """The dialect of that name; DialectError if there is none or its file is wrong."""
    path = folder / f"{name}.toml"
    try:
        with path.open("rb") as file:
            dialect = msgspec.convert(tomllib.load(file), Dialect)
    except FileNotFoundError:
        known = ", ".join(dialect_names(folder)) or "none"
        raise DialectError(f"no dialect {name!r}; there are: {known}") from None
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise DialectError(f"{path}: {error}") from error
    if dialect.metadata is not None:
        unknown = set(Template(dialect.metadata.xml).get_identifiers()) - set(CallFacts().fields(dialect))
        if unknown:
            raise DialectError(f"{path}: metadata.xml has unknown fields: {', '.join(sorted(unknown))}")
    return dialect


def dialect_names(folder: Path = DIALECTS) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.toml"))


def new_id() -> str:
    """An identifier as RFC 7865 section 6 wants it: a UUID's bytes in base64, 24 characters."""
    return base64.b64encode(uuid.uuid4().bytes).decode()


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What the metadata of one call may name; the identifiers are fresh for each call."""

    customer_aor: str = "sip:+15550100@example.com"
    agent_aor: str = "sip:agent@example.com"
    agent_name: str = ""
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    session_id: str = field(default_factory=new_id)
    """RFC 7865's id of the communication session: the same in every message about this call."""
    sip_session_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    """RFC 7989's id, which follows the call through the PBX."""
    group_id: str = field(default_factory=new_id)
    customer_id: str = field(default_factory=new_id)
    agent_id: str = field(default_factory=new_id)
    customer_stream: str = field(default_factory=new_id)
    agent_stream: str = field(default_factory=new_id)

    def fields(self, dialect: Dialect) -> dict[str, str]:
        """What a template may refer to, by name."""
        return {
            "customer_aor": self.customer_aor,
            "agent_aor": self.agent_aor,
            "agent_name": self.agent_name,
            "started_at": self.started_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "session_id": self.session_id,
            "sip_session_id": f"{self.sip_session_id};remote={'0' * 32}",
            "group_id": self.group_id,
            "customer_id": self.customer_id,
            "agent_id": self.agent_id,
            "customer_stream": self.customer_stream,
            "agent_stream": self.agent_stream,
            "customer_label": dialect.labels.get("customer", ""),
            "agent_label": dialect.labels.get("agent", ""),
        }


def render(template: MetadataTemplate, facts: CallFacts, dialect: Dialect) -> bytes:
    """The metadata document of one call, its values escaped for XML."""
    values = {name: escape(value, {'"': "&quot;"}) for name, value in facts.fields(dialect).items()}
    return Template(template.xml.lstrip()).substitute(values).encode()


def body(dialect: Dialect, sdp: bytes, facts: CallFacts) -> tuple[Headers, bytes]:
    """An INVITE's body with the headers that describe it: SDP alone, or SDP and metadata as multipart."""
    if dialect.metadata is None:
        return (("Content-Type", "application/sdp"),), sdp
    disposition = dialect.metadata.disposition
    boundary = f"callvane-{secrets.token_hex(8)}"
    return (("Content-Type", f"multipart/mixed;boundary={boundary}"),), multipart(
        [
            ((("Content-Type", "application/sdp"),), sdp),
            (
                (
                    ("Content-Type", dialect.metadata.type),
                    *((("Content-Disposition", disposition),) if disposition else ()),
                ),
                render(dialect.metadata, facts, dialect),
            ),
        ],
        boundary,
    )


def multipart(parts: list[tuple[Headers, bytes]], boundary: str) -> bytes:
    """Parts in one body, divided as RFC 2046 section 5.1 says."""
    if not re.fullmatch(r"[A-Za-z0-9'()+_,./:=?-]{1,70}", boundary):
        raise ValueError(f"no multipart boundary: {boundary!r}")
    mark = f"--{boundary}".encode()
    written = b""
    for headers, content in parts:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        written += mark + b"\r\n" + lines.encode() + b"\r\n" + content + b"\r\n"
    return written + mark + b"--\r\n"
