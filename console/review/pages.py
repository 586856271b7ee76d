"""The paths of the review: /debriefs, /calls/CALL/debrief and /technique, and each as JSON.

Every answer is read from Redis when it is asked for, so the console holds nothing. The read is bounded in entries, time
and number, and an answer says if it was cut.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from callbus import Debrief
from callbus.messages.wire import encode_publication
from callbus.redis.bus import Bus
from callbus.redis.debriefs import DebriefsRead
from callbus.redis.trouble import FAILURES
from console.review.technique import Tally, Technique

READ_SECONDS = 20.0
"""For one answer, waiting for its turn included."""
READS_AT_ONCE = 2
LISTED = 50
"""Debriefs in one answer of the list."""
MOST_DAYS = 30
MOST_QUEUES = 200
_BEFORE = re.compile(r"[0-9]{1,15}(-[0-9]{1,9})?", re.ASCII)
_DAYS = re.compile(r"[0-9]{1,2}", re.ASCII)
NO_STORE = {"Cache-Control": "no-store"}


class CallIdConvertor(Convertor[str]):
    """A call's id in a path: hostile text, slashes and line ends included."""

    regex = "(?s:.{1,128})"

    def convert(self, value: str) -> str:
        """As it is."""
        return value

    def to_string(self, value: str) -> str:
        """As it is."""
        return value


register_url_convertor("call_id", CallIdConvertor())


class Refused(ValueError):
    """A question that cannot be answered; one line says why."""


class Review:
    """Answers the review's questions from Redis."""

    def __init__(self, bus: Bus, most: int) -> None:
        """`most`: debriefs that one answer looks through."""
        self._bus = bus
        self._most = most
        self._turns = asyncio.Semaphore(READS_AT_ONCE)

    def routes(self, pages: Path) -> list[Route]:
        """Its paths; their HTML files lie in `pages`."""
        return [
            Route("/debriefs", _file(pages / "debriefs.html")),
            Route("/technique", _file(pages / "technique.html")),
            Route("/calls/{call_id:call_id}/debrief", _file(pages / "debrief.html")),
            Route("/api/debriefs", self._answered(self._list)),
            Route("/api/technique", self._answered(self._technique)),
            Route("/api/calls/{call_id:call_id}/debrief", self._answered(self._debrief)),
        ]

    async def _debrief(self, request: Request) -> dict[str, Any] | Response:
        call_id = request.path_params["call_id"]
        read = DebriefsRead(self._bus, self._most, containing=msgspec.json.encode(call_id))
        async with aclosing(read.each()) as found:
            async for _, debrief in found:
                if debrief.call_id == call_id:
                    return {"debrief": msgspec.Raw(encode_publication(debrief))}
        looked = f"the latest {read.looked}" if read.is_cut else f"all {read.looked}"
        return PlainTextResponse(f"no debrief of this call: looked at {looked}\n", 404)

    async def _list(self, request: Request) -> dict[str, Any]:
        queue, before = request.query_params.get("queue", ""), _before(request)
        read = DebriefsRead(self._bus, self._most, before=before)
        listed: list[dict[str, Any]] = []
        last, has_more = "", False
        async with aclosing(read.each()) as found:
            async for stream_id, debrief in found:
                if queue and debrief.queue != queue:
                    continue
                if len(listed) == LISTED:
                    has_more = True
                    break
                listed.append(_summary(debrief))
                last = stream_id
        return {
            "debriefs": listed,
            "earlier": last if has_more else None,
            "looked": read.looked,
            "is_cut": read.is_cut,
        }

    async def _technique(self, request: Request) -> dict[str, Any]:
        queue, days = request.query_params.get("queue", ""), _days(request)
        tally, queues = Tally(_chosen(request)), set[str]()
        read = DebriefsRead(self._bus, self._most, since=time.time() - 86_400 * days)
        async with aclosing(read.each()) as found:
            async for _, debrief in found:
                if len(queues) < MOST_QUEUES:
                    queues.add(debrief.queue)
                if not queue or debrief.queue == queue:
                    tally.add(debrief)
        return {
            "use": tally.use(),
            "queue": queue,
            "days": days,
            "queues": sorted(queues - {""}),
            "looked": read.looked,
            "is_cut": read.is_cut,
        }

    def _answered(
        self, answer: Callable[[Request], Awaitable[dict[str, Any] | Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answered(request: Request) -> Response:
            try:
                async with asyncio.timeout(READ_SECONDS), self._turns:
                    content = await answer(request)
            except Refused as error:
                return PlainTextResponse(f"{error}\n", 400)
            except FAILURES:
                headers = {"Retry-After": "5"}
                return PlainTextResponse("redis does not answer, or too slowly; try again\n", 503, headers=headers)
            if isinstance(content, Response):
                return content
            whole = msgspec.json.encode({"now": time.time(), **content})
            return Response(whole, media_type="application/json", headers=NO_STORE)

        return answered


def _file(path: Path) -> Callable[[Request], Awaitable[Response]]:
    async def file(_: Request) -> Response:
        return FileResponse(path)

    return file


def _summary(debrief: Debrief) -> dict[str, Any]:
    """What finds a call again. Nothing by which calls could be ranked."""
    return {
        "call_id": debrief.call_id,
        "queue": debrief.queue,
        "opened_at": debrief.opened_at,
        "closed_at": debrief.closed_at,
        "cores": debrief.intake.cores,
        "about": debrief.intake.about,
        "turning_points": [each.kind for each in debrief.turning_points],
    }


def _before(request: Request) -> tuple[int, int] | None:
    text = request.query_params.get("before", "")
    if not text:
        return None
    if not _BEFORE.fullmatch(text):
        raise Refused("before: not Unix milliseconds or the id of an entry")
    milliseconds, _, number = text.partition("-")
    return int(milliseconds), int(number or 0)


def _days(request: Request) -> int:
    text = request.query_params.get("days", "7")
    if not _DAYS.fullmatch(text) or not 1 <= int(text) <= MOST_DAYS:
        raise Refused(f"days: not a number from 1 to {MOST_DAYS}")
    return int(text)


def _chosen(request: Request) -> Technique:
    try:
        return Technique(request.query_params.get("technique", Technique.ACKNOWLEDGE))
    except ValueError:
        raise Refused(f"technique: not one of {', '.join(Technique)}") from None
