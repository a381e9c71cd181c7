"""From declared calls to permissions, without an account: what is named, what is ours, and what names may not do."""

from typing import Any, ClassVar

import pytest

from app.execution.calls import ANY, Calls, Reach, having, keys_through, makes, on, ours, passing, reading
from app.execution.step import Result, Run, Step
from app.planning.context import Context
from app.planning.inventory import Resource
from app.planning.plan import Draft, PlannedStep, promise
from app.plans.iam.grants import Grant, Grants, Place
from tests.kit.iam import like

PLACE = Place("123456789012", "eu-west-1")
EC2 = "arn:aws:ec2:eu-west-1:123456789012:"
OURS = ("StringLike", "aws:ResourceTag/landbridge:job", "job_*")
MADE = ("StringLike", "aws:RequestTag/landbridge:job", "job_*")


class Declaring(Step):
    """A step that declares whatever a test wants."""

    action = "thing.move"
    subject = "thing"
    phase = "instances"

    def __init__(self, calls: Calls, permits: Calls | None = None, known: Reach = ()) -> None:
        self.calls = calls  # type: ignore[misc]
        self.permits = permits or {}  # type: ignore[misc]
        self.known = known

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        return None

    def untagged(self, params: Any) -> Reach:
        return self.known

    async def do(self, run: Run) -> Result:
        return {}

    async def undo(self, run: Run, result: Result | None) -> None:
        """Nothing was done."""


class Making(Declaring):
    action = "thing.make"
    calls: ClassVar[Calls] = {}


def planned(action: str, **params: Any) -> PlannedStep:
    body = {
        "id": f"{action}/thing:a",
        "action": action,
        "subject": "thing:a",
        "phase": "instances",
        "params": params,
    }
    return PlannedStep.from_json({**EMPTY, **body})


EMPTY = {
    "needs": [],
    "reversible": True,
    "estimate": {"seconds": 1.0, "calls": 1.0},
    "explanation": "Move it.",
    "reaches": [],
    "interrupts": [],
    "hold_seconds": 0.0,
    "lingering_seconds": 0.0,
    "kept_until": [],
}


def grants(calls: Calls, permits: Calls | None = None, known: Reach = (), /, **params: Any) -> list[Grant]:
    moving, making = Declaring(calls, permits), Making({}, None, known)
    step, earlier = planned("thing.move", **params), planned("thing.make", vpc_id="vpc-1")
    return list(Grants([earlier, step], {"thing.move": moving, "thing.make": making}, PLACE).of(step))


def test_what_the_plan_names_is_named_by_its_arn_once_for_each_value() -> None:
    found = grants({"ec2.stop_instances": on("instance/{ids}")}, ids=["i-1", "i-2"])
    assert found == [Grant("ec2:StopInstances", f"{EC2}instance/{id_}") for id_ in ("i-1", "i-2")]


@pytest.mark.parametrize("nothing", [None, "", [], {}, False, 7])
def test_what_is_absent_from_the_params_grants_nothing(nothing: Any) -> None:
    assert grants({"ec2.stop_instances": on("instance/{ids}")}, ids=nothing) == []
    assert grants({"ec2.stop_instances": on("instance/{deep.er}")}, ids=nothing) == []


def test_what_an_earlier_step_makes_is_known_by_our_tag() -> None:
    found = grants({"ec2.stop_instances": on("instance/{id}")}, id=promise("thing.make/thing:a"))
    assert found == [Grant("ec2:StopInstances", f"{EC2}instance/*", (OURS,))]


def test_what_an_earlier_step_finds_there_already_is_known_as_that_step_says() -> None:
    known = having("security-group/*", "ec2:Vpc", "vpc/{vpc_id}")
    calls = {"ec2.run_instances": on("security-group/{id}")}
    [found] = grants(calls, None, known, id=promise("thing.make/thing:a"))
    assert found == Grant("ec2:RunInstances", f"{EC2}security-group/*", (("ArnLike", "ec2:Vpc", f"{EC2}vpc/vpc-1"),))


def test_a_promise_of_a_step_that_is_not_in_the_plan_still_means_what_is_ours() -> None:
    found = grants({"ec2.stop_instances": on("instance/{id}")}, id=promise("thing.gone/thing:a"))
    assert found == [Grant("ec2:StopInstances", f"{EC2}instance/*", (OURS,))]


def test_new_things_are_tagged_as_they_are_made_and_at_no_other_time() -> None:
    made = grants({"ec2.create_vpc": makes("vpc/*")})
    assert made == [
        Grant("ec2:CreateVpc", f"{EC2}vpc/*", (MADE,)),
        Grant("ec2:CreateTags", f"{EC2}vpc/*", (MADE, ("StringEquals", "ec2:CreateAction", "CreateVpc"))),
    ]


def test_what_is_ours_may_be_deleted_and_nothing_else() -> None:
    assert grants({"ec2.delete_vpc": ours("vpc/*")}) == [Grant("ec2:DeleteVpc", f"{EC2}vpc/*", (OURS,))]


def test_reads_and_what_takes_no_arn_hold_for_the_region_alone() -> None:
    region = (("StringEquals", "aws:RequestedRegion", "eu-west-1"),)
    found = grants({**reading("rds.describe_db_instances"), "ec2.move_address_to_vpc": ANY})
    assert found == [Grant(each, "*", region) for each in ("rds:DescribeDBInstances", "ec2:MoveAddressToVpc")]
    assert grants(reading("route53.get_change")) == [Grant("route53:GetChange", "*")]  # it has no regions


def test_roles_are_passed_to_ec2_alone_whether_profiles_are_named_or_given_by_arn() -> None:
    passed = (("StringEquals", "iam:PassedToService", "ec2.amazonaws.com"),)
    for profile in ("web", "arn:aws:iam::123456789012:instance-profile/teams/web"):
        [found] = grants({}, {"iam.pass_role": passing("{profile}")}, profile=profile)
        assert found == Grant("iam:PassRole", "arn:aws:iam::123456789012:role/web", passed)


def test_keys_are_used_through_a_service_of_the_region() -> None:
    found = grants({}, keys_through("ec2"))
    assert {each.conditions for each in found} == {(("StringEquals", "kms:ViaService", "ec2.eu-west-1.amazonaws.com"),)}


@pytest.mark.parametrize("name", ["*", "web*", "w?b", "${aws:username}", "$"])
def test_a_name_that_somebody_chose_with_care_stands_for_itself_alone(name: str) -> None:
    calls = {"autoscaling.delete_auto_scaling_group": on("autoScalingGroup:*:autoScalingGroupName/{name}")}
    [found] = grants(calls, name=name)
    start = "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:0-1:autoScalingGroupName/"
    assert like(found.resource, start + name)
    assert not [other for other in ("web", "wxb", "webs", "anybody", "") if like(found.resource, start + other)]


@pytest.mark.parametrize(
    ("region", "partition"), [("us-east-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_arns_are_of_the_partition_of_the_region(region: str, partition: str) -> None:
    assert Place("1", region).arn("ec2", "vpc/vpc-1") == f"arn:{partition}:ec2:{region}:1:vpc/vpc-1"


def test_arns_are_written_as_each_service_writes_them() -> None:
    assert PLACE.arn("route53", "hostedzone/Z1") == "arn:aws:route53:::hostedzone/Z1"
    assert PLACE.arn("ec2", "image/ami-1") == "arn:aws:ec2:eu-west-1::image/ami-1"
    assert PLACE.arn("elb", "loadbalancer/a") == "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/a"
