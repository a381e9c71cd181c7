"""Instances moved for real, against the sandbox: alone, behind a load balancer, stopped, and back again."""

import base64
from dataclasses import replace
from typing import Any

import pytest

from app.execution.journal import MemoryJournal
from app.planning.context import Target
from app.planning.plan import Plan
from sandbox.ec2 import image_catalogue
from tests.scenarios.classic_account import (
    ClassicAccount,
    advance,
    errors,
    result,
    retreat,
    without_volatile,
)

NEW = Target(create_cidr="172.20.0.0/16")
PROFILE = "arn:aws:iam::123456789012:instance-profile/web"
USER_DATA = b"#!/bin/sh\necho secret"


@pytest.fixture
def account() -> ClassicAccount:
    return ClassicAccount()


def verdicts(plan: Plan) -> dict[str, str]:
    return {flow.rule: flow.verdict for flow in plan.flows}


def states_over_time(account: ClassicAccount, *watched: str) -> list[tuple[int, set[str]]]:
    """At every change in the account: how many instances run, and which of the `watched`."""
    seen: list[tuple[int, set[str]]] = []

    def look(_: Any) -> None:
        reservations = account.ec2.describe_instances()["Reservations"]
        items = [item for reservation in reservations for item in reservation["Instances"]]
        up = {item["InstanceId"] for item in items if item["State"]["Name"] in ("pending", "running")}
        seen.append((len(up), up & set(watched)))

    account.bench.world.on_change.append(look)
    return seen


def test_a_lone_instance_comes_back_in_the_vpc_with_everything_an_image_does_not_carry(
    account: ClassicAccount,
) -> None:
    account.ec2.create_key_pair(KeyName="ops")
    source = account.launch(
        UserData=USER_DATA,
        KeyName="ops",
        IamInstanceProfile={"Arn": PROFILE},
        Monitoring={"Enabled": True},
        DisableApiTermination=True,
        InstanceInitiatedShutdownBehavior="terminate",
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "web-1"}]}],
    )
    plan = account.bench.plan(NEW)
    outcome, journal = account.bench.execute(plan)

    assert outcome == "succeeded", errors(journal)
    launched = result(journal, "instance.launch", f"instance:{source}")
    twin = account.instance(launched["counterpart"])
    assert account.state(source) == "stopped"
    assert twin["State"]["Name"] == "running"
    assert twin["VpcId"] == result(journal, "vpc.create", "vpc:new")["counterpart"]
    assert (twin["InstanceType"], twin["KeyName"]) == ("m3.medium", "ops")
    assert twin["IamInstanceProfile"]["Arn"] == PROFILE
    assert twin["Monitoring"]["State"] == "enabled"
    assert {"Key": "Name", "Value": "web-1"} in twin["Tags"]
    assert (twin["PrivateIpAddress"], twin["PublicIpAddress"]) == (launched["private_ip"], launched["public_ip"])
    attributes = {
        name: account.ec2.describe_instance_attribute(InstanceId=twin["InstanceId"], Attribute=name)
        for name in ("userData", "disableApiTermination", "instanceInitiatedShutdownBehavior")
    }
    assert base64.b64decode(attributes["userData"]["UserData"]["Value"]) == USER_DATA
    assert attributes["disableApiTermination"]["DisableApiTermination"]["Value"] is True
    behavior = attributes["instanceInitiatedShutdownBehavior"]["InstanceInitiatedShutdownBehavior"]
    assert behavior["Value"] == "terminate"


def test_there_are_never_two_of_a_lone_instance_and_only_it_is_interrupted(account: ClassicAccount) -> None:
    source = account.launch()
    plan = account.bench.plan(NEW)
    seen = states_over_time(account, source)
    outcome, _ = account.bench.execute(plan)

    assert outcome == "succeeded"
    assert max(count for count, _ in seen) == 1
    [flow] = [flow for flow in plan.flows if "0.0.0.0/0" in flow.rule]
    [window] = flow.interruptions
    assert (window.from_step, window.to_step) == (
        f"instance.stop/instance:{source}",
        f"instance.launch/instance:{source}",
    )


@pytest.mark.parametrize("strategy", ["incremental", "all_at_once"])
def test_undo_leaves_the_account_as_it_was(account: ClassicAccount, strategy: Any) -> None:
    source = account.launch(
        DisableApiTermination=True,
        InstanceInitiatedShutdownBehavior="terminate",
        BlockDeviceMappings=[{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 60, "DeleteOnTermination": False}}],
    )
    account.address(source)
    before = account.bench.discover()
    plan = account.bench.plan(NEW, strategy, inventory=before)
    outcome, journal = account.bench.execute(plan)
    assert outcome == "succeeded", errors(journal)

    assert account.bench.undo(plan, journal) == "undone", errors(journal)
    assert without_volatile(account.bench.discover()) == without_volatile(before)
    assert account.alive() == {source}
    assert account.left_over() == []


def test_a_linked_instance_is_linked_again_when_its_stop_is_undone(account: ClassicAccount) -> None:
    source, caller = account.launch(), account.launch()
    plan = account.bench.plan(NEW, refs=[f"instance:{source}"])
    outcome, journal = account.bench.execute(plan)
    assert outcome == "succeeded", errors(journal)
    linked = account.ec2.describe_classic_link_instances()["Instances"]
    assert [each["InstanceId"] for each in linked] == [caller]

    moving = [step for step in plan.steps if step.phase == "instances"]
    assert account.bench.undo(replace(plan, steps=tuple(moving)), journal) == "undone", errors(journal)
    linked = account.ec2.describe_classic_link_instances()["Instances"]
    twin_group = result(journal, "security_group.create", f"security_group:{account.group}")["counterpart"]
    assert {each["InstanceId"] for each in linked} == {source, caller}
    assert {group["GroupId"] for each in linked for group in each["Groups"]} == {twin_group}


