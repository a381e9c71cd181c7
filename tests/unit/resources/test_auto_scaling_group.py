"""What is planned for Auto Scaling groups, and what is told of them."""

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from app.planning.inventory import Json, Resource
from app.planning.plan import Plan, Strategy
from app.resources.auto_scaling_group import KIND
from app.resources.auto_scaling_launching import configuration_facts
from tests.unit.resources.auto_scaling import a_balancer, a_configuration, a_group_for_balancers, a_scaling_group
from tests.unit.resources.inventories import (
    TARGET,
    a_group,
    actions,
    an_instance,
    an_inventory,
    findings_of,
    plan_of,
    step_of,
)

GROUP = "auto_scaling_group:web"
LINKING = ("link_configuration", "switch_configuration", "link_members", "register_members")
MOVING = ("create_template", "create", "equip", "freeze", "scale_up", "drain", "thaw")


def named(*steps: str) -> set[str]:
    return {f"auto_scaling_group.{step}" for step in steps}


def group_steps(plan: Plan) -> set[str]:
    return {action for action in actions(plan) if action.startswith("auto_scaling_group.")}


def member(id_: str = "i-1", **facts: Json) -> Resource:
    return an_instance(id_, held_by=GROUP, **facts)


def behind_front(**facts: Json) -> tuple[Resource, ...]:
    """A group behind a load balancer, with its two members, and the group that lets the load balancer in."""
    return (
        a_scaling_group(load_balancers=["front"], **facts),
        a_balancer("front", "i-1", "i-2"),
        a_group_for_balancers(),
        member("i-1"),
        member("i-2"),
    )


def needed(plan: Plan, action: str) -> set[str]:
    """Actions that a step needs directly."""
    return {need.partition("/")[0] for need in step_of(plan, action).needs}


def test_incremental_everything_that_comes_is_linked_and_registered_before_the_group_moves() -> None:
    plan = plan_of(*behind_front())
    assert group_steps(plan) == named(*LINKING, *MOVING, "delete")
    assert "auto_scaling_group.switch_configuration" in needed(plan, "auto_scaling_group.link_members")
    assert "auto_scaling_group.link_members" in needed(plan, "auto_scaling_group.register_members")


def test_all_at_once_nothing_is_linked_and_the_source_goes_before_its_twin_comes() -> None:
    plan = plan_of(*behind_front(), strategy="all_at_once")
    assert group_steps(plan) == named(*MOVING, "delete")
    assert "auto_scaling_group.drain" in needed(plan, "auto_scaling_group.scale_up")
    assert "vpc.await_preparations" in needed(plan, "auto_scaling_group.drain")
    assert step_of(plan, "auto_scaling_group.drain").interrupts == (GROUP,)


@pytest.mark.parametrize("strategy", ["incremental", "all_at_once"])
def test_whatever_relies_on_frozen_scaling_needs_it_directly(strategy: Strategy) -> None:
    plan = plan_of(*behind_front(), strategy=strategy)
    for step in ("scale_up", "drain", "thaw"):
        assert "auto_scaling_group.freeze" in needed(plan, f"auto_scaling_group.{step}")
    assert step_of(plan, "auto_scaling_group.freeze").kept_until == ()


def test_the_source_is_drained_only_when_its_twin_has_come_up() -> None:
    plan = plan_of(*behind_front())
    assert "auto_scaling_group.scale_up" in needed(plan, "auto_scaling_group.drain")
    assert "in_service auto_scaling_group:web" in step_of(plan, "auto_scaling_group.scale_up").reaches
    assert {flow.verdict for flow in plan.flows} == {"kept"}


def test_links_and_registrations_are_kept_until_the_source_is_drained() -> None:
    plan = plan_of(*behind_front())
    for step in ("link_members", "register_members"):
        assert step_of(plan, f"auto_scaling_group.{step}").kept_until == (f"auto_scaling_group.drain/{GROUP}",)


