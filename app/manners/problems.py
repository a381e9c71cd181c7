"""Every error as application/problem+json (RFC 9457), and never an exception's text in it."""

import re

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.types import Scope

from app.errors import MEANINGS, Code, FieldError, Invalid, LandbridgeError, Unavailable

log = structlog.get_logger("landbridge.api")

MEDIA_TYPE = "application/problem+json"

FRAMEWORK_CODES = {
    401: Code.UNAUTHORIZED,
    403: Code.FORBIDDEN,
    404: Code.NOT_FOUND,
    405: Code.METHOD_NOT_ALLOWED,
    406: Code.NOT_ACCEPTABLE,
    413: Code.TOO_LARGE,
    415: Code.UNSUPPORTED_MEDIA_TYPE,
    422: Code.INVALID_REQUEST,
}


class ProblemError(BaseModel):
    """One thing wrong with the request."""

    pointer: str = Field(description="a JSON pointer into the body, or `query/…`, `path/…`, `header/…`")
    code: str
    detail: str


class Problem(BaseModel):
    """What went wrong and what to do next (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str = Field(description="one of the codes in docs/errors.md")
    request_id: str
    errors: list[ProblemError] | None = None


class ProblemResponse(JSONResponse):
    """A problem document."""

    media_type = MEDIA_TYPE


def problem_response(scope: Scope, error: LandbridgeError) -> ProblemResponse:
    """`error` as the answer to the request in `scope`."""
    request_id = scope.get("state", {}).get("request_id", "")
    problem = Problem(
        type=f"urn:landbridge:problem:{error.code}",
        title=error.title,
        status=error.status,
        detail=error.detail,
        instance=scope["path"],
        code=error.code,
        request_id=request_id,
        errors=[ProblemError(pointer=e.pointer, code=e.code, detail=e.detail) for e in error.errors] or None,
    )
    headers = dict(error.headers)
    if error.status == 500:
        # This answer is given outside our own middleware, which adds the header to all others.
        headers["X-Request-Id"] = request_id
    return ProblemResponse(problem.model_dump(exclude_none=True), status_code=error.status, headers=headers)


def install(app: FastAPI) -> None:
    """Make `app` answer every error, its own and the framework's, with a problem document."""

    @app.exception_handler(LandbridgeError)
    async def expected(request: Request, error: LandbridgeError) -> ProblemResponse:
        return problem_response(request.scope, error)

    @app.exception_handler(HTTPException)
    async def framework(request: Request, error: HTTPException) -> ProblemResponse:
        code = FRAMEWORK_CODES.get(error.status_code, Code.BAD_REQUEST)
        headers = dict(error.headers or {})
        if code is Code.METHOD_NOT_ALLOWED and (methods := methods_of(app, request.url.path)):
            # The framework names only the methods of the first route that has this path.
            headers["Allow"] = ", ".join(methods)
        mended = LandbridgeError(MEANINGS[code].help, code=code, headers=headers)
        return problem_response(request.scope, mended)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> ProblemResponse:
        return problem_response(request.scope, from_validation(error))

    @app.exception_handler(DBAPIError)
    async def database(request: Request, error: DBAPIError) -> ProblemResponse:
        return problem_response(request.scope, from_database(error))

    @app.exception_handler(PoolTimeoutError)
    @app.exception_handler(ConnectionError)
    async def unreachable(request: Request, error: Exception) -> ProblemResponse:
        log.error("database.unreachable", exc_info=error)
        return problem_response(request.scope, database_unavailable())

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> ProblemResponse:
        log.error("request.failed", exc_info=error)
        return problem_response(request.scope, our_fault())


def methods_of(app: FastAPI, path: str) -> list[str]:
    """The methods that the documented operations on `path` have."""
    for template, item in app.openapi()["paths"].items():
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path):
            return sorted(method.upper() for method in item)
    return []


def from_validation(error: RequestValidationError) -> Invalid:
    """What pydantic found, as pointers and sentences; the offending values are not repeated."""
    found = [
        FieldError(
            pointer=pointer(item["loc"]),
            code=item["type"],
            detail=item["msg"].removeprefix("Value error, "),
        )
        for item in error.errors()
    ]
    return Invalid(f"{len(found)} part(s) of the request are not acceptable: see errors.", errors=found)


def pointer(loc: tuple[int | str, ...]) -> str:
    """Where in the request: ("body", "regions", 0) is "/regions/0", ("query", "limit") is "query/limit"."""
    place, *rest = (str(part).replace("~", "~0").replace("/", "~1") for part in loc)
    if place == "body":
        return "".join(f"/{part}" for part in rest)
    return "/".join([place, *rest])


def from_database(error: DBAPIError) -> LandbridgeError:
    """What a failed statement means to the caller, by Postgres's SQLSTATE classes."""
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if state.startswith("22"):
        return Invalid("A value holds a character or number that cannot be stored; leave out NUL and the like.")
    log.error("database.failed", sqlstate=state, exc_info=error)
    if error.connection_invalidated or state[:2] in {"08", "28", "3D", "40", "53", "57"}:
        return database_unavailable()
    return our_fault()


def our_fault() -> LandbridgeError:
    """The answer where the caller can do nothing but tell us."""
    return LandbridgeError("This is a fault of ours. " + MEANINGS[Code.INTERNAL_ERROR].help)


def database_unavailable() -> Unavailable:
    """The answer while Postgres cannot be reached or asks us to repeat."""
    return Unavailable("The database did not answer; repeat the request.", headers={"Retry-After": "1"})
