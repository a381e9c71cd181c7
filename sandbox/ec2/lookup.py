"""Finding a thing by the id that a caller named."""

from typing import TypeVar

from sandbox.errors import AwsError
from sandbox.world import Kept, Place

T = TypeVar("T", bound=Kept)


def named(place: Place, type_: type[T], key: str, code: str, noun: str) -> T:
    """What callers can see under this id, or the refusal `code` saying that this `noun` does not exist."""
    thing = place.table(type_).get(key)
    if thing is None or thing.visible_at > place.clock.now():
        raise AwsError(code, f"The {noun} '{key}' does not exist")
    return thing
