"""Which media type to answer with, where an operation offers several (RFC 9110, section 12)."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Header

from app.errors import Code, LandbridgeError

JSON = "application/json"
PLAIN = "text/plain"
MARKDOWN = "text/markdown"
EVENTS = "text/event-stream"

Accept = Annotated[str | None, Header(alias="Accept", include_in_schema=False)]


def chosen(accept: str | None, offered: Sequence[str]) -> str:
    """The offered type that `accept` wants most, the first of equals; raises a 406 where it wants none."""
    if accept is None or not accept.strip():
        return offered[0]
    ranges = [parsed(part) for part in accept.split(",")]
    best = max(offered, key=lambda media: quality(media, ranges))
    if quality(best, ranges) <= 0:
        raise LandbridgeError(f"Ask for one of these: {', '.join(offered)}.", code=Code.NOT_ACCEPTABLE)
    return best


def parsed(part: str) -> tuple[str, float]:
    """A media range and its weight; one that cannot be read weighs nothing."""
    media, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weight = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
    try:
        return media, min(max(float(weight), 0.0), 1.0)
    except ValueError:
        return media, 0.0


def quality(media: str, ranges: Sequence[tuple[str, float]]) -> float:
    """The weight that the most specific matching range gives to `media`."""
    group = media.split("/", maxsplit=1)[0]
    for wanted in (media, f"{group}/*", "*/*"):
        weights = [weight for named, weight in ranges if named == wanted]
        if weights:
            return max(weights)
    return 0.0


def texts(*media_types: str, description: str = "The same for people") -> dict[int | str, dict[str, Any]]:
    """For `responses=`: the operation's 200 also comes in these types, as text."""
    content = {media: {"schema": {"type": "string"}} for media in media_types}
    return {200: {"description": description, "content": content}}
