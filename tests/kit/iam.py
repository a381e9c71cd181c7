"""IAM's decision, as far as our policies go: allowed by some statement, refused by none."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """One action on one resource. `context`: condition keys that the request has."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


def refused(documents: Iterable[Document], requests: Iterable[Request]) -> list[Request]:
    """Those of the requests that the policies together do not allow."""
    statements = [statement for document in documents for statement in document["Statement"]]
    return [request for request in requests if not _allowed(statements, request)]


def _allowed(statements: Sequence[Mapping[str, Any]], request: Request) -> bool:
    effects = {statement["Effect"] for statement in statements if _applies(statement, request)}
    return effects == {"Allow"}


def _applies(statement: Mapping[str, Any], request: Request) -> bool:
    if "NotAction" in statement:
        acts = not any(like(each, request.action, ignore_case=True) for each in statement["NotAction"])
    else:
        acts = any(like(each, request.action, ignore_case=True) for each in statement["Action"])
    on = any(like(each, request.resource) for each in statement["Resource"])
    tests = statement.get("Condition", {})
    return acts and on and all(_holds(operator, tests[operator], request.context) for operator in tests)


def _holds(operator: str, tests: Mapping[str, str | list[str]], context: Mapping[str, str]) -> bool:
    return all(
        _meets(operator, [wanted] if isinstance(wanted, str) else wanted, context.get(key))
        for key, wanted in tests.items()
    )


def _meets(operator: str, wanted: Sequence[str], found: str | None) -> bool:
    """A key that the request lacks meets no condition but a negated one."""
    match operator:
        case "StringEquals":
            return found in wanted
        case "StringNotEquals":
            return found not in wanted
        case "StringLike" | "ArnLike":
            return found is not None and any(like(each, found) for each in wanted)
    raise LookupError(operator)


def like(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Matched as IAM does: * and ? stand for anything, and for themselves as ${*} and ${?}."""
    return _regex(pattern, ignore_case).fullmatch(text) is not None


@cache
def _regex(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    parts = re.split(r"(\$\{[*?$]\}|[*?])", pattern)
    meant = {"*": ".*", "?": "."}
    regex = "".join(meant.get(part) or re.escape(part[2] if part.startswith("${") else part) for part in parts)
    return re.compile(regex, re.DOTALL | (re.IGNORECASE if ignore_case else 0))
