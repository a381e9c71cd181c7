"""Only a part moves: what it needs comes along, and what is outside the scope is never touched."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.planning.plan import Strategy
from sandbox.scenarios import scenarios
from tests.kit.account import account, differences
from tests.kit.bench import Bench
from tests.scenarios.whole_move import Move

IDS = {
    "instances": ("instance", "InstanceId"),
    "groups": ("security_group", "GroupId"),
    "addresses": ("elastic_ip", "PublicIp"),
    "databases": ("rds_instance", "DBInstanceIdentifier"),
    "db_groups": ("db_security_group", "DBSecurityGroupName"),
    "balancers": ("load_balancer", "LoadBalancerName"),
}
PARTS = ["database", "instance", "load_balancer", "tags"]
EACH_PART = pytest.mark.parametrize("part", PARTS)
EACH_WAY = pytest.mark.parametrize(
    ("part", "strategy"),
    [*((part, "incremental") for part in PARTS), ("database", "all_at_once"), ("instance", "all_at_once")],
)


def shop() -> tuple[Bench, dict[str, str]]:
    """The shop, and the refs of its instances by their names."""
    bench = Bench()
    scenarios()["shop"].build(bench.boto, bench.world)
    bench.past_the_wire()
    return bench, {each.name: str(each.ref) for each in bench.discover().of("instance")}


def part_of_shop(part: str, strategy: Strategy = "incremental") -> Move:
    """`instance`: the box with the Elastic IP, which calls everybody; `tags`: the search server, which calls nobody."""
    bench, names = shop()
    scopes: dict[str, dict[str, Any]] = {
        "database": {"refs": ["rds_instance:shop-db"]},
        "instance": {"refs": [names["ftp"]]},
        "load_balancer": {"refs": ["load_balancer:shop-web"]},
        "tags": {"tags": {"role": "search"}},
    }
    return Move(strategy, bench=bench, **scopes[part])


def things(found: dict[str, Any], scope: tuple[str, ...]) -> dict[str, Any]:
    """By ref: everything outside the scope, as AWS shows it."""
    listed: Iterator[tuple[str, Any]] = (
        (f"{kind}:{thing[key]}", thing) for name, (kind, key) in IDS.items() for thing in found[name]
    )
    return {ref: thing for ref, thing in listed if ref not in scope}


def touched(move: Move) -> list[str]:
    """What has changed of what was there before and is outside the scope."""
    ours = (*move.plan.scope, *map(move.twin, move.plan.scope))
    before, after = (things(found, ours) for found in (move.before, account(move.bench.boto)))
    return differences(before, {ref: thing for ref, thing in after.items() if ref in before})


def kinds_in(move: Move) -> set[str]:
    return {ref.partition(":")[0] for ref in move.plan.scope}


def test_a_database_brings_the_groups_of_its_callers_and_no_instance() -> None:
    move = part_of_shop("database")
    assert kinds_in(move) == {"rds_instance", "db_security_group", "security_group"}
    linked = [step.subject for step in move.plan.steps if step.action == "classic_link.attach"]
    assert len(linked) == 6  # three app servers, both halves of the job ring, and the reports


def test_an_instance_brings_its_groups_and_addresses() -> None:
    assert kinds_in(part_of_shop("instance")) == {"instance", "security_group", "elastic_ip"}


def test_a_load_balancer_brings_its_members_groups_so_that_they_can_be_linked() -> None:
    move = part_of_shop("load_balancer")
    assert kinds_in(move) == {"load_balancer", "security_group"}
    assert len([step for step in move.plan.steps if step.action == "classic_link.attach"]) == 3
    assert not move.plan.blocked


def test_a_load_balancer_cannot_move_all_at_once_without_its_members() -> None:
    plan = part_of_shop("load_balancer", "all_at_once").plan
    assert [finding.code for finding in plan.findings if finding.level == "blocker"] == ["no_member_follows"]


@EACH_PART
def test_no_flow_of_a_part_that_the_plan_calls_kept_is_ever_down(part: str) -> None:
    move = part_of_shop(part).execute()
    assert move.broken_promises() == []


@EACH_PART
def test_whoever_could_call_somebody_still_can_when_a_part_has_moved(part: str) -> None:
    move = part_of_shop(part).execute()
    assert move.reached - move.reachable(twins=True) == set()


@EACH_WAY
def test_undo_of_a_part_restores_the_account(part: str, strategy: Strategy) -> None:
    move = part_of_shop(part, strategy).execute()
    assert touched(move) == []
    assert move.undo() == "undone"
    assert move.unrestored() == []


@EACH_WAY
def test_finalize_of_a_part_leaves_everything_else_alone(part: str, strategy: Strategy) -> None:
    move = part_of_shop(part, strategy).execute()
    before = move.reachable(twins=True)
    assert move.finalize() == "succeeded"
    assert touched(move) == []
    assert before - move.reachable(twins=True) == set()
