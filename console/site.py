"""The paths: the page, its events, and the same state as JSON for scripts."""

from __future__ import annotations

import html
import time
from pathlib import Path
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from console.access.gate import Gate
from console.agent.desk import Desk
from console.live.board import Board
from console.live.follower import Follower
from console.live.stream import EventStream
from console.review.pages import Review
from console.settings import ConsoleSettings

PAGE = Path(__file__).parent / "page"
SOFTPHONE_PLACE = "<!-- softphone -->"
SOFTPHONE = """<p id="softphone" class="invitation">\
Dial <code>{}</code> with a softphone, speak, and read yourself here.</p>"""


def site(
    settings: ConsoleSettings, board: Board, follower: Follower, events: EventStream, review: Review, desk: Desk
) -> ASGIApp:
    """The application: `/`, `/page/…`, `/events`, `/api/calls`, `/api/alerts`, and the review's and desk's paths."""

    softphone = SOFTPHONE.format(html.escape(settings.softphone)) if settings.softphone else ""
    index = (PAGE / "index.html").read_text("utf-8").replace(SOFTPHONE_PLACE, softphone)

    async def page(_: Request) -> Response:
        return HTMLResponse(index)

    async def calls(_: Request) -> Response:
        return _json(follower, {"calls": board.calls_json()})

    async def alerts(_: Request) -> Response:
        return _json(follower, {"alerts": board.alerts_json()})

    routes = [
        Route("/", page),
        Route("/events", events),
        Route("/api/calls", calls),
        Route("/api/alerts", alerts),
        *review.routes(PAGE),
        Mount("/page", StaticFiles(directory=PAGE)),
    ]
    return Gate(Starlette(routes=routes), desk, settings)


def _json(follower: Follower, content: dict[str, Any]) -> Response:
    whole = {"now": time.time(), "stale_since": follower.stale_since, **content}
    return Response(msgspec.json.encode(whole), media_type="application/json", headers={"Cache-Control": "no-store"})
