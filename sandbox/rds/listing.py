"""How RDS lists things: filters by name, pages of 20 to 100 with a marker."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sandbox.rds.refusals import invalid_value

View = dict[str, Any]

DEFAULT_PAGE = 100
SMALLEST_PAGE = 20
LARGEST_PAGE = 100


def filtered(
    views: Iterable[View], request: Mapping[str, Any], fields: Mapping[str, Callable[[View], Iterable[str]]]
) -> list[View]:
    """The views that every filter lets through. Raises InvalidParameterValue for an unknown filter."""
    chosen = list(views)
    for each in request.get("Filters") or ():
        name = each["Name"]
        if name not in fields:
            raise invalid_value(f"Unrecognized filter name: {name}")
        wanted = {value.lower() for value in each["Values"]}
        chosen = [view for view in chosen if any(have.lower() in wanted for have in fields[name](view))]
    return chosen


def page(views: Iterable[View], request: Mapping[str, Any], key: str, name: str) -> View:
    """One page under `key`, ordered by the member `name`; a `Marker` when there is more.

    The marker is the last name shown, so that things made or deleted between two pages neither
    repeat nor hide others.
    """
    size = request.get("MaxRecords") or DEFAULT_PAGE
    if not SMALLEST_PAGE <= size <= LARGEST_PAGE:
        raise invalid_value(f"Invalid value {size} for MaxRecords. Must be between 20 and 100")
    after = request.get("Marker") or ""
    rest = sorted((view for view in views if view[name] > after), key=lambda view: str(view[name]))
    answer: View = {key: rest[:size]}
    if len(rest) > size:
        answer["Marker"] = rest[size - 1][name]
    return answer
