"""What is planned for instances, and what a person is told about them."""

from typing import Any

import pytest

from app.planning.context import Request, Target
from app.planning.inventory import Gap, Inventory, Resource
from app.planning.plan import Plan
from app.planning.planner import make_plan
from app.resources import all_kinds
from app.resources.instance_discovery import digest
from app.resources.instance_launch import Launch
from app.resources.instance_method import IMAGE_SECONDS
from tests.unit.resources.inventories import (
    REGION,
    TARGET,
    a_disk,
    a_group,
    a_subnet,
    actions,
    an_address,
    an_instance,
    an_inventory,
    findings_of,
    plan_of,
    step_of,
)


def with_override(instance: Resource, **override: str) -> Plan:
    return plan_of(instance, overrides={str(instance.ref): override})


def test_a_lone_instance_stops_before_it_is_imaged_and_is_imaged_before_it_is_launched() -> None:
    plan = plan_of(an_instance())
    assert "instance.stop/instance:i-1" in step_of(plan, "instance.image").needs
    assert "instance.image/instance:i-1" in step_of(plan, "instance.launch").needs
    assert "in_service instance:i-1" in step_of(plan, "instance.launch").reaches
    assert step_of(plan, "instance.stop").interrupts == ("instance:i-1",)


def test_all_at_once_nothing_is_linked_and_everything_stops() -> None:
    plan = plan_of(an_instance(), strategy="all_at_once", overrides={"instance:i-1": {"image": "no_reboot"}})
    assert not any(action.startswith("classic_link") for action in actions(plan))
    assert "instance.stop/instance:i-1" in step_of(plan, "instance.image").needs


def test_what_stopping_loses_stands_in_the_plan() -> None:
    group, instance = a_group("sg-web", "sg-web"), an_instance(address="54.0.0.1")
    plan = plan_of(group, instance, an_address("54.0.0.1", "i-1"))
    params = step_of(plan, "instance.stop").params
    assert params["addresses"] == ["54.0.0.1"]
    assert params["link"]["vpc_id"] == "vpc-1"
    assert params["link"]["group_ids"] == [
        {"$from": "security_group.create/security_group:sg-web", "$key": "counterpart"}
    ]


def test_user_data_is_in_the_plan_as_a_hash_only() -> None:
    params = step_of(plan_of(an_instance(user_data_sha256=digest(b"secret"))), "instance.launch").params
    assert params["user_data_sha256"] == digest(b"secret")
    assert "user_data" not in params


def test_what_takes_long_to_copy_is_snapshot_beforehand_and_those_snapshots_go_in_the_end() -> None:
    assert "instance.presnapshot" not in actions(plan_of(an_instance(block_devices=[a_disk(3)])))
    plan = plan_of(an_instance())
    assert "instance.presnapshot/instance:i-1" in step_of(plan, "instance.stop").needs
    assert step_of(plan, "instance.image").estimate["seconds"] == IMAGE_SECONDS
    assert step_of(plan, "instance.drop_presnapshots").phase == "finalize"


def test_where_the_first_snapshot_takes_long_a_second_one_catches_up_right_before_the_stop() -> None:
    assert "instance.presnapshot_again" not in actions(plan_of(an_instance(block_devices=[a_disk(200)])))
    large = an_instance(block_devices=[a_disk(500)])
    plan = plan_of(large)
    again = step_of(plan, "instance.presnapshot_again")
    assert again.needs == ("instance.presnapshot/instance:i-1",)
    assert again.id in step_of(plan, "instance.stop").needs
    assert step_of(plan, "instance.image").estimate["seconds"] < IMAGE_SECONDS + 5
    assert len(step_of(plan, "instance.drop_presnapshots").params["snapshot_ids"]) == 2
    assert "instance.presnapshot_again" not in actions(plan_of(large, strategy="all_at_once"))


def test_what_has_a_holder_is_left_to_it() -> None:
    plan = plan_of(an_instance(held_by="auto_scaling_group:web"))
    assert not {action for action in actions(plan) if action.startswith("instance.")}
    assert findings_of(plan)["holder_stays"] == "warning"


def test_volumes_keep_their_fate_at_termination() -> None:
    plan = plan_of(an_instance(block_devices=[a_disk(), a_disk(9, delete_on_termination=False, device="/dev/sdf")]))
    assert step_of(plan, "instance.launch").params["keep_volumes"] == {"/dev/xvda": False, "/dev/sdf": True}


def test_finalize_destroys_and_says_so() -> None:
    step = step_of(plan_of(an_instance()), "instance.terminate")
    assert (step.phase, step.reversible, step.reaches) == ("finalize", False, ("gone instance:i-1",))


