"""From grants to statements, and from those to policies that IAM takes."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from app.plans.iam.grants import Condition, Grant

MOST_CHARACTERS = 6_144  # of a managed policy; IAM counts no white space [K]
MOST_POLICIES = 10  # that a role takes before its quota is raised [K]
CHUNK = 3_500  # characters of what one statement names, so that statements of it fit

Statement = dict[str, Any]


def statements(grants: Iterable[Grant]) -> list[Statement]:
    """The fewest that say no more than the grants: actions under equal conditions on equal things share one."""
    things: dict[tuple[str, tuple[Condition, ...]], set[str]] = defaultdict(set)
    for grant in grants:
        things[grant.action, tuple(sorted(grant.conditions))].add(grant.resource)
    alike: dict[tuple[tuple[Condition, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    for (action, conditions), resources in things.items():
        alike[conditions, tuple(sorted(resources))].append(action)
    return [
        {"Effect": "Allow", "Action": sorted(actions), "Resource": list(resources), **_condition(conditions)}
        for (conditions, resources), actions in sorted(alike.items())
    ]


def _condition(conditions: Sequence[Condition]) -> Statement:
    written: dict[str, dict[str, str]] = defaultdict(dict)
    for operator, key, value in conditions:
        written[operator][key] = value
    return {"Condition": dict(written)} if written else {}


def policies(denied: Sequence[Statement], allowed: Sequence[Statement]) -> tuple[list[Statement], list[str]]:
    """Documents within IAM's limits, and what had to be widened for that."""
    widened: list[str] = []
    statements_now = list(allowed)
    while len(documents := _packed([*denied, *_chunks(statements_now)])) > MOST_POLICIES:
        longest = max(range(len(statements_now)), key=lambda index: len(statements_now[index]["Resource"]))
        wide = sorted({_wide(arn) for arn in statements_now[longest]["Resource"]})
        if wide == statements_now[longest]["Resource"]:
            break
        widened += statements_now[longest]["Action"]
        statements_now[longest] = {**statements_now[longest], "Resource": wide}
    return documents, sorted(set(widened))


def _wide(arn: str) -> str:
    """Any thing of its type in the account and region."""
    return re.sub(r"[^/:]*$", "*", arn)


def _chunks(some: Iterable[Statement]) -> Iterator[Statement]:
    for statement in some:
        part: list[str] = []
        for arn in statement["Resource"]:
            if part and sum(map(len, part)) + len(arn) > CHUNK:
                yield {**statement, "Resource": part}
                part = []
            part.append(arn)
        yield {**statement, "Resource": part}


def _packed(some: Iterable[Statement]) -> list[Statement]:
    found: list[Statement] = []
    room = 0
    for number, statement in enumerate(some, 1):
        named = {"Sid": f"{_sid(statement)}{number}", **statement}
        size = written(named) + 1
        if not found or size > room:
            found.append({"Version": "2012-10-17", "Statement": []})
            room = MOST_CHARACTERS - written(found[-1])
        found[-1]["Statement"].append(named)
        room -= size
    return found


def written(document: Mapping[str, Any]) -> int:
    """How many characters IAM counts."""
    return len(json.dumps(document, separators=(",", ":")))


def _sid(statement: Statement) -> str:
    """What kind of permission it is, for whoever reads the policy."""
    if statement["Effect"] == "Deny":
        return "Never"
    keys = [key for tests in statement.get("Condition", {}).values() for key in tests]
    kinds = {"aws:RequestTag/": "Made", "aws:ResourceTag/landbridge": "Ours", "aws:RequestedRegion": "Region"}
    return next((word for start, word in kinds.items() if any(key.startswith(start) for key in keys)), "Named")
