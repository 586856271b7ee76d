"""What is known of vendors is data: the file that ships, and one of an integrator's own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from callbus import Leg, Role
from service.settings import ConfigError
from sip_bridge.request import vendors
from sip_bridge.request.vendors import Place
from tests.sip_bridge.running import bridge, multipart, opened, recorder

MADE_UP = """
[acme-fork]
about = "a fork for each voice; a header and a parameter say which, and of what call"
call = ["header:X-Acme-Conversation"]
agent = ["uri:acme-side=near"]
customer = ["uri:acme-side=far"]

[acme-recorder]
about = "metadata of its own making"
metadata_types = ["application/ acme-recording"]
caller_addresses = ["acmeCaller"]
callee_addresses = ["acmeCallee"]
call_ids = ["acmeCall"]

[acme-gateway]
about = "a header for each party"
party_headers = { X-Acme-Party = "line" }
"""
METADATA = b"""<acme><acmeCall>acme-2</acmeCall>
<acmeCaller>"A caller" &lt;sip:+15550101@example.com&gt;</acmeCaller>
<acmeCallee>"Anna" &lt;sip:anna@example.com&gt;</acmeCallee></acme>"""


@pytest.fixture
def taught(tmp_path: Path) -> Path:
    """The file that ships, and a vendor that nobody has heard of."""
    file = tmp_path / "vendors.toml"
    shutil.copy(vendors.SHIPPED, file)
    file.write_text(file.read_text(encoding="utf-8") + MADE_UP, encoding="utf-8")
    return file


def test_names_are_compared_without_regard_to_case(taught: Path) -> None:
    """All vendors' names are one vocabulary, in the file's order, each name once."""
    found = vendors.load(str(taught))
    assert found.calls[-1] == (Place("header", "x-acme-conversation"), False)
    assert found.agents[-1] == Place("uri", "acme-side", "near")
    assert found.metadata_types == ("application/+xml", "application/acme-recording")
    assert found.caller_numbers == ("callingpartynumber",)
    assert found.party_headers == {"x-cisco-recording-participant": "media-index", "x-acme-party": "line"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("[a", "vendors.toml: ", id="no TOML"),
        pytest.param("[a]\n", r"`about` - at `\$\[\.\.\.\]`", id="no about"),
        pytest.param('[a]\nabout = "x"\nhaeder = ["X"]\n', "unknown field `haeder`", id="a misspelt key"),
        pytest.param('[a]\nabout = "x"\ncall = ["X-Call"]\n', "matching regex", id="no place"),
        pytest.param('[a]\nabout = "x"\ncall = ["header:X=1"]\n', "matching regex", id="a value for an id"),
        pytest.param('[a]\nabout = "x"\ncall_ids = ["<x>"]\n', "matching regex", id="no name"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    """One line with the setting, the file and what is wrong in it."""
    file = tmp_path / "vendors.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=complaint) as raised:
        vendors.load(str(file))
    assert str(raised.value).startswith(f"bridge.vendors: {file}: ")
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there_is_named() -> None:
    """Before anything listens."""
    with pytest.raises(ConfigError, match=r"bridge\.vendors: /nowhere\.toml: No such file"):
        vendors.load("/nowhere.toml")


async def test_a_made_up_vendor_works_by_data_alone(redis_url: str, taught: Path) -> None:
    """Its headers join two forks into a call, its elements and its party headers give the roles."""
    with bridge(redis_url, vendors=taught) as running:
        async with recorder(running, "near") as near, recorder(running, "far") as far:
            for placed, side in ((near, "near"), (far, "far")):
                placed.dialog.remote_target = f"{placed.dialog.remote_uri};acme-side={side}"
                named = ("X-Acme-Conversation", "acme-1")
                assert (await placed.invite(placed.offer(""), "application/sdp", named)).status == 200
            await near.ask("BYE")
            await far.ask("BYE")
        legs = opened(running.closed("acme-1"))[-1].legs
        assert legs == (Leg("agent", Role.AGENT, ""), Leg("customer", Role.CUSTOMER, ""))
        async with recorder(running, "recorder") as placed:
            body = multipart(("application/sdp", placed.offer("1", "2")), ("application/acme-recording", METADATA))
            assert (await placed.invite(body, "multipart/mixed;boundary=b")).status == 200
            await placed.ask("BYE")
        assert [leg.role for leg in opened(running.closed("acme-2"))[0].legs] == [Role.CUSTOMER, Role.AGENT]
        async with recorder(running, "gateway") as placed:
            parties = [("X-Acme-Party", f"<sip:{user}@example.com>;line={n}") for n, user in enumerate(("bob", "anna"))]
            await placed.invite(placed.offer("", ""), "application/sdp", *parties)
            await placed.ask("BYE")
        legs = opened(running.closed("gateway"))[0].legs
        assert legs == (Leg("0", Role.CUSTOMER, ""), Leg("1", Role.AGENT, "anna"))
