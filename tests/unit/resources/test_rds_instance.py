"""What is planned for databases."""

from typing import Any

import pytest

from app.planning.context import Target
from app.planning.plan import promise
from tests.unit.resources.shop_inventory import (
    SUBNETS,
    VPC,
    database,
    db_group,
    found,
    group,
    instance,
    plan_of,
    steps,
    subnet_group,
)

NAMED = Target(vpc_id=VPC, subnets=SUBNETS, db_subnet_group="shop-db")


def test_a_database_moves_by_one_modify_after_a_snapshot_and_interrupts_its_callers_meanwhile() -> None:
    plan = plan_of(instance("i-1"), group(), db_group(), database())
    planned = steps(plan)
    move = planned["rds_instance.modify/rds_instance:main"]
    assert "rds_instance.snapshot/rds_instance:main" in move.needs
    assert move.params["groups"] == [promise("db_security_group.create/db_security_group:db")]
    assert move.params["subnet_group"] == promise("db_subnet_group.create/vpc:vpc-1", "name")
    [flow] = [each for each in plan.flows if each.targets == ("rds_instance:main",)]
    assert (flow.verdict, flow.sources, flow.from_port) == ("interrupted", ("instance:i-1",), 3306)
    assert move.id in planned["instance.launch/instance:i-1"].needs


def test_the_named_subnet_group_is_used_and_none_is_made() -> None:
    plan = plan_of(group(), db_group(), database(), subnet_group(), target=NAMED)
    planned = steps(plan)
    assert planned["rds_instance.modify/rds_instance:main"].params["subnet_group"] == "shop-db"
    assert not [id_ for id_ in planned if id_.startswith("db_subnet_group.")]
    assert not found(plan, "blocker")


@pytest.mark.parametrize(
    ("there", "code"),
    [
        ((), "db_subnet_group_missing"),
        ((subnet_group(vpc_id="vpc-2"),), "db_subnet_group_elsewhere"),
        ((subnet_group(zones=("us-east-1b", "us-east-1c")),), "subnet_group_lacks_zone"),
    ],
)
def test_a_subnet_group_that_will_not_do_is_a_blocker(there: tuple[Any, ...], code: str) -> None:
    plan = plan_of(group(), db_group(), database(), *there, target=NAMED)
    assert code in found(plan, "blocker")


def test_one_zone_is_too_little_for_a_subnet_group() -> None:
    target = Target(vpc_id=VPC, subnets={"us-east-1a": "subnet-a"})
    assert "db_subnet_group_zones" in found(plan_of(group(), db_group(), database(), target=target), "blocker")


@pytest.mark.parametrize(
    ("facts", "overrides", "code"),
    [
        ({"class": "db.m1.small"}, {}, "old_instance_class"),
        ({"replicas": ["reports"]}, {"method": "modify"}, "has_read_replicas"),
        ({"replica_of": "elsewhere"}, {}, "read_replica"),
        ({"state": "stopped"}, {}, "database_not_available"),
        ({"option_group": "own", "option_group_moves": False, "default_option_group": ""}, {}, "option_group_replaced"),
    ],
)
def test_what_rds_refuses_is_a_blocker(facts: dict[str, Any], overrides: dict[str, Any], code: str) -> None:
    plan = plan_of(group(), db_group(), database(**facts), overrides={"rds_instance:main": overrides})
    assert code in found(plan, "blocker")


def test_a_class_chosen_for_the_vpc_lifts_the_blocker() -> None:
    chosen = {"rds_instance:main": {"db_instance_class": "db.r3.large"}}
    plan = plan_of(group(), db_group(), database(**{"class": "db.m1.small"}), overrides=chosen)
    assert not found(plan, "blocker")
    restore = steps(plan)["rds_instance.restore/rds_instance:main"]
    assert restore.params["request"]["DBInstanceClass"] == "db.r3.large"


