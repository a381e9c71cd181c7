"""From declared calls to single permissions: one action on one thing, under conditions.

What is named by the plan is named in the policy; what the job makes is known by its tag (aws-facts, "The least the
role needs"). Where AWS honours tags and ARNs differs from action to action [K]: try a policy with IAM's simulator.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jmespath

from app.execution.calls import OUR_TAG, Thing
from app.execution.step import Step
from app.planning.plan import PlannedStep, StepId
from app.resources.permissions import PREFIXES, iam_action

JOBS = "job_*"  # how the ids of jobs look
GLOBAL = frozenset({"iam", "route53", "sts"})  # services without regions
NO_OWNER = frozenset({"image", "snapshot"})  # EC2 writes these ARNs without an account
ARN_KEYS = frozenset({"ec2:LaunchTemplate", "ec2:Vpc"})  # condition keys whose values are ARNs
PATH = re.compile(r"\{([^{}]*)\}")
# What is asked for besides where a thing is tagged as it is made [K]; the first two say by which action.
TAGGING = {
    "ec2": "ec2:CreateTags",
    "elb": "elasticloadbalancing:AddTags",
    "rds": "rds:AddTagsToResource",
    "autoscaling": "autoscaling:CreateOrUpdateTags",
    "cloudwatch": "cloudwatch:TagResource",
}
CREATE_ACTION = {"ec2": "ec2:CreateAction", "elb": "elasticloadbalancing:CreateAction"}

Condition = tuple[str, str, str]  # operator, key, value


@dataclass(frozen=True, slots=True)
class Place:
    """Where the permissions hold."""

    account: str
    region: str

    @property
    def partition(self) -> str:
        return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(self.region.rsplit("-", 2)[0], "aws")

    def arn(self, service: str, end: str) -> str:
        """The ARN of a thing of this account and region, from its end."""
        if end == "*":
            return end
        region = "" if service in GLOBAL else self.region
        nobodys = service == "route53" or (service == "ec2" and end.partition("/")[0] in NO_OWNER)
        account = "" if nobodys else self.account
        return f"arn:{self.partition}:{PREFIXES.get(service, service)}:{region}:{account}:{end}"


@dataclass(frozen=True, slots=True)
class Grant:
    """One action on one thing."""

    action: str
    resource: str
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    """A declared thing with its path filled: the end of an ARN, and what is known of it."""

    end: str
    whose: str
    where: tuple[tuple[str, str], ...]


class Grants:
    """The grants for a plan's steps in one place."""

    def __init__(self, steps: Iterable[PlannedStep], actions: Mapping[str, Step], place: Place) -> None:
        self._steps: dict[StepId, PlannedStep] = {step.id: step for step in steps}
        self._actions = actions
        self._place = place

    def of(self, step: PlannedStep) -> Iterator[Grant]:
        """What the step may need in doing, keeping, checking and undoing."""
        action = self._actions[step.action]
        for declared in (action.calls, action.permits):
            for operation, reach in declared.items():
                for thing in reach:
                    for found in self._things(thing, step):
                        yield from self._granted(operation, found)

    def reading(self, operations: Iterable[str]) -> Iterator[Grant]:
        """Reads, for the region as a whole."""
        for operation in operations:
            yield from self._granted(operation, _Found("*", "named", ()))

    def _things(self, thing: Thing, step: PlannedStep) -> Iterator[_Found]:
        params = {**step.params, "region": self._place.region}
        where = tuple((key, _wide(value, params)) for key, value in thing.where)
        path = PATH.search(thing.arn)
        if path is None:
            yield _Found(thing.arn, thing.whose, where)
            return
        for value in _values(jmespath.search(path[1], params)):
            if isinstance(value, Mapping):
                yield from self._promised(thing, value["$from"])
            else:
                text = value.rpartition("/")[2] if value.startswith("arn:") else value
                yield _Found(thing.arn.replace(path[0], quoted(text)), thing.whose, where)

    def _promised(self, thing: Thing, source: StepId) -> Iterator[_Found]:
        """What an earlier step makes: known by our tag, unless that step says otherwise."""
        step = self._steps.get(source)
        kind = thing.arn.partition("{")[0]
        known = self._actions[step.action].untagged(step.params) if step else ()
        found = [each for other in known if other.arn.startswith(kind) and step for each in self._things(other, step)]
        yield from found or [_Found(PATH.sub("*", thing.arn), "ours", ())]

    def _granted(self, operation: str, found: _Found) -> Iterator[Grant]:
        service = operation.partition(".")[0]
        resource = self._place.arn(service, found.end)
        conditions = tuple(self._conditions(service, found))
        yield Grant(iam_action(operation), resource, conditions)
        if found.whose == "made" and service in TAGGING:
            name = iam_action(operation).partition(":")[2]
            by = (("StringEquals", CREATE_ACTION[service], name),) if service in CREATE_ACTION else ()
            yield Grant(TAGGING[service], resource, (*conditions, *by))

    def _conditions(self, service: str, found: _Found) -> Iterator[Condition]:
        if found.end == "*" and service not in GLOBAL:
            yield "StringEquals", "aws:RequestedRegion", self._place.region
        if found.whose == "made":
            yield "StringLike", f"aws:RequestTag/{OUR_TAG}", JOBS
        if found.whose == "ours":
            yield "StringLike", f"aws:ResourceTag/{OUR_TAG}", JOBS
        for key, value in found.where:
            if key in ARN_KEYS:
                yield "ArnLike", key, self._place.arn(service, value)
            else:
                yield "StringEquals", key, value


def quoted(name: str) -> str:
    """A name that somebody else has chosen: what it holds of IAM's own signs stands for itself."""
    return re.sub(r"[*?$]", lambda sign: "${" + sign[0] + "}", name)


def _values(found: Any) -> list[Any]:
    """Every text and every promise in what a path led to."""
    if isinstance(found, list | tuple):
        return [value for inner in found for value in _values(inner)]
    return [found] if found and (isinstance(found, str) or (isinstance(found, Mapping) and "$from" in found)) else []


def _wide(template: str, params: Mapping[str, Any]) -> str:
    """A condition's value; any, where it is not known yet."""
    path = PATH.search(template)
    if path is None:
        return template
    values = [value for value in _values(jmespath.search(path[1], params)) if isinstance(value, str)]
    return template.replace(path[0], quoted(values[0]) if values else "*")
