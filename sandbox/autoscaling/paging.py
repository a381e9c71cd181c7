"""What Auto Scaling's describe calls share: pages, and filters by tag."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sandbox.errors import AwsError

MOST = 100
USUAL = 50


def page(views: Sequence[Mapping[str, Any]], request: Mapping[str, Any], key: str) -> dict[str, Any]:
    """`{key: page}` of MaxRecords views from NextToken on. Raises ValidationError, InvalidNextToken."""
    size = int(request.get("MaxRecords") or USUAL)
    if not 1 <= size <= MOST:
        raise AwsError("ValidationError", f"MaxRecords must be between 1 and {MOST}")
    token = request.get("NextToken") or "0"
    if not token.isdecimal():
        raise AwsError("InvalidNextToken", "The NextToken value is not valid.")
    start = int(token)
    answer: dict[str, Any] = {key: list(views[start : start + size])}
    if start + size < len(views):
        answer["NextToken"] = str(start + size)
    return answer


def filters_of(request: Mapping[str, Any], known: Iterable[str]) -> list[tuple[str, set[str]]]:
    """(name, values) of a request's Filters; tag:<key> is a name too. Raises ValidationError."""
    found = []
    names = set(known)
    for asked in request.get("Filters") or ():
        name = asked.get("Name", "")
        if name not in names and not ("tag:" in names and name.startswith("tag:")):
            raise AwsError("ValidationError", f"Filter type {name} is not correct. Allowed: {', '.join(sorted(names))}")
        found.append((name, set(asked.get("Values") or ())))
    return found