def test_the_group_scales_by_itself_until_its_own_cutover() -> None:
    plan = plan_of(*behind_front())
    assert {"auto_scaling_group.register_members", "auto_scaling_group.equip"} <= needed(
        plan, "auto_scaling_group.freeze"
    )


def test_a_group_without_any_member_is_moved_as_well() -> None:
    empty = a_scaling_group(load_balancers=["front"], desired=0, members=[], max=2)
    plan = plan_of(empty, a_balancer("front"))
    assert group_steps(plan) == named(*LINKING, *MOVING, "delete")
    assert not plan.blocked
    reached = {milestone for step in plan.steps for milestone in step.reaches}
    assert {"in_service load_balancer:front", f"in_service {GROUP}"} <= reached


def test_a_group_that_stays_behind_a_load_balancer_that_moves_is_linked_and_told_of() -> None:
    plan = plan_of(*behind_front(), refs=["load_balancer:front"])
    assert group_steps(plan) == named(*LINKING)
    assert step_of(plan, "auto_scaling_group.link_members").kept_until == ()
    found = findings_of(plan)
    assert found["linked_and_left"] == "warning"
    assert found["newcomers_unregistered_afterwards"] == "warning"
    assert not plan.blocked


def test_a_group_cannot_leave_its_load_balancer_behind_unless_somebody_says_so() -> None:
    parts = behind_front()
    assert findings_of(plan_of(*parts, refs=[GROUP]))["load_balancer_stays"] == "blocker"
    accepted = plan_of(*parts, refs=[GROUP], overrides={GROUP: {"leave_load_balancer": True}})
    assert findings_of(accepted)["load_balancer_stays"] == "warning"
    assert step_of(accepted, "auto_scaling_group.create").params["load_balancers"] == []


def test_members_are_left_to_their_group() -> None:
    plan = plan_of(*behind_front())
    assert not {action for action in actions(plan) if action.startswith("instance.")}
    assert "classic_link.attach" not in actions(plan)
    assert "load_balancer.register" not in actions(plan)


def test_whoever_stays_and_calls_the_group_is_linked_before_it_moves() -> None:
    caller = an_instance("i-9", group="sg-jobs")
    plan = plan_of(a_scaling_group(), caller, a_group("sg-web", "sg-jobs"), a_group("sg-jobs"), refs=[GROUP])
    assert step_of(plan, "classic_link.attach").subject == "instance:i-9"
    assert "classic_link.confirm" in needed(plan, "auto_scaling_group.scale_up")


def test_a_group_that_links_its_members_to_the_target_already_keeps_its_launch_configuration() -> None:
    configuration = a_configuration(link_vpc="vpc-1", link_groups=["sg-v"])
    group, *others = behind_front(configuration=configuration)
    plan = plan_of(group, *others)
    assert not named("link_configuration", "switch_configuration") & group_steps(plan)
    step = step_of(plan, "auto_scaling_group.link_members")
    assert (step.params["group_ids"], step.params["linked_before"]) == (["sg-v"], True)


def test_a_group_that_links_its_members_to_another_vpc_is_a_blocker() -> None:
    group, *others = behind_front(configuration=a_configuration(link_vpc="vpc-9", link_groups=["sg-v"]))
    assert findings_of(plan_of(group, *others))["linked_elsewhere"] == "blocker"


def test_a_group_that_launches_from_something_else_cannot_be_moved() -> None:
    group, *others = behind_front(configuration={}, other_source="a launch template")
    plan = plan_of(group, *others)
    assert findings_of(plan)["no_launch_configuration"] == "blocker"
    stays = plan_of(group, *others, refs=["load_balancer:front"])
    assert findings_of(stays)["newcomers_not_linked_by_aws"] == "warning"
    assert group_steps(stays) == named("link_members", "register_members")