def test_every_part_of_a_plan_is_the_same_each_time() -> None:
    instances = [an_instance(f"i-{number}") for number in range(5)]
    assert plan_of(*instances).hash == plan_of(*reversed(instances)).hash


@pytest.mark.parametrize(
    ("facts", "code", "level"),
    [
        ({"root_device_type": "instance-store"}, "instance_store_root", "blocker"),
        ({"virtualization": "paravirtual", "instance_type": "m5.large"}, "paravirtual_type", "blocker"),
        ({"instance_type": "m1.small"}, "type_not_offered", "blocker"),
        ({"instance_type": "c3.large"}, "instance_store_data_lost", "warning"),
        ({"zone": "us-east-1c"}, "no_subnet_in_zone", "blocker"),
        ({"groups": [f"sg-{n}" for n in range(6)]}, "too_many_groups_per_interface", "blocker"),
        ({"shutdown_behavior": "terminate"}, "terminates_on_shutdown", "warning"),
        ({"termination_protection": True}, "termination_protection", "note"),
        ({"state": "stopped"}, "source_is_stopped", "note"),
        ({"state": "stopping"}, "state_in_between", "blocker"),
        ({"platform": "windows"}, "windows_identity", "note"),
        ({}, "instance_outage", "note"),
        ({"block_devices": [a_disk(delete_on_termination=False)]}, "volumes_stay", "note"),
    ],
)
def test_a_person_is_told(facts: dict[str, Any], code: str, level: str) -> None:
    assert findings_of(plan_of(an_instance(**facts)))[code] == level


def test_a_plain_lone_instance_gives_no_more_than_its_outage() -> None:
    assert findings_of(plan_of(an_instance())) == {"instance_outage": "note"}


def test_paravirtual_images_are_fine_on_a_type_that_takes_them() -> None:
    assert "paravirtual_type" not in findings_of(plan_of(an_instance(virtualization="paravirtual")))


def test_an_override_of_the_type_is_judged_and_launched() -> None:
    plan = with_override(an_instance(instance_type="m1.small"), instance_type="m5.large")
    assert "type_not_offered" not in findings_of(plan)
    assert step_of(plan, "instance.launch").params["instance_type"] == "m5.large"


def test_an_image_made_by_hand_lifts_the_blocker_of_an_instance_store_root() -> None:
    plan = with_override(an_instance(root_device_type="instance-store"), image_id="ami-9")
    assert findings_of(plan)["instance_store_root"] == "warning"
    assert not {"instance.stop", "instance.retire", "instance.image"} & actions(plan)


def test_a_subnet_too_small_is_a_blocker() -> None:
    instances = [an_instance(f"i-{number}") for number in range(3)]
    assert findings_of(plan_of(*instances, a_subnet(free=2)))["subnet_too_small"] == "blocker"
    assert "subnet_too_small" not in findings_of(plan_of(*instances, a_subnet(free=3)))


def test_who_is_called_by_instances_gets_a_word_about_its_private_address() -> None:
    called = an_instance("i-1")
    caller = an_instance("i-2", group="sg-app")
    plan = plan_of(a_group("sg-web", "sg-app"), a_group("sg-app"), called, caller)
    [finding] = [finding for finding in plan.findings if finding.code == "private_address_changes"]
    assert finding.subject == "instance:i-1"


def test_an_instance_that_could_not_be_read_whole_blocks_the_plan_and_does_not_move() -> None:
    known = an_instance()
    facts = {key: value for key, value in known.facts.items() if "user_data" not in key}
    unread = Resource(known.ref, known.name, "unknown", facts, known.refers_to)
    inventory = an_inventory(unread)
    inventory = Inventory(REGION, inventory.resources, (Gap("instance", "Throttled", "Read failed.", "instance:i-1"),))
    plan = make_plan(inventory, Request("incremental", TARGET), all_kinds())
    assert plan.blocked
    assert findings_of(plan)["unknown_platform"] == "blocker"
    assert "instance:i-1" not in plan.scope


def test_a_new_vpc_gives_promises_for_subnets() -> None:
    plan = plan_of(an_instance(), target=Target(create_cidr="172.20.0.0/16"))
    assert step_of(plan, "instance.launch").params["subnet_id"] == {
        "$from": "vpc.create/vpc:new",
        "$key": "subnets.us-east-1a",
    }


def test_a_launch_that_ended_by_itself_is_broken_with_the_reason() -> None:
    item = {"State": {"Name": "terminated"}, "StateReason": {"Message": "Client.VolumeLimitExceeded"}}
    verdict = Launch().verdict({"counterpart": "i-9"}, {"i-9": item})
    assert verdict.state == "broken"
    assert "VolumeLimitExceeded" in verdict.reason
    assert Launch().verdict({"counterpart": "i-9"}, {}).state == "pending"
