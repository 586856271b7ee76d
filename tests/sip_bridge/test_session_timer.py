"""A session that nobody refreshes (RFC 4028) at a running bridge.

Not in `make test`: the shortest session that the RFC and the library allow is 90 s, and ends 30 s before its time.
"""

from __future__ import annotations

import asyncio
import time

import pytest

from callbus import CallClosed
from tests.sip_bridge.running import bridge, recorder

TIMER = (("Supported", "timer"), ("Session-Expires", "90;refresher=uac"))


@pytest.mark.slow
async def test_a_session_that_is_not_refreshed_ends(redis_url: str) -> None:
    """The bridge hangs up, says why, and not before its time; one that is refreshed goes on."""
    with bridge(redis_url, rtp_timeout_seconds=0, shutdown_seconds=0.5) as running:
        async with recorder(running, "left") as left, recorder(running, "kept") as kept:
            for placed in (left, kept):
                response = await placed.invite(placed.offer(""), "application/sdp", *TIMER)
                assert response.first("Session-Expires") == "90;refresher=uac"
            begun = time.monotonic()
            await asyncio.sleep(45)
            assert not any(isinstance(event, CallClosed) for event in running.events())
            assert (await kept.invite(kept.offer(""), "application/sdp", *TIMER)).status == 200
            while not left.received and time.monotonic() < begun + 100:
                await asyncio.sleep(0.5)
            assert [request.method for request in left.received] == ["BYE"]
            assert kept.received == []
            assert (await kept.ask("BYE")).status == 200
        assert running.closed("left")[-1].reason == "session_expired"  # type: ignore[union-attr] # the last one closes
        assert running.closed("kept")[-1].reason == "bye"  # type: ignore[union-attr]
