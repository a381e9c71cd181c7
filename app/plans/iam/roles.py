"""The policies of the three roles: who looks, who moves, who destroys what has moved; and who may take them on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.planning.plan import PlannedStep
from app.plans.iam.grants import Grant, Grants, Place
from app.plans.iam.statements import Statement, policies, statements
from app.resources.kind import Kind
from app.resources.permissions import reads_of

RoleName = Literal["discover", "migrate", "finalize"]

# aws-facts, "Deny". Refusing cannot be taken back by another policy of the role.
SHARING = ["ec2:ModifyImageAttribute", "ec2:ModifySnapshotAttribute", "rds:ModifyDBSnapshotAttribute"]
# Every action of IAM but PassRole, by the letters they begin with: a denial cannot make an exception.
ALL_BUT_PASS_ROLE = [f"iam:{start}*" for start in ("A", "C", "D", "E", "G", "L", "Pu", "R", "S", "T", "U")]
WITHOUT_REGION = ["iam:*", "route53:*", "sts:*"]

NOTES = {
    "iam:PassRole": "A role is passed with each instance profile: it is taken to be called as its profile. Where it is "
    "not, put the role's own name into the statement for iam:PassRole.",
    "kms:CreateGrant": "Keys are used through EC2 and RDS alone. Take these actions out where nothing is encrypted; "
    "keys whose own policy does not leave permission to IAM need to be told, too.",
    "elasticloadbalancing:CreateLoadBalancer": "Elastic Load Balancing, Auto Scaling and RDS each have a "
    "service-linked role, which an account that uses them has already. This role may not make one.",
}


@dataclass(frozen=True, slots=True)
class Policies:
    """`documents`: to be attached to one role, all of them. `notes`: what a person should know of them."""

    documents: list[Statement]
    notes: list[str]


def policies_for(
    role: RoleName, steps: Sequence[PlannedStep], kinds: Mapping[str, Kind], place: Place, regions: Sequence[str]
) -> Policies:
    """What `role` needs for this plan in `place`, and what it is denied in all the account's `regions`."""
    grants = list(_grants(role, steps, kinds, place))
    documents, widened = policies(denials(regions), statements(grants))
    actions = {grant.action for grant in grants}
    notes = [note for action, note in NOTES.items() if action in actions]
    if widened:
        notes.append(
            f"There are more things than policies of one role can name. Any of their type in {place.account} and "
            f"{place.region} are allowed for {', '.join(widened)}: plan in parts to have each named."
        )
    return Policies(documents, notes)


def _grants(role: RoleName, steps: Sequence[PlannedStep], kinds: Mapping[str, Kind], place: Place) -> Iterator[Grant]:
    """Every job discovers anew before it begins, to see whether the account is as it was."""
    actions = {step.action: step for kind in kinds.values() for step in kind.steps}
    grants = Grants(steps, actions, place)
    if role == "discover":
        yield from grants.reading(reads_of(kinds.values()))
        return
    yield from grants.reading(operation for kind in kinds.values() for operation in kind.reads)
    for step in steps:
        if (step.phase == "finalize") == (role == "finalize"):
            yield from grants.of(step)


def denials(regions: Sequence[str]) -> list[Statement]:
    """What the role may never do, whatever else is attached to it."""
    elsewhere = {"StringNotEquals": {"aws:RequestedRegion": sorted(regions)}}
    return [
        {"Effect": "Deny", "Action": ALL_BUT_PASS_ROLE, "Resource": ["*"]},
        {"Effect": "Deny", "Action": SHARING, "Resource": ["*"]},
        {"Effect": "Deny", "NotAction": WITHOUT_REGION, "Resource": ["*"], "Condition": elsewhere},
    ]


def trust(principal: str, external_id: str) -> dict[str, Any]:
    """Who may take the role on: `principal`, and only with the account's own external id."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Landbridge",
                "Effect": "Allow",
                "Principal": {"AWS": principal},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
            }
        ],
    }
