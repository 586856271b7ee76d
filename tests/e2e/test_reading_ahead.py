"""The whole way: what a bridge tells ahead of the pause is read by then, and used."""

from __future__ import annotations

import asyncio

import pytest

from bench.ahead import figures
from testcall.campaign import place_once
from testcall.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


async def test_a_call_is_read_ahead_of_its_pauses() -> None:
    """Some of its utterances were being read when they came, each one used saves time, and none is used untold."""
    async with Stack(print) as stack:
        outcome = await place_once("arrives_upset", stack.target)
        assert outcome.proper
        async with asyncio.timeout(30):
            while (await _of(stack, "analysis", "analysis_calls_active")) > 0:
                await asyncio.sleep(0.2)
        analysed = await _of(stack, "analysis", "utterances_analysed_total transcribed")
        used = await _of(stack, "analysis", "utterances_read_ahead_total used")
        saved = await _of(stack, "analysis", "read_ahead_saved_seconds_count")
        told = await _of(stack, "sip_bridge", "utterances_told_ahead_total sent")
    assert analysed > 5
    assert 1 <= used <= min(told, analysed)
    assert saved == used


async def _of(stack: Stack, part: str, name: str) -> float:
    return (await asyncio.to_thread(figures, stack.metrics_url(part)))[name]
