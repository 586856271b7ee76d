"""Reads server-sent events as a browser does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class Sent:
    """One event."""

    kind: str
    cursor: str
    data: Any


class Events:
    """An open stream."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()
        self.cursor = ""

    async def next(self, *kinds: str) -> Sent:
        """The next event, of one of `kinds` where given; within a minute."""
        async with asyncio.timeout(60):
            while True:
                sent = await self._event()
                if not kinds or sent.kind in kinds:
                    return sent

    async def alert(self, alert_id: str) -> None:
        """Wait until the page shows an alert: as it comes, or in a snapshot of a board that was read anew."""
        while True:
            sent = await self.next("alert", "snapshot")
            if alert_id in [each["alert_id"] for each in sent.data.get("alerts", [sent.data])]:
                return

    async def until_end(self) -> None:
        """Read until the server ends the stream."""
        async for _ in self._lines:
            pass

    async def _event(self) -> Sent:
        fields: dict[str, str] = {}
        async for line in self._lines:
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "event" in fields:
                self.cursor = fields.get("id", self.cursor)
                return Sent(fields["event"], fields.get("id", ""), json.loads(fields["data"]))
            else:
                fields = {}
        raise EOFError


@asynccontextmanager
async def events(url: str, since: str = "", auth: tuple[str, str] | None = None) -> AsyncIterator[Events]:
    """Open /events, with the id that a browser had last, and a user's name and password."""
    headers = {"Last-Event-ID": since} if since else {}
    async with (
        httpx.AsyncClient(timeout=30, auth=auth) as client,
        client.stream("GET", f"{url}/events", headers=headers) as response,
    ):
        response.raise_for_status()
        yield Events(response)