def test_the_shorter_way_is_taken_and_the_plan_says_by_how_much() -> None:
    plain, smaller = database(), {"rds_instance:main": {"db_instance_class": "db.r3.large"}}
    stays = plan_of(group(), db_group(), plain)
    changes = plan_of(group(), db_group(), plain, overrides=smaller)
    told = {
        finding.message for plan in (stays, changes) for finding in plan.findings if finding.code == "database_outage"
    }
    assert (
        "seconds, 35 less than restored beside itself"
        in steps(stays)["rds_instance.modify/rds_instance:main"].explanation
    )
    assert (
        "seconds, 25 less than moved in place" in steps(changes)["rds_instance.restore/rds_instance:main"].explanation
    )
    assert len(told) == 2


def test_read_replicas_leave_one_way_and_the_plan_says_so() -> None:
    plan = plan_of(group(), db_group(), database(replicas=["reports"]), database("reports", replica_of="main"))
    restore = steps(plan)["rds_instance.restore/rds_instance:main"]
    assert "cannot be moved in place, as it has read replicas" in restore.explanation


def test_all_that_can_be_done_ahead_of_a_restore_is_done_before_the_fence() -> None:
    plan = plan_of(
        instance("i-1"), group(), db_group(), database(), overrides={"rds_instance:main": {"method": "restore"}}
    )
    planned = steps(plan)
    assert planned["rds_instance.presnapshot/rds_instance:main"].phase == "prepare"
    assert set(planned["rds_instance.fence/rds_instance:main"].needs) >= {
        "rds_instance.presnapshot/rds_instance:main",
        "db_security_group.authorize/db_security_group:db",
    }
    [flow] = [each for each in plan.flows if each.targets == ("rds_instance:main",)]
    inside = ("fence", "final_snapshot", "restore")
    seconds = sum(planned[f"rds_instance.{each}/rds_instance:main"].estimate["seconds"] for each in inside)
    until = {each.to_step: each.estimated_seconds for each in flow.interruptions}
    assert until["rds_instance.restore/rds_instance:main"] == seconds


def test_changes_that_wait_for_the_window_are_told() -> None:
    plan = plan_of(group(), db_group(), database(pending=["AllocatedStorage"]))
    assert "pending_changes_applied" in found(plan, "warning")


def test_a_source_and_its_replica_exchange_names_with_their_twins_one_after_the_other() -> None:
    main, replica = database(replicas=["reports"]), database("reports", replica_of="main")
    plan = plan_of(group(), db_group(), main, replica)
    planned = steps(plan)
    assert not found(plan, "blocker")
    assert "rds_instance.restore/rds_instance:main" in planned["rds_instance.replicate/rds_instance:reports"].needs
    assert planned["rds_instance.rename_source/rds_instance:reports"].interrupts == ("rds_instance:reports",)
    assert planned["rds_instance.fence/rds_instance:main"].interrupts == ("rds_instance:main",)
    gone = planned["rds_instance.delete_source/rds_instance:main"].needs
    assert "rds_instance.delete_source/rds_instance:reports" in gone


def test_a_replica_left_out_of_the_scope_is_told() -> None:
    main, replica = database(replicas=["reports"]), database("reports", replica_of="main")
    plan = plan_of(group(), db_group(), main, replica, refs=("rds_instance:main",))
    assert "read_replica_left" in found(plan, "warning")


def test_names_taken_already_are_not_taken_again() -> None:
    taken = database("main-classic")
    plan = plan_of(group(), db_group(), database(), taken, overrides={"rds_instance:main": {"method": "restore"}})
    aside = steps(plan)["rds_instance.fence/rds_instance:main"].params["aside"]
    assert aside != "main-classic"
    assert aside.endswith("-classic")


def test_all_at_once_the_callers_stop_before_the_database_is_touched() -> None:
    plan = plan_of(instance("i-1"), group(), db_group(), database(), strategy="all_at_once")
    assert "rds_instance.modify/rds_instance:main" in steps(plan)["instance.launch/instance:i-1"].needs
