"""What the page says to somebody who wants to try Callvane with a softphone."""

from __future__ import annotations

import httpx
import pytest
from pydantic import ValidationError

from console.settings import ConsoleSettings
from tests.console.running import RunningConsole


@pytest.mark.parametrize("address", ["sip:callvane@127.0.0.1:5060", "sips:try%20me@[2001:db8::1]:5061", ""])
async def test_the_page_names_the_address_that_is_set(redis_url: str, address: str) -> None:
    """An address is shown as it is; without one the page says nothing of softphones."""
    async with RunningConsole(redis_url, softphone=address) as console:
        await console.ready()
        async with httpx.AsyncClient(base_url=console.url) as browser:
            page = await browser.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    assert (f"<code>{address}</code> with a softphone" in page.text) == bool(address)
    assert ("softphone" in page.text) == bool(address)


@pytest.mark.parametrize(
    "address",
    [
        "callvane",
        "tel:+15550100",
        "javascript:alert(1)@x",
        "sip:a@b<script>",
        'sip:a@b"><img src=x>',
        "sip:a b@c",
        "sip:a@b\nsip:c@d",
        f"sip:a@{'b' * 200}",
    ],
)
def test_what_is_no_sip_address_is_refused(address: str) -> None:
    """Nothing gets into the page that is not a plain SIP address."""
    with pytest.raises(ValidationError, match="softphone"):
        ConsoleSettings(softphone=address)
