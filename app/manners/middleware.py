"""What surrounds every request, as plain ASGI: its id, its log line, its measure, and a bound on its body.

BaseHTTPMiddleware is avoided: it makes a plain answer almost three times slower.
"""

import re
import secrets
import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import TooLarge
from app.manners.metrics import Metrics
from app.manners.problems import problem_response

log = structlog.get_logger("landbridge.api")

# What we take over from callers goes into logs and headers: nothing that could break out of either.
REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")

UNMATCHED = "unmatched"
QUIET_ROUTES = frozenset({"/livez", "/readyz", "/metrics"})


class Surroundings:
    """Gives the request its id, follows its trace, and says in log and metrics how it ended."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = headers.get("x-request-id", "")
        if not REQUEST_ID.fullmatch(request_id):
            request_id = f"req_{secrets.token_hex(12)}"
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        if trace := TRACEPARENT.fullmatch(headers.get("traceparent", "")):
            state["traceparent"] = trace[0]
            structlog.contextvars.bind_contextvars(trace_id=trace[1], parent_span_id=trace[2])
        await self.measured(scope, receive, send, request_id)

    async def measured(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Run the request; log and count it however it ends."""
        status = 500
        started = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                added = MutableHeaders(scope=message)
                added["X-Request-Id"] = request_id
                added["X-Content-Type-Options"] = "nosniff"  # what we answer as text is never a page
                added.update(scope["state"].get("rate_fields", {}))
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - started
            route = getattr(scope.get("route"), "path", UNMATCHED)
            self.metrics.answered(scope["method"], route, status, seconds)
            if route not in QUIET_ROUTES:
                log.info(
                    "request.answered",
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    seconds=round(seconds, 4),
                )


class BodyLimit:
    """Answers 413 to a body over the limit, announced or not, without reading the rest of it."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = problem_response(
            scope,
            TooLarge(
                f"The body is larger than {self.max_bytes} bytes: send less, or split the request.",
                headers={"Connection": "close"},
            ),
        )
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced) > self.max_bytes:
            await refusal(scope, receive, send)
            return
        seen = 0
        refused = False

        async def receive_within_limit() -> Message:
            nonlocal seen, refused
            message = await receive()
            seen += len(message.get("body", b""))
            if seen <= self.max_bytes:
                return message
            refused = True
            await refusal(scope, receive, send)
            # The endpoint gives up as if the client had gone; what it still says is dropped below.
            return {"type": "http.disconnect"}

        async def send_unless_refused(message: Message) -> None:
            if not refused:
                await send(message)

        await self.app(scope, receive_within_limit, send_unless_refused)
