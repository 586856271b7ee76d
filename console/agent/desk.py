"""The desk: an agent's own view of one call, by a signed link. The ASGI application behind /agent/… and its like.

It needs no password and reaches nothing else. What is sent is made from the board when it is sent; nothing is kept.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from console.access.gate import REFUSED
from console.agent.link import BadLink, expiry
from console.agent.own_call import own_call
from console.live.board import Board
from console.live.browsers import Full, frame
from console.live.follower import Follower
from console.live.stream import HEADERS, RETRY
from console.live.watchers import Watcher, Watchers

VIEW, EVENTS, FILES = "/agent/", "/agent-events/", "/agent-files/"
SERVED = frozenset({"agent.js", "agent.css", "base.css", "clock.js", "dom.js", "load.js", "words.js", "icon.svg"})
"""The page's files that an agent's view needs."""
WAIT_SECONDS = 600.0
"""For a call that is not on the board yet: a desktop opens its link while the call rings."""
SEND_SECONDS = 10.0
"""Who reads nothing for so long is disconnected."""
NO_STORE = {"Cache-Control": "no-store"}


class Desk:
    """Serves the views, if there is a key."""

    def __init__(self, key: bytes, board: Board, follower: Follower, watchers: Watchers, page: Path) -> None:
        """`page`: the folder with the page's files."""
        self._key = key
        self._board = board
        self._follower = follower
        self._watchers = watchers
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path: str = scope["path"]
        if not self._key:
            answer: Response = PlainTextResponse("agents' views are off; see console.agent_key\n", 404)
        elif scope["method"] != "GET":
            answer = Response(status_code=405, headers={"Allow": "GET"})
        elif path.startswith(FILES):
            name = path.removeprefix(FILES)
            answer = FileResponse(self._page / name) if name in SERVED else PlainTextResponse("no such file\n", 404)
        else:
            start = EVENTS if path.startswith(EVENTS) else VIEW
            try:
                call_id = path.removeprefix(start)
                expires = expiry(self._key, call_id, scope["query_string"], time.time())
                if start == EVENTS:
                    await self._serve(call_id, expires, scope, receive, send)
                    return
                if self._is_over(call_id, time.time()):
                    raise BadLink("this call is over")
                answer = FileResponse(self._page / "agent.html", headers=NO_STORE)
            except BadLink as error:
                REFUSED.labels("link").inc()
                answer = PlainTextResponse(f"{error}\n", 403, headers=NO_STORE)
            except Full:
                answer = PlainTextResponse("too many open views; close some\n", 503, headers={"Retry-After": "5"})
        await answer(scope, receive, send)

    async def _serve(self, call_id: str, expires: int, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the call's events until it or the link is over, nobody looks, or the process stops. Raises Full."""
        watcher = self._watchers.join(call_id)
        connection = scope["state"]["connection"]
        connection.sign_in()
        leaving = asyncio.create_task(_leave(receive, watcher), name="an agent's view leaves")
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            await send({"type": "http.response.body", "body": RETRY, "more_body": True})
            known, waits_until = False, time.monotonic() + WAIT_SECONDS
            while not watcher.is_over:
                now = time.time()
                call = self._call(call_id, now)
                known = known or call is not None
                gone = call is None and (known or time.monotonic() >= waits_until)
                over = gone or now >= expires or self._is_over(call_id, now)
                async with asyncio.timeout(SEND_SECONDS):
                    await send({"type": "http.response.body", "body": self._said(now, call, over), "more_body": True})
                if over:
                    break
                await watcher.woken()
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            connection.abort()
        finally:
            leaving.cancel()
            self._watchers.leave(watcher)

    def _call(self, call_id: str, now: float) -> dict[str, Any] | None:
        shown = self._board.calls.get(call_id)
        if shown is None:
            return None
        alerts = (alert for alert in reversed(self._board.alerts.values()) if alert.call_id == call_id)
        return own_call(shown.state, next(alerts, None), now, shown.load)

    def _is_over(self, call_id: str, now: float) -> bool:
        return call_id in self._board.calls and self._call(call_id, now) is None

    def _said(self, now: float, call: dict[str, Any] | None, over: bool) -> bytes:
        content = {
            "now": now,
            "stale_since": self._follower.stale_since,
            "heartbeat_seconds": self._follower.heartbeat_seconds,
            "over": over,
            "call": None if over else call,
        }
        return frame("call", msgspec.json.encode(content)).payload


async def _leave(receive: Receive, watcher: Watcher) -> None:
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
    finally:
        watcher.end()
