"""Makes what the [contacts] section describes. Raises ConfigError, which repeats nothing that could be a secret."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urlsplit

from callbus.contact_settings import LEAST_KEY_BYTES, ContactsSettings
from service.remote_server import RemoteServer, far_address, host_of, is_header_value
from service.secret import secret
from service.settings import ConfigError
from sip_bridge.contacts.contacts import Contacts
from sip_bridge.contacts.lookup import CALLER, NUMBER, Lookup

ANSWER_BYTES = 64 * 1024
CONNECTIONS = 32
EXAMPLE = "write it as in https://crm.internal/callers/{caller}"


def chosen_contacts(section: ContactsSettings, loop: asyncio.AbstractEventLoop) -> Contacts | None:
    """None if there is no key."""
    key = secret(section.key, section.key_file, "contacts.key").encode()
    if not key:
        if section.lookup_url:
            raise ConfigError("contacts.lookup_url: needs contacts.key or contacts.key_file")
        return None
    if len(key) < LEAST_KEY_BYTES:
        raise ConfigError(f"contacts.key_file: the key has fewer than {LEAST_KEY_BYTES} bytes; use a longer one")
    return Contacts(key, _lookup(section) if section.lookup_url else None, loop)


def _lookup(section: ContactsSettings) -> Lookup:
    url = section.lookup_url
    host = _host(url)
    if not section.lookup_fields:
        raise ConfigError("contacts.lookup_fields: is empty; say where the answer has earlier, address or notes")
    if not section.lookup_anywhere and (far := far_address(host)):
        raise ConfigError(
            f"contacts.lookup_url: {host} is {far}, not a loopback or private address: what is asked about callers "
            "would leave your network; to allow that, set contacts.lookup_anywhere = true"
        )
    headers = {name: value.get_secret_value() for name, value in section.lookup_headers.items()}
    if wrong := next((name for name, value in headers.items() if not is_header_value(value)), ""):
        raise ConfigError(f"contacts.lookup_headers: {wrong} contains characters not allowed in an HTTP header")
    server = RemoteServer(headers, anywhere=section.lookup_anywhere, connections=CONNECTIONS, answer_bytes=ANSWER_BYTES)
    seconds, cache_seconds = section.lookup_seconds, section.lookup_cache_seconds
    fields = {str(name): path for name, path in section.lookup_fields.items()}
    return Lookup(server, url, fields, seconds=seconds, cache_seconds=cache_seconds)


def _host(url: str) -> str:
    """The host of a URL with places for a caller, behind its host."""
    host = host_of(url)
    if not host:
        raise ConfigError(f"contacts.lookup_url: not a URL; {EXAMPLE}")
    parts = urlsplit(url)
    if parts.username is not None or parts.fragment:
        raise ConfigError("contacts.lookup_url: contains a user or a fragment; put keys in contacts.lookup_headers")
    places = re.findall(r"\{[^{}]*\}|[{}]", f"{parts.path}?{parts.query}")
    if not places or not {*places} <= {CALLER, NUMBER} or re.search(r"[{}]", parts.netloc):
        raise ConfigError(f"contacts.lookup_url: needs {CALLER} or {NUMBER} in its path or query; {EXAMPLE}")
    return host
