"""Lists: keyset pages, a cursor bound to its filters, and a Link to the next page."""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.errors import BadRequest, Code

Item = TypeVar("Item")
Row = TypeVar("Row")

LARGEST_PAGE = 200


class Page(BaseModel, Generic[Item]):
    """One page of a list. Subclass it by name, `class AccountList(Page[Account])`: generated clients
    take their class names from the schema's."""

    items: list[Item]
    next_cursor: str | None = Field(
        default=None, description="send it as `cursor` for the next page; absent on the last"
    )


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list was asked for; `filters` is every other query parameter."""

    limit: int
    after: str | None
    filters: tuple[tuple[str, str], ...]
    path: str

    def cursor(self, key: str) -> str:
        """The cursor of what follows `key`, good only for the same list with the same filters."""
        packed = json.dumps([digest(self.path, self.filters), key], separators=(",", ":"))
        return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")

    def link(self, cursor: str) -> str:
        """The Link header's value; relative, since a proxy may know us by another name."""
        query = urlencode([*self.filters, ("limit", str(self.limit)), ("cursor", cursor)])
        return f'<{self.path}?{query}>; rel="next"'


def window(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="items on a page")] = 50,
    cursor: Annotated[str | None, Query(max_length=2048, description="`next_cursor` of the page before")] = None,
) -> Window:
    """The asked-for part of a list; raises BadRequest for a cursor of another list."""
    filters = tuple(sorted((k, v) for k, v in request.query_params.multi_items() if k not in PAGING))
    after = None if cursor is None else unpack(cursor, request.url.path, filters)
    return Window(limit=limit, after=after, filters=filters, path=request.url.path)


PAGING = frozenset({"limit", "cursor"})
AskedWindow = Annotated[Window, Depends(window)]


async def fetch(
    session: AsyncSession,
    statement: Select[Row],
    key: InstrumentedAttribute[str],
    window: Window,
    *,
    newest_first: bool = False,
) -> tuple[Sequence[Row], str | None]:
    """The rows of `statement` in the window, ordered by the unique column `key`, and the next cursor."""
    if window.after is not None:
        statement = statement.where(key < window.after if newest_first else key > window.after)
    order = key.desc() if newest_first else key.asc()
    rows = (await session.scalars(statement.order_by(order).limit(window.limit + 1))).all()
    if len(rows) <= window.limit:
        return rows, None
    rows = rows[: window.limit]
    return rows, window.cursor(getattr(rows[-1], key.key))


def announce(response: Response, window: Window, next_cursor: str | None) -> None:
    """Set the Link header if there is a next page."""
    if next_cursor is not None:
        response.headers["Link"] = window.link(next_cursor)


def digest(path: str, filters: Sequence[tuple[str, str]]) -> str:
    """A short name for a list and its filters."""
    return hashlib.sha256(json.dumps([path, filters]).encode()).hexdigest()[:16]


def unpack(cursor: str, path: str, filters: Sequence[tuple[str, str]]) -> str:
    """The key that a cursor of ours holds."""
    try:
        held: Any = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        held = None
    match held:
        case [str(made_for), str(key)] if made_for == digest(path, filters):
            return key
        case [str(), str()]:
            detail = "This cursor belongs to another list, or to other filters; begin without a cursor."
        case _:
            detail = "This cursor is not one of ours; begin without a cursor."
    raise BadRequest(detail, code=Code.INVALID_CURSOR)
