"""What the [contacts] section makes, and what it does not."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from callbus.contact_settings import ContactsSettings
from service.settings import ConfigError
from sip_bridge.contacts.choice import chosen_contacts
from sip_bridge.contacts.contacts import Contacts

KEY = "0123456789abcdef"
LOOKUP = {"key": KEY, "lookup_url": "http://127.0.0.1/{caller}", "lookup_fields": {"notes": "n"}}


def chosen(**values: object) -> Contacts | None:
    """What these settings make."""
    loop = asyncio.new_event_loop()
    try:
        return chosen_contacts(ContactsSettings.model_validate(values), loop)
    finally:
        loop.close()


def test_without_a_key_there_are_no_contacts() -> None:
    """It is off unless the operator has chosen a secret."""
    assert chosen() is None


def test_a_number_is_known_again_under_its_key_alone(tmp_path: Path) -> None:
    """32 hexadecimal digits: the same at each bridge that has the key, others under another key."""
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    one, same, other = chosen(key=KEY), chosen(key_file=file), chosen(key="f" * 16)
    assert one
    assert same
    assert other
    assert one.hash_of("+4930123456") == same.hash_of("+4930123456") == "b2f2726b42a6a7344a9335f03cdcde6f"
    assert len({one.hash_of("+4930123456"), other.hash_of("+4930123456"), one.hash_of("4930123456")}) == 3
    assert one.hash_of("") == ""


def test_a_short_key_is_refused_and_not_told(tmp_path: Path) -> None:
    """All numbers there are can be tried against a guessed key."""
    with pytest.raises(ValidationError, match="fewer than 16 bytes"):
        chosen(key="a-short-one")
    file = tmp_path / "key"
    file.write_text("a-short-one")
    with pytest.raises(ConfigError, match="fewer than 16 bytes") as fault:
        chosen(key_file=file)
    assert "a-short-one" not in str(fault.value)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"key": ""}, "needs contacts.key"),
        ({"lookup_url": "crm.internal/{caller}"}, "not a URL"),
        ({"lookup_url": "ftp://127.0.0.1/{caller}"}, "not a URL"),
        ({"lookup_url": "http://127.0.0.1/callers"}, "in its path or query"),
        ({"lookup_url": "http://{caller}.internal/"}, "in its path or query"),
        ({"lookup_url": "http://{caller}.internal/{caller}"}, "in its path or query"),
        ({"lookup_url": "http://127.0.0.1/{caller}/{name}"}, "in its path or query"),
        ({"lookup_url": "http://127.0.0.1/{caller}/{"}, "in its path or query"),
        ({"lookup_url": "http://me:pw@127.0.0.1/{caller}"}, "put keys in contacts.lookup_headers"),
        ({"lookup_url": "http://127.0.0.1/#{caller}"}, "a user or a fragment"),
        ({"lookup_url": "http://203.0.113.7/{caller}"}, "lookup_anywhere = true"),
        ({"lookup_url": "http://169.254.169.254/{caller}"}, "lookup_anywhere = true"),
        ({"lookup_fields": {}}, "lookup_fields: is empty"),
        ({"lookup_headers": {"X-Key": "a\r\nHost: b"}}, "lookup_headers: X-Key"),
    ],
)
def test_a_lookup_that_cannot_work_is_refused(values: dict[str, object], complaint: str) -> None:
    """The fault names the setting, and repeats no secret."""
    with pytest.raises(ConfigError, match=complaint) as fault:
        chosen(**{**LOOKUP, **values})
    assert "pw" not in str(fault.value)
    assert "Host" not in str(fault.value)


@pytest.mark.parametrize(
    "values",
    [
        {"lookup_fields": {"name": "n"}},
        {"lookup_fields": {"notes": "a..b"}},
        {"lookup_fields": {"notes": ""}},
        {"lookup_headers": {"X Key": "v"}},
        {"lookup_seconds": 0},
        {"days": 0},
    ],
)
def test_values_out_of_range_are_refused(values: dict[str, object]) -> None:
    """As in every section."""
    with pytest.raises(ValidationError):
        ContactsSettings.model_validate(values)


def test_a_public_server_may_be_allowed() -> None:
    """By the setting that the refusal names."""
    assert chosen(**{**LOOKUP, "lookup_url": "https://203.0.113.7/{number}", "lookup_anywhere": True})


def test_a_bridge_with_a_short_key_ends_with_one_line() -> None:
    """Exit status 2; the key is not in it."""
    ended = subprocess.run(
        [sys.executable, "-m", "sip_bridge"],
        env={"CALLVANE_CONTACTS__KEY": "a-short-one", "CALLVANE_BRIDGE__HOST": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "contacts.key: has fewer than 16 bytes" in line
    assert "a-short-one" not in line