@pytest.mark.parametrize(
    ("facts", "code", "level"),
    [
        ({"suspended": ["Launch"]}, "launch_suspended", "blocker"),
        ({"zones": ["us-east-1a", "us-east-1f"]}, "no_subnet_in_zone", "blocker"),
        ({"configuration": a_configuration(image={})}, "image_gone", "blocker"),
        ({"configuration": a_configuration(instance_type="m1.small")}, "type_not_offered", "blocker"),
        (
            {"configuration": a_configuration(image={"virtualization": "paravirtual", "root_device_type": "ebs"})},
            "paravirtual_type",
            "blocker",
        ),
        ({"configuration": a_configuration(instance_type="c3.large")}, "instance_store_data_lost", "warning"),
        ({"warm_pool": True}, "warm_pool_left", "warning"),
        ({"settings": {"PlacementGroup": "close"}}, "placement_group_shared", "warning"),
        ({"max": 400}, "subnet_too_small_for_groups", "warning"),
        ({"groups": [f"sg-{number}" for number in range(6)]}, "too_many_groups_per_interface", "blocker"),
        ({}, "scaling_frozen", "note"),
    ],
)
def test_what_stands_in_the_way_is_told(facts: Mapping[str, Json], code: str, level: str) -> None:
    assert findings_of(plan_of(a_scaling_group(**facts)))[code] == level


def test_that_newcomers_wait_while_the_job_is_halted_is_told() -> None:
    assert findings_of(plan_of(*behind_front()))["newcomers_wait_while_halted"] == "note"


def test_what_could_not_be_read_is_unknown_and_a_blocker() -> None:
    assert findings_of(plan_of(a_scaling_group(platform="unknown")))["unknown_platform"] == "blocker"


def test_twins_have_names_of_their_own() -> None:
    plan = plan_of(a_scaling_group("web"), a_scaling_group("web-vpc"))
    names = {step.subject: step.params["name"] for step in plan.steps if step.action == "auto_scaling_group.create"}
    assert names["auto_scaling_group:web"].startswith("web-")
    assert names["auto_scaling_group:web"] not in ("web-vpc", "web")
    assert names["auto_scaling_group:web-vpc"] == "web-vpc-vpc"
    taken = plan_of(a_scaling_group("web"), a_scaling_group("mine"), overrides={GROUP: {"name": "mine"}})
    assert findings_of(taken)["auto_scaling_group_name"] == "blocker"


def test_the_template_holds_all_that_the_launch_configuration_says() -> None:
    configuration = a_configuration(
        key_name="ops",
        iam_profile="web-role",
        spot_price="0.05",
        ebs_optimized=True,
        tenancy="default",
        metadata={"HttpTokens": "required"},
        block_devices=[
            {"DeviceName": "/dev/sdb", "VirtualName": "ephemeral0"},
            {"DeviceName": "/dev/sdc", "NoDevice": True},
            {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 20, "Iops": 300, "VolumeType": "io1"}},
        ],
    )
    data = step_of(plan_of(a_scaling_group(configuration=configuration)), "auto_scaling_group.create_template").params[
        "data"
    ]
    assert data["ImageId"] == "ami-1"
    assert data["InstanceType"] == "t2.micro"
    assert data["KeyName"] == "ops"
    assert data["IamInstanceProfile"] == {"Name": "web-role"}
    assert data["InstanceMarketOptions"]["SpotOptions"]["MaxPrice"] == "0.05"
    assert (data["EbsOptimized"], data["Monitoring"]) == (True, {"Enabled": True})
    assert data["MetadataOptions"] == {"HttpTokens": "required"}
    assert data["BlockDeviceMappings"] == [
        {"DeviceName": "/dev/sdb", "VirtualName": "ephemeral0"},
        {"DeviceName": "/dev/sdc", "NoDevice": ""},
        {
            "DeviceName": "/dev/sdf",
            "Ebs": {"DeleteOnTermination": True, "VolumeSize": 20, "Iops": 300, "VolumeType": "io1"},
        },
    ]
    [interface] = data["NetworkInterfaces"]
    assert interface["AssociatePublicIpAddress"] is True
    assert interface["Groups"] == [{"$from": "security_group.create/security_group:sg-web", "$key": "counterpart"}]


