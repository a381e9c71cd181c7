"""Pages of what is ordered by a number within one thing: a plan's steps, a job's events."""

from collections.abc import Sequence
from typing import TypeVar

from app.errors import BadRequest, Code
from app.manners.pages import Window

Row = TypeVar("Row")

LARGEST = 2**31 - 1


def position(window: Window) -> int:
    """The number after which the page begins; raises BadRequest for a cursor that holds none."""
    if window.after is None:
        return 0
    if not window.after.isascii() or not window.after.isdecimal() or int(window.after) > LARGEST:
        raise BadRequest("This cursor is not one of ours; begin without a cursor.", code=Code.INVALID_CURSOR)
    return int(window.after)


def cut(window: Window, rows: Sequence[tuple[int, Row]]) -> tuple[list[Row], str | None]:
    """The page of rows (each with its number, one more fetched than the limit), and the next cursor."""
    page = rows[: window.limit]
    cursor = window.cursor(str(page[-1][0])) if len(rows) > window.limit else None
    return [row for _, row in page], cursor
