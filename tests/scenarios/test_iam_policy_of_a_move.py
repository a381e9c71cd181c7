"""A role with a plan's own policies, and nothing else, may carry the plan out and back; and may do nothing else."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from app.planning.plan import Plan, Strategy
from app.plans.iam.grants import Place
from app.plans.iam.roles import RoleName, policies_for
from app.resources import all_kinds
from tests.kit.authorizing import ACCOUNT, REGION, asked
from tests.kit.iam import Document, Request, refused
from tests.kit.noted_moves import APPLICATIONS, WAYS, prepared, there_and_back
from tests.kit.noting import Notes, NotingBench

EACH_MOVE = pytest.mark.parametrize(
    ("application", "strategy", "new_vpc"), [(name, *way) for name in APPLICATIONS for way in WAYS]
)
ROLES: tuple[RoleName, ...] = ("discover", "migrate", "finalize")
EACH_ROLE = pytest.mark.parametrize("role", ROLES)
OURS = {"aws:ResourceTag/landbridge:job": "job_1"}
NEW = {"aws:RequestTag/landbridge:job": "job_1"}


class Authorizer(Notes):
    """Has IAM decide on each call before it is made."""

    def __init__(self) -> None:
        super().__init__()
        self.bench: NotingBench
        self.documents: list[Document] = []
        self.refused: list[tuple[str, Request]] = []

    def before(self, action: str, operation: str, params: Mapping[str, Any]) -> None:
        super().before(action, operation, params)
        questions = asked(self.bench.world.place(), operation, params)
        self.refused += [(action, each) for each in refused(self.documents, questions)]


def authorized(application: str, strategy: Strategy, new_vpc: bool) -> tuple[Authorizer, NotingBench, Plan]:
    notes = Authorizer()
    bench, plan = prepared(application, strategy, new_vpc, notes)
    notes.bench = bench
    notes.documents = documents("migrate", plan)
    return notes, bench, plan


@cache
def corner_shop() -> tuple[Plan, Mapping[RoleName, list[Document]]]:
    """Its plan with the policies of the three roles, to be tried."""
    _, plan = prepared("corner shop", "incremental", False, Notes())
    return plan, {role: documents(role, plan) for role in ROLES}


def documents(role: RoleName, plan: Plan) -> list[Document]:
    found = policies_for(role, plan.steps, all_kinds(), Place(ACCOUNT, REGION), [REGION])
    return list(found.documents)


@EACH_MOVE
def test_every_call_of_a_move_and_of_its_undo_is_allowed_to_who_moves(
    application: str, strategy: Strategy, new_vpc: bool
) -> None:
    notes, bench, plan = authorized(application, strategy, new_vpc)
    there_and_back(bench, plan)
    assert notes.refused == []


@EACH_MOVE
def test_every_call_of_finalizing_is_allowed_to_who_finalizes(
    application: str, strategy: Strategy, new_vpc: bool
) -> None:
    notes, bench, plan = authorized(application, strategy, new_vpc)
    outcome, journal = bench.execute(plan)
    notes.documents = documents("finalize", plan)
    assert (outcome, bench.finalize(plan, journal)[0]) == ("succeeded", "succeeded")
    assert notes.refused == []


def may(role: RoleName, action: str, end: str = "", account: str = ACCOUNT, region: str = REGION, **more: Any) -> bool:
    """Whether the role may do that to the thing with this end of an ARN, or to whatever there is."""
    prefix = action.partition(":")[0]
    resource = f"arn:aws:{prefix}:{region}:{account}:{end}" if end else "*"
    request = Request(action, resource, {"aws:RequestedRegion": region, **more.get("context", {})})
    return not refused(corner_shop()[1][role], [request])


def an(kind: str) -> str:
    """The id of something that the plan moves."""
    subjects = (step.subject.partition(":") for step in corner_shop()[0].steps)
    return next(id_ for found, _, id_ in subjects if found == kind)


@EACH_ROLE
@pytest.mark.parametrize(
    "action",
    [
        "iam:CreateUser",
        "iam:PutRolePolicy",
        "iam:CreateServiceLinkedRole",
        "iam:PassRole",
        "sts:AssumeRole",
        "ec2:ModifySnapshotAttribute",
        "ec2:ModifyImageAttribute",
        "rds:ModifyDBSnapshotAttribute",
        "ec2:ReleaseAddress",
        "ec2:CreateTags",
        "ec2:DeleteTags",
        "ec2:GetPasswordData",
        "s3:GetObject",
        "kms:Decrypt",
        "organizations:LeaveOrganization",
    ],
)
def test_nobody_may_do_what_no_step_does(role: RoleName, action: str) -> None:
    assert not may(role, action)
    assert not may(role, action, f"instance/{an('instance')}")


@EACH_ROLE
def test_who_looks_changes_nothing_and_everybody_may_look(role: RoleName) -> None:
    assert may(role, "ec2:DescribeInstances")
    statements = [each for document in corner_shop()[1]["discover"] for each in document["Statement"]]
    allowed = [action for each in statements if each["Effect"] == "Allow" for action in each["Action"]]
    assert [action for action in allowed if not action.partition(":")[2].startswith(("Describe", "Get", "List"))] == []


@EACH_ROLE
def test_nothing_is_allowed_in_another_region(role: RoleName) -> None:
    assert not may(role, "ec2:DescribeInstances", region="eu-west-1")
    assert not may(role, "ec2:StopInstances", f"instance/{an('instance')}", region="eu-west-1")


def test_a_change_of_anything_is_allowed_only_where_aws_takes_no_name() -> None:
    addresses = {"AssociateAddress", "DisassociateAddress", "MoveAddressToVpc", "RestoreAddressToClassic"}
    found = set()
    for document in (document for ofrole in corner_shop()[1].values() for document in ofrole):
        for each in document["Statement"]:
            if each["Effect"] == "Allow" and "*" in each["Resource"]:
                # By a launch template of this account alone: what Auto Scaling launches names itself there.
                known = {"ec2:RunInstances"} if "ArnLike" in each.get("Condition", {}) else set()
                found |= set(each["Action"]) - known
    changing = {name for _, _, name in (each.partition(":") for each in found)}
    assert {name for name in changing if not name.startswith(("Describe", "Get", "List"))} <= addresses


def test_who_moves_stops_what_the_plan_names_and_nothing_else() -> None:
    assert may("migrate", "ec2:StopInstances", f"instance/{an('instance')}")
    assert not may("migrate", "ec2:StopInstances", "instance/i-0another")
    assert not may("migrate", "ec2:StopInstances", f"instance/{an('instance')}", account="999999999999")
    assert not may("migrate", "rds:ModifyDBInstance", "db:another")
    assert not may("migrate", "route53:ChangeResourceRecordSets", "hostedzone/ZANOTHER", account="", region="")


@pytest.mark.parametrize(
    ("action", "kind", "end"),
    [
        ("ec2:TerminateInstances", "instance", "instance/{}"),
        ("elasticloadbalancing:DeleteLoadBalancer", "load_balancer", "loadbalancer/{}"),
        ("rds:DeleteDBInstance", "rds_instance", "db:{}"),
        ("ec2:DeleteSecurityGroup", "security_group", "security-group/{}"),
        ("autoscaling:DeleteAutoScalingGroup", "auto_scaling_group", "autoScalingGroup:1:autoScalingGroupName/{}"),
    ],
)
def test_who_moves_destroys_nothing_that_was_there_before(action: str, kind: str, end: str) -> None:
    assert not may("migrate", action, end.format(an(kind)))


def test_who_moves_destroys_what_carries_our_tag_and_nobody_tags_what_was_there_before() -> None:
    source = f"instance/{an('instance')}"
    assert may("migrate", "ec2:TerminateInstances", "instance/i-0twin", context=OURS)
    assert not may("migrate", "ec2:TerminateInstances", source, context={"aws:ResourceTag/landbridge:job": "mine"})
    assert not may("migrate", "ec2:CreateTags", source, context=NEW)
    assert not may("migrate", "elasticloadbalancing:AddTags", f"loadbalancer/{an('load_balancer')}", context=NEW)
    assert not may("migrate", "ec2:RunInstances", "instance/new")
    assert may("migrate", "ec2:RunInstances", "instance/new", context=NEW)


def test_who_finalizes_destroys_what_has_moved_and_launches_nothing() -> None:
    assert may("finalize", "ec2:TerminateInstances", f"instance/{an('instance')}")
    assert not may("finalize", "ec2:TerminateInstances", "instance/i-0twin", context=OURS)
    assert not may("finalize", "ec2:RunInstances", "instance/new", context=NEW)
    assert not may("finalize", "ec2:StopInstances", f"instance/{an('instance')}")


def test_a_plan_without_databases_changes_none() -> None:
    bench, _ = prepared("corner shop", "incremental", False, Notes())
    plan = bench.plan(bench.target(), refs=_lone(bench))
    roles: tuple[RoleName, ...] = ("migrate", "finalize")
    for role in roles:
        allowed = {
            action
            for document in documents(role, plan)
            for statement in document["Statement"]
            if statement["Effect"] == "Allow"
            for action in statement["Action"]
        }
        databases = {each.partition(":")[2] for each in allowed if each.startswith("rds:")}
        assert [each for each in databases if not each.startswith(("Describe", "List"))] == []


def _lone(bench: NotingBench) -> list[str]:
    return [str(each.ref) for each in bench.discover().of("instance") if each.name == "lone"]
