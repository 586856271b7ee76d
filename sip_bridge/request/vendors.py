"""Loads `config/vendors.toml`: the names that PBXes and recorders use beyond the standards."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from service.settings import ConfigError

SHIPPED = Path(__file__).parents[2] / "config" / "vendors.toml"

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Somewhere = Annotated[str, msgspec.Meta(pattern=r"^(header|uri|from):[A-Za-z0-9_.-]{1,64}$")]
Saying = Annotated[str, msgspec.Meta(pattern=r"^(header|uri|from):[A-Za-z0-9_.-]{1,64}(=[^\s=]{1,64})?$")]


class Vendor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys of one table of the file."""

    about: Annotated[str, msgspec.Meta(min_length=1)]
    """What is special about this vendor, for readers of the file."""
    call: tuple[Somewhere, ...] = ()
    """Where a plain fork names its call: `header:NAME`, or a parameter of request URI (`uri:`) or From (`from:`)."""
    agent: tuple[Saying, ...] = ()
    """What marks a plain fork as the agent's: a place as in `call` that is present, or has the value after `=`."""
    customer: tuple[Saying, ...] = ()
    """The same for the customer."""
    late_offer: bool = False
    """Whether a fork that names its call this way may leave the SDP offer to us."""
    party_headers: dict[Name, Name] = {}
    """Headers of forks without metadata, one value per party: its address, and a parameter with its m-line index."""
    metadata_types: tuple[str, ...] = ()
    """Further content types of the metadata; white space is ignored."""
    call_ids: tuple[Name, ...] = ()
    """Metadata elements with the call id, used if no session has one."""
    calling_flags: tuple[Name, ...] = ()
    """Elements of a participant that say whether it called: `true`, `yes` or `1` mean yes."""
    caller_numbers: tuple[Name, ...] = ()
    """Elements outside the participants with the caller's number or address."""
    callee_numbers: tuple[Name, ...] = ()
    """The same for the callee."""
    caller_addresses: tuple[Name, ...] = ()
    """Elements that replace missing participants: the caller, in the form of a From header."""
    callee_addresses: tuple[Name, ...] = ()
    """The same for the callee, in the form of a To header."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a request where a plain fork says something."""

    where: Literal["header", "uri", "from"]
    name: str
    """In lower case."""
    wanted: str = ""
    """The required value, in lower case; empty for any value or none."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names of all vendors, in lower case, in the order of the file."""

    calls: tuple[tuple[Place, bool], ...] = ()
    """Where plain forks name their call, and whether such a fork may leave the offer to us."""
    agents: tuple[Place, ...] = ()
    customers: tuple[Place, ...] = ()
    party_headers: dict[str, str] = field(default_factory=dict)
    metadata_types: tuple[str, ...] = ()
    call_ids: tuple[str, ...] = ()
    calling_flags: tuple[str, ...] = ()
    caller_numbers: tuple[str, ...] = ()
    callee_numbers: tuple[str, ...] = ()
    caller_addresses: tuple[str, ...] = ()
    callee_addresses: tuple[str, ...] = ()


def load(path: str = "") -> Vocabulary:
    """Load a vendors file; an empty path means the shipped one. Raises ConfigError that names the file and the key."""
    file = Path(path) if path else SHIPPED
    try:
        with file.open("rb") as opened:
            vendors = msgspec.convert(tomllib.load(opened), dict[str, Vendor])
    except OSError as error:
        raise ConfigError(f"bridge.vendors: {file}: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"bridge.vendors: {file}: {error}") from None
    return _vocabulary([*vendors.values()])


def _vocabulary(vendors: list[Vendor]) -> Vocabulary:
    def names(key: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name.lower() for vendor in vendors for name in getattr(vendor, key)))

    return Vocabulary(
        calls=tuple((_place(text), vendor.late_offer) for vendor in vendors for text in vendor.call),
        agents=tuple(_place(text) for text in names("agent")),
        customers=tuple(_place(text) for text in names("customer")),
        party_headers={
            header.lower(): parameter.lower()
            for vendor in vendors
            for header, parameter in vendor.party_headers.items()
        },
        metadata_types=tuple(re.sub(r"\s", "", kind) for kind in names("metadata_types")),
        call_ids=names("call_ids"),
        calling_flags=names("calling_flags"),
        caller_numbers=names("caller_numbers"),
        callee_numbers=names("callee_numbers"),
        caller_addresses=names("caller_addresses"),
        callee_addresses=names("callee_addresses"),
    )


def _place(text: str) -> Place:
    where, _, rest = text.lower().partition(":")
    name, _, wanted = rest.partition("=")
    return Place(where, name, wanted)  # type: ignore[arg-type] # the pattern allows no other word
