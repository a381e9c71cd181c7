"""One session per request: reads statement by statement, changes in one transaction.

Every router is made with `route_class=Route`. The transaction is opened around the endpoint and
committed before the response leaves, so that a client never sees an answer the database then refused.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.exceptions import HTTPException

from app.db import Database
from app.manners.idempotency import Replayed, remember
from app.manners.principals import authenticated, bearer_scheme

# What keeps the audit trail; it stands above this package.
Trail = Callable[[Request, AsyncSession, Response], Awaitable[None]]

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Route(APIRoute):
    """A route whose endpoint runs in a session, and whose answers leave out what is null."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        options["response_model_exclude_none"] = True
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Handler:
        """FastAPI's handler inside a session."""
        handle = known_first(super().get_route_handler())

        async def handle_in_session(request: Request) -> Response:
            database: Database = request.app.state.database
            if request.method in READING_METHODS:
                async with database.reading() as session:
                    request.state.session = session
                    return await handle(request)
            try:
                async with database.transaction() as session:
                    request.state.session = session
                    response: Response = await handle(request)
                    await remember(request, session, response)
                    await take_down(request, session, response)
                    return response
            except Replayed as replay:
                return replay.response

        return handle_in_session


def known_first(handle: Handler) -> Handler:
    """`handle`, whose callers hear what is wrong with a body only once it is known who they are.

    The framework reads the body before anything else, and refuses one that it cannot read.
    """

    async def handle_known(request: Request) -> Response:
        try:
            return await handle(request)
        except (RequestValidationError, HTTPException):
            if not hasattr(request.state, "principal"):
                await authenticated(request, await bearer_scheme(request))
            raise

    return handle_known


async def take_down(request: Request, session: AsyncSession, response: Response) -> None:
    """Have the trail tell of a change, in its own transaction: neither stands without the other."""
    trail: Trail = request.app.state.trail
    await trail(request, session, response)


def take_down_too(request: Request, data: Mapping[str, Any]) -> None:
    """Have the trail's line tell this besides what every line tells."""
    request.state.taken_down_too = data


def session_of(request: Request) -> AsyncSession:
    """The session of this request; it is closed when the endpoint has returned, so streams open their own."""
    session: AsyncSession = request.state.session
    return session


Session = Annotated[AsyncSession, Depends(session_of)]


def database_of(request: Request) -> Database:
    """The database, for endpoints that outlive one session: those that wait, stream, or call AWS."""
    database: Database = request.app.state.database
    return database


TheDatabase = Annotated[Database, Depends(database_of)]
