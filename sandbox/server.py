"""The sandbox over HTTP: AWS's own protocol at /, the control door under /_sandbox."""

import json
import logging
import uuid
from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sandbox import wire
from sandbox.dispatch import AnswerLostError, answer
from sandbox.door import ACTIONS, Action, act
from sandbox.errors import AwsError
from sandbox.running import Running
from sandbox.wire_refusals import protocol_guess, service_guess, write_error

DOOR = "/_sandbox"

logger = logging.getLogger("sandbox")


class Server:
    """An ASGI application. AWS's side is answered without a framework, which could not lose answers."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._door = _door(running)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(DOOR):
            await self._door(scope, receive, send)
            return
        request = await _request(scope, receive)
        try:
            reply = await run_in_threadpool(answer, self._running.world, request)
        except AnswerLostError:
            await _hang_up(receive, send)
            return
        except AssertionError as error:
            logger.exception("the sandbox made a mistake of its own")
            failure = AwsError("InternalFailure", str(error), 500)
            guess, protocol = service_guess(request), protocol_guess(request)
            reply = write_error(guess, failure, str(uuid.uuid4()), protocol)
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers.items()]
        headers.append((b"content-length", str(len(reply.body)).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})


async def _request(scope: Scope, receive: Receive) -> wire.HttpRequest:
    chunks = []
    more = True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    path = scope.get("raw_path") or scope["path"].encode()
    url = path.decode("latin-1")
    if scope["query_string"]:
        url += "?" + scope["query_string"].decode("latin-1")
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return wire.HttpRequest(scope["method"], url, headers, b"".join(chunks))


async def _hang_up(receive: Receive, send: Send) -> None:
    """Close the connection without a word. ASGI has no message for that: it takes uvicorn's transport,
    which belongs to the object whose method `send` is."""
    send.__self__.transport.close()  # type: ignore[attr-defined]
    while (await receive())["type"] != "http.disconnect":
        continue


def _door(running: Running) -> Starlette:
    by_path: dict[str, dict[str, Action]] = {}
    for (method, path), action in ACTIONS.items():
        by_path.setdefault(path, {})[method] = action
    routes = [
        Route(DOOR + path, _endpoint(running, actions), methods=list(actions)) for path, actions in by_path.items()
    ]
    routes.append(Route(DOOR, _index, methods=["GET"]))
    return Starlette(routes=routes, exception_handlers={HTTPException: _refusal})


def _endpoint(running: Running, actions: Mapping[str, Action]) -> Any:
    async def endpoint(request: Request) -> Response:
        action = actions.get(request.method) or actions["GET"]  # HEAD is a GET
        try:
            asked = {**request.query_params, **await _body(request)}
            return JSONResponse(await run_in_threadpool(act, running, action, asked))
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)

    return endpoint


async def _body(request: Request) -> dict[str, Any]:
    """Raises ValueError for what is not a JSON object; no body is an empty one."""
    raw = await request.body()
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise ValueError(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return body


async def _index(_: Request) -> Response:
    return JSONResponse({"doors": [f"{method} {DOOR}{path}" for method, path in ACTIONS]})


async def _refusal(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    doors = ", ".join(f"{method} {DOOR}{path}" for method, path in ACTIONS)
    words = f"{request.method} {request.url.path} is no door of the sandbox; there are {doors}"
    return JSONResponse({"error": words}, status)