def test_members_behind_a_load_balancer_take_turns_and_none_is_missed(account: ClassicAccount) -> None:
    members = [account.launch(), account.launch()]
    account.balancer(*members)
    plan = account.bench.plan(NEW)
    seen = states_over_time(account, *members)
    outcome, journal = account.bench.execute(plan)

    assert outcome == "succeeded", errors(journal)
    assert [rule for rule, verdict in verdicts(plan).items() if verdict != "kept"] == []
    assert min(count for count, _ in seen) >= 2
    assert {account.state(member) for member in members} == {"stopped"}
    assert {step.action for step in plan.steps} >= {"instance.retire", "load_balancer.register_twin"}
    assert "instance.stop" not in {step.action for step in plan.steps}

    assert account.bench.undo(plan, journal) == "undone", errors(journal)
    assert {account.state(member) for member in members} == {"running"}
    assert account.alive() == set(members)


def test_a_stopped_source_has_a_stopped_counterpart(account: ClassicAccount) -> None:
    source = account.launch()
    account.ec2.stop_instances(InstanceIds=[source])
    account.bench.world.clock.advance(120)
    plan = account.bench.plan(NEW)
    outcome, journal = account.bench.execute(plan)

    assert outcome == "succeeded", errors(journal)
    twin = result(journal, "instance.launch", f"instance:{source}")["counterpart"]
    assert (account.state(source), account.state(twin)) == ("stopped", "stopped")


def test_windows_is_imaged_from_a_stopped_source_also_behind_a_load_balancer(account: ClassicAccount) -> None:
    source = account.launch(image_catalogue.WINDOWS)
    account.balancer(source)
    plan = account.bench.plan(NEW)
    [image] = [step for step in plan.steps if step.action == "instance.image"]
    assert f"instance.stop/instance:{source}" in image.needs
    outcome, journal = account.bench.execute(plan)
    assert outcome == "succeeded", errors(journal)


def test_changed_user_data_stops_the_launch(account: ClassicAccount) -> None:
    source = account.launch(UserData=USER_DATA)
    plan = account.bench.plan(NEW)
    account.ec2.stop_instances(InstanceIds=[source])
    account.bench.world.clock.advance(120)
    account.ec2.modify_instance_attribute(InstanceId=source, UserData={"Value": b"other"})
    account.ec2.start_instances(InstanceIds=[source])
    account.bench.world.clock.advance(120)
    outcome, journal = account.bench.execute(plan)

    assert outcome == "halted"
    assert "user data" in errors(journal)[f"instance.launch/instance:{source}"]["detail"]
    assert USER_DATA.decode() not in str(plan.as_json())


def test_finalize_terminates_the_source_and_its_protection_does_not_stand_in_the_way(
    account: ClassicAccount,
) -> None:
    source = account.launch(
        DisableApiTermination=True,
        BlockDeviceMappings=[{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 60, "DeleteOnTermination": True}}],
    )
    plan = account.bench.plan(NEW)
    outcome, journal = account.bench.execute(plan)
    assert outcome == "succeeded", errors(journal)
    outcome, finalized = account.bench.finalize(plan, journal)

    assert outcome == "succeeded", errors(finalized)
    assert account.state(source) == "terminated"
    kept = result(journal, "instance.image", f"instance:{source}")
    assert set(account.left_over()) == {kept["image_id"], *kept["snapshot_ids"]}


def test_finalize_spares_a_source_whose_counterpart_is_gone(account: ClassicAccount) -> None:
    source = account.launch()
    plan = account.bench.plan(NEW)
    _, journal = account.bench.execute(plan)
    twin = result(journal, "instance.launch", f"instance:{source}")["counterpart"]
    account.ec2.terminate_instances(InstanceIds=[twin])
    outcome, _ = account.bench.finalize(plan, journal)

    assert outcome == "halted"
    assert account.state(source) == "stopped"


def test_an_image_a_person_made_is_launched_instead_of_a_new_one(account: ClassicAccount) -> None:
    source = account.launch()
    image = account.ec2.create_image(InstanceId=source, Name="by hand", NoReboot=True)["ImageId"]
    account.bench.world.clock.advance(600)
    plan = account.bench.plan(NEW, overrides={f"instance:{source}": {"image_id": image}})
    assert "instance.image" not in {step.action for step in plan.steps}
    outcome, journal = account.bench.execute(plan)

    assert outcome == "succeeded", errors(journal)
    twin = result(journal, "instance.launch", f"instance:{source}")["counterpart"]
    assert account.instance(twin)["ImageId"] == image


@pytest.mark.parametrize("image", ["no_reboot", "reboot"])
def test_a_lone_instance_may_be_imaged_before_it_stops(account: ClassicAccount, image: str) -> None:
    source = account.launch()
    plan = account.bench.plan(NEW, overrides={f"instance:{source}": {"image": image}})
    needs = {step.action: step.needs for step in plan.steps}
    assert f"instance.image/instance:{source}" in needs["instance.stop"]
    assert f"instance.stop/instance:{source}" in needs["instance.launch"]
    journal = MemoryJournal()
    assert advance(account, plan, journal) == "succeeded", errors(journal)
    assert retreat(account, plan, journal) == "undone", errors(journal)
    assert account.alive() == {source}
