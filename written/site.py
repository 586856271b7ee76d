"""The paths: a message comes in, a conversation is closed."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from callbus.redis.conversations import Conflict, Conversations, Crowded
from callbus.redis.trouble import FAILURES, trouble_of
from written.gate import BUSY_SECONDS, REQUESTS, Gate, refusal
from written.request import BODY_BYTES, Refused, id_of, message_of
from written.settings import WrittenSettings

BODY_SECONDS = 10.0
"""A body that takes longer is given up."""
PASSED_BYTES = 4_194_304
"""Most of a body that is too large that is read, and not kept."""
REDIS_SECONDS = 3.0
"""Without an answer by then the client is told to repeat."""
AWAY_SECONDS = 2
"""After so long a client may try again."""


class _TooLarge(Exception):
    """A body beyond BODY_BYTES."""


class _Slow(Exception):
    """A body that does not come."""


def site(settings: WrittenSettings, conversations: Conversations) -> ASGIApp:
    """The application: `POST /v1/turns`, `POST /v1/conversations/{id}/close`."""

    async def take(request: Request) -> Response:
        message = message_of(await _body(request), time.time())
        async with asyncio.timeout(REDIS_SECONDS):
            taken = await conversations.take(message)
        REQUESTS.labels("repeated" if taken.is_repeated else "taken").inc()
        return _accepted(
            conversation=message.conversation,
            sequence=taken.sequence,
            repeated=taken.is_repeated,
            characters=len(message.text),
        )

    async def close(request: Request) -> Response:
        await _body(request)
        conversation = id_of(request.path_params["conversation"])
        async with asyncio.timeout(REDIS_SECONDS):
            known = await conversations.close(conversation)
        if not known:
            return refusal("unknown", 404, "no such conversation", "give the id of one that has messages")
        REQUESTS.labels("closed").inc()
        return _accepted(conversation=conversation)

    routes = [
        Route("/v1/turns", take, methods=["POST"]),
        Route("/v1/conversations/{conversation:path}/close", close, methods=["POST"]),
    ]
    handlers: dict[Any, Any] = {
        Refused: _refused,
        _TooLarge: _too_large,
        _Slow: _slow,
        Crowded: _crowded,
        Conflict: _refused,
        TimeoutError: _silent,
        ClientDisconnect: _gone,
        404: _nowhere,
        405: _nowhere,
        **dict.fromkeys(FAILURES, _failed),
    }
    application = Starlette(routes=routes, exception_handlers=handlers)
    return Gate(application, settings.accepted(), settings.requests_per_second, settings.max_requests)


async def _body(request: Request) -> bytes:
    """The whole body. Raises _TooLarge, _Slow, ClientDisconnect.

    What is too large is let pass for a while: a connection that is closed over unread bytes loses the answer.
    """
    length = request.headers.get("content-length", "0")
    passed = 0
    body = bytearray()
    if len(length) > 9 or int(length) > PASSED_BYTES:
        raise _TooLarge
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                passed += len(part)
                if passed <= BODY_BYTES:
                    body += part
                if passed > PASSED_BYTES:
                    break
    except TimeoutError:
        raise _Slow from None
    if passed > BODY_BYTES:
        raise _TooLarge
    return bytes(body)


def _accepted(**fields: object) -> Response:
    return JSONResponse(fields, 202, {"Cache-Control": "no-store"})


async def _refused(_: Request, error: Exception) -> Response:
    fault, cure = str(error).split("; ", 1)
    return refusal("malformed", 409 if isinstance(error, Conflict) else 400, fault, cure)


async def _too_large(_: Request, error: Exception) -> Response:
    cure = f"send at most {BODY_BYTES} bytes: the message without attachments and the mail that it quotes"
    return refusal("too_large", 413, f"body: more than {BODY_BYTES} bytes", cure, {"Connection": "close"})


async def _slow(_: Request, error: Exception) -> Response:
    cure = f"send the whole body within {BODY_SECONDS:.0f} s"
    return refusal("slow", 408, "body: it does not come", cure, {"Connection": "close"})


async def _gone(_: Request, error: Exception) -> Response:
    return refusal("malformed", 400, "body: it broke off", "send the whole body")


async def _crowded(_: Request, error: Exception) -> Response:
    cure = "send it again after Retry-After: nothing is taken twice"
    return refusal("crowded", 503, str(error), cure, {"Retry-After": str(BUSY_SECONDS)})


async def _silent(_: Request, error: Exception) -> Response:
    return _unavailable("redis does not answer in time")


async def _failed(_: Request, error: Exception) -> Response:
    return _unavailable(trouble_of(error).said)


def _unavailable(cause: str) -> Response:
    cure = "send it again after Retry-After: nothing is taken twice"
    return refusal("unavailable", 503, cause, cure, {"Retry-After": str(AWAY_SECONDS)})


async def _nowhere(request: Request, error: Exception) -> Response:
    cure = "POST to /v1/turns or /v1/conversations/{id}/close"
    return refusal("malformed", getattr(error, "status_code", 404), "no such path or method", cure)
