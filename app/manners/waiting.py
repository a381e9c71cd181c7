"""Holding a GET until there is news: `?wait=30` or `Prefer: wait=30` (RFC 7240)."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Protocol, TypeVar

from fastapi import Depends, Header, Query, Request, Response

from app.settings import Settings

LOOK_EVERY_SECONDS = 0.25

PREFERENCE = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,6})", re.IGNORECASE)


class Versioned(Protocol):
    """What can be waited for: its version grows with every change."""

    @property
    def version(self) -> int: ...


Thing = TypeVar("Thing", bound=Versioned)


def patience(
    request: Request,
    response: Response,
    wait: Annotated[
        float | None, Query(ge=0, le=3600, description="hold the answer until done or changed; 30 s at most")
    ] = None,
    prefer: Annotated[str | None, Header(alias="Prefer", description="`wait=30` is the same as `?wait=30`")] = None,
) -> float:
    """How many seconds the client is ready to wait, within our own limit."""
    settings: Settings = request.app.state.settings
    if wait is None and prefer is not None and (found := PREFERENCE.search(prefer)):
        wait = float(found[1])
        response.headers["Preference-Applied"] = f"wait={min(wait, settings.max_wait_seconds):g}"
    return min(wait or 0.0, settings.max_wait_seconds)


Patience = Annotated[float, Depends(patience)]


async def hold(load: Callable[[], Awaitable[Thing]], is_done: Callable[[Thing], bool], seconds: float) -> Thing:
    """What `load` gives once it is done or has changed, or what it gives when `seconds` are over.

    `load` opens and closes a session of its own each time: a held request holds no connection.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    first = thing = await load()
    while not is_done(thing) and thing.version == first.version and loop.time() < deadline:
        await asyncio.sleep(min(LOOK_EVERY_SECONDS, max(0.0, deadline - loop.time())))
        thing = await load()
    return thing
