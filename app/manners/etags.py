"""Strong ETags: 304 for what the client has, 412 and 428 for changes to what it has not seen."""

import hashlib
from typing import Annotated

from fastapi import Header, Response

from app.errors import PreconditionFailed, PreconditionRequired

IfMatch = Annotated[str | None, Header(alias="If-Match", description="the ETag you read; another version is 412")]
IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", description="the ETag you have; 304 if it is the newest")
]


def etag(*parts: object) -> str:
    """A strong entity tag of `parts`: the id, the version, and the media type where there are several."""
    joined = "\0".join(str(part) for part in parts)
    return f'"{hashlib.sha256(joined.encode()).hexdigest()[:24]}"'


def named(header: str) -> set[str]:
    """The tags in an If-Match or If-None-Match header."""
    return {tag.strip() for tag in header.split(",")}


def is_current(if_none_match: str | None, current: str) -> bool:
    """Whether the client has `current` already; weak comparison, as RFC 9110 wants it for reads."""
    if if_none_match is None:
        return False
    tags = {tag.removeprefix("W/") for tag in named(if_none_match)}
    return "*" in tags or current in tags


def not_modified(current: str) -> Response:
    """304."""
    return Response(status_code=304, headers={"ETag": current})


def check_match(if_match: str | None, current: str, *, required: bool) -> None:
    """Refuse a change to a version that the client has not seen.

    Raises PreconditionRequired without If-Match where it is `required`, PreconditionFailed on another.
    """
    if if_match is None:
        if required:
            raise PreconditionRequired("Read the resource and send its ETag in If-Match.")
        return
    tags = named(if_match)
    if "*" not in tags and current not in tags:
        raise PreconditionFailed(
            "It has changed since you read it: read it again, look at the change, and send the new ETag."
        )
