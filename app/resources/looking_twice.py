"""Looking again for what an earlier try may have made: AWS may not show a thing at once (aws-facts)."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.cloud import NotFound
from app.execution.step import Run

T = TypeVar("T")


async def look_twice(run: Run, find: Callable[[], Awaitable[T | None]]) -> T | None:
    """What `find` finds, at once or when it must be visible. `find` may raise NotFound for nothing."""
    found = await _or_nothing(find)
    if found is None:
        await run.consistency()
        found = await _or_nothing(find)
    return found


async def _or_nothing(find: Callable[[], Awaitable[T | None]]) -> T | None:
    try:
        return await find()
    except NotFound:
        return None
