"""What all of EC2's describe calls share: ids, filters, pages."""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from sandbox.ec2.tags import tags_of
from sandbox.errors import AwsError
from sandbox.world import Place

View = dict[str, Any]
Field = Callable[[View], Iterable[Any]]
MOST_FILTER_VALUES = 200


def select(
    place: Place,
    request: Mapping[str, Any],
    views: Iterable[tuple[str, View | Callable[[], View]]],
    fields: Mapping[str, Field],
    *,
    ids_param: str = "",
    not_found_code: str = "",
    id_filter: str = "",
) -> list[View]:
    """The views a describe request asks for, in their order.

    `views` are (id, view as boto3 shows it), all of them; a view may be a function that makes it, called
    only for ids that the request names (in `ids_param`, or by the filter `id_filter`, which then needs
    no field). `fields` gives, by filter name, the values of a view that the filter may match; booleans
    are matched as "true" and "false". `tag:<key>`, `tag-key` and `tag-value` work for every view's id.

    Raises AwsError: `not_found_code` for an id there is not, InvalidParameterValue for an unknown
    filter, FilterLimitExceeded.
    """
    ids = set(request.get(ids_param) or ()) if ids_param else set()
    filters = _filters(request, {*fields, id_filter})
    named = [values for name, values in filters if id_filter and name == id_filter]
    rest = [(name, values) for name, values in filters if not id_filter or name != id_filter]
    found: set[str] = set()
    chosen = []
    for key, lazy in views:
        if ids and key not in ids:
            continue
        found.add(key)
        if not all(_any_match([key], values) for values in named):
            continue
        view = lazy() if callable(lazy) else lazy
        if all(_any_match(_values(place, key, view, name, fields), values) for name, values in rest):
            chosen.append(view)
    _require_found(ids - found, not_found_code)
    return chosen


def paginate(
    items: list[View], request: Mapping[str, Any], key: str, *, smallest: int = 5, largest: int = 1000
) -> dict[str, Any]:
    """`{key: page}` of MaxResults items from NextToken on, with the NextToken of the next page if any.

    Raises InvalidParameterValue for a MaxResults below `smallest`, InvalidNextToken.
    """
    size = request.get("MaxResults")
    if size is not None and size < smallest:
        raise AwsError(
            "InvalidParameterValue",
            f"Value ( {size} ) for parameter maxResults is invalid."
            f" Expecting a value greater than or equal to {smallest}.",
        )
    start = _offset(request["NextToken"]) if request.get("NextToken") else 0
    if size is None:
        return {key: items[start:]}
    end = start + min(size, largest)
    page: dict[str, Any] = {key: items[start:end]}
    if end < len(items):
        page["NextToken"] = base64.urlsafe_b64encode(f"from {end}".encode()).decode()
    return page


def refuse_ids_with_pages(request: Mapping[str, Any], ids_param: str) -> None:
    """For calls that take either ids or MaxResults (DescribeInstances, DescribeVolumes …)."""
    if request.get(ids_param) and "MaxResults" in request:
        raise AwsError(
            "InvalidParameterCombination",
            f"The parameter {ids_param} cannot be used with the parameter maxResults",
        )


def _filters(request: Mapping[str, Any], known: set[str]) -> list[tuple[str, frozenset[str]]]:
    filters = []
    total = 0
    for asked in request.get("Filters") or ():
        name, values = asked.get("Name", ""), asked.get("Values") or []
        if name not in known and not name.startswith("tag:") and name not in {"tag-key", "tag-value"}:
            raise AwsError("InvalidParameterValue", f"The filter '{name}' is invalid")
        total += len(values)
        filters.append((name, frozenset(values)))
    if total > MOST_FILTER_VALUES:
        raise AwsError(
            "FilterLimitExceeded",
            f"The maximum number of filter values specified on a single call is {MOST_FILTER_VALUES}",
        )
    return filters


def _values(place: Place, key: str, view: View, name: str, fields: Mapping[str, Field]) -> list[str]:
    if name in fields:
        return [_text(value) for value in fields[name](view) if value is not None]
    tags = tags_of(place, key)
    if name == "tag-key":
        return list(tags)
    if name == "tag-value":
        return list(tags.values())
    wanted = name.removeprefix("tag:")
    return [tags[wanted]] if wanted in tags else []


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _any_match(values: Iterable[str], wanted: frozenset[str]) -> bool:
    plain = {pattern for pattern in wanted if not set(pattern) & set("*?\\")}
    rest = [_pattern(pattern) for pattern in wanted - plain]
    return any(value in plain or any(pattern.fullmatch(value) for pattern in rest) for value in values)


@cache
def _pattern(wildcards: str) -> re.Pattern[str]:
    """EC2's wildcards: * any run, ? any one character, a backslash takes away their meaning."""
    parts = re.findall(r"\\.|.", wildcards, re.DOTALL)
    known = {"*": ".*", "?": "."}
    return re.compile("".join(known.get(part) or re.escape(part[-1]) for part in parts), re.DOTALL)


def _require_found(missing: set[str], code: str) -> None:
    if missing:
        listed = ", ".join(sorted(missing))
        noun, verb = ("IDs", "do") if len(missing) > 1 else ("ID", "does")
        raise AwsError(code, f"The {noun} '{listed}' {verb} not exist")


def _offset(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token.encode()).decode().removeprefix("from "))
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise AwsError("InvalidNextToken", f"The token '{token}' is invalid") from error