def test_overrides_choose_image_type_and_address() -> None:
    overrides: dict[str, Any] = {GROUP: {"image_id": "ami-2", "instance_type": "m5.large", "public_ip": False}}
    plan = plan_of(a_scaling_group(), overrides=overrides)
    data = step_of(plan, "auto_scaling_group.create_template").params["data"]
    assert (data["ImageId"], data["InstanceType"]) == ("ami-2", "m5.large")
    assert data["NetworkInterfaces"][0]["AssociatePublicIpAddress"] is False


def test_alarms_look_at_the_twin_and_at_the_twins_of_its_load_balancers() -> None:
    dimensions = [{"Name": "AutoScalingGroupName", "Value": "web"}, {"Name": "LoadBalancerName", "Value": "front"}]
    alarm = {"AlarmName": "busy", "Dimensions": dimensions, "AlarmActions": ["arn:aws:sns:x:1:ops"]}
    group, *others = behind_front(alarms=[alarm])
    [copy] = step_of(plan_of(group, *others), "auto_scaling_group.equip").params["alarms"]
    assert copy["AlarmName"] == "busy-vpc"
    assert [each["Value"] for each in copy["Dimensions"]] == [
        {"$from": f"auto_scaling_group.create/{GROUP}", "$key": "counterpart"},
        {"$from": "load_balancer.create/load_balancer:front", "$key": "counterpart"},
    ]


def test_an_alarm_of_two_groups_gets_a_copy_for_each() -> None:
    alarm = {"AlarmName": "busy", "Dimensions": [], "AlarmActions": []}
    plan = plan_of(a_scaling_group("web", alarms=[alarm]), a_scaling_group("api", alarms=[alarm]))
    copies = [step.params["alarms"][0]["AlarmName"] for step in plan.steps if step.action.endswith(".equip")]
    assert len(set(copies)) == 2
    assert "busy" not in copies


def test_what_changes_by_itself_is_no_drift() -> None:
    group = a_scaling_group(scheduled=[{"ScheduledActionName": "evening", "Recurrence": "0 18 * * *"}])
    steady = KIND.steady(group, an_inventory())
    assert not {"desired", "members", "state", "min", "max"} & set(steady)
    assert {"min", "max", "configuration", "suspended"} <= set(KIND.steady(a_scaling_group(), an_inventory()))


def test_user_data_is_kept_as_a_hash_alone() -> None:
    secret = base64.b64encode(b"password=1").decode()
    item = {"LaunchConfigurationName": "web-1", "ImageId": "ami-1", "InstanceType": "t2.micro", "UserData": secret}
    facts = configuration_facts(item, None)
    assert (facts["user_data_bytes"], len(facts["user_data_sha256"])) == (10, 64)
    assert "password" not in str(facts)
    assert secret not in str(facts)
    assert facts["image"] == {}


def test_a_new_vpc_has_subnets_in_the_zones_of_the_groups() -> None:
    plan = plan_of(a_scaling_group(), target=TARGET.__class__(create_cidr="172.22.0.0/16"))
    assert "us-east-1a" in step_of(plan, "vpc.create").params["subnets"]


def test_waiting_for_hooks_is_as_patient_as_they_are() -> None:
    hook = {
        "LifecycleHookName": "warm",
        "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
        "GlobalTimeout": 172_800,
    }
    plan = plan_of(a_scaling_group(hooks=[hook]))
    assert step_of(plan, "auto_scaling_group.scale_up").params["within"] >= 172_800
    assert step_of(plan, "auto_scaling_group.drain").params["within"] < 172_800
