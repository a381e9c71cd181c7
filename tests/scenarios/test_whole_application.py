"""A lived-in shop moves whole: nothing of it is lost, what the plan calls kept stays up, and it comes back."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from app.planning.plan import Strategy
from tests.scenarios.comparing import ELB_OWNER, Picture, Rule, picture
from tests.scenarios.whole_move import Move, refs_named

WAYS: list[tuple[Strategy, bool]] = [
    ("incremental", False),
    ("incremental", True),
    ("all_at_once", False),
    ("all_at_once", True),
]
NAMES = [f"{strategy} into {'a new VPC' if new else 'the prepared VPC'}" for strategy, new in WAYS]
EACH_WAY = pytest.mark.parametrize(("strategy", "new_vpc"), WAYS, ids=NAMES)


@cache
def moved(strategy: Strategy, new_vpc: bool) -> tuple[Move, Picture]:
    """The shop after execute, for tests that only look."""
    move = Move(strategy, new_vpc=new_vpc).execute()
    return move, picture(move.bench.boto)


def pairs(move: Move, kind: str) -> Iterator[tuple[str, str]]:
    """Id of each source of a kind, and of its counterpart."""
    for ref, twin in sorted(move.counterparts.items()):
        name, _, id_ = ref.partition(":")
        if name == kind:
            yield id_, twin


def twins(move: Move, kind: str, ids: frozenset[str]) -> set[str]:
    return {move.counterparts[f"{kind}:{id_}"] for id_ in ids}


@EACH_WAY
def test_every_instance_has_a_counterpart_with_all_its_attributes(strategy: Strategy, new_vpc: bool) -> None:
    move, now = moved(strategy, new_vpc)
    assert len(move.old.instances) == 11
    assert {source: now.instances[twin] for source, twin in pairs(move, "instance")} == move.old.instances


@EACH_WAY
def test_every_counterpart_is_in_the_twins_of_its_sources_groups(strategy: Strategy, new_vpc: bool) -> None:
    move, now = moved(strategy, new_vpc)
    for source, twin in pairs(move, "instance"):
        assert now.members_of[twin] == twins(move, "security_group", move.old.members_of[source])


def translated(rules: frozenset[Rule], move: Move, now: Picture) -> set[Rule]:
    """The rules as a twin must have them: groups by their twins, load balancers by the twin's own group."""
    found: set[Rule] = set()
    for protocol, first, last, source in rules:
        if source == ELB_OWNER:
            [name] = [twin for _, twin in pairs(move, "load_balancer")]
            sources = set(now.balancer_groups[name])
        else:
            sources = {move.counterparts.get(f"security_group:{source}", source)}
        found |= {(protocol, first, last, each) for each in sources}
    return found


@EACH_WAY
def test_every_group_has_a_twin_with_the_same_rules(strategy: Strategy, new_vpc: bool) -> None:
    move, now = moved(strategy, new_vpc)
    found = dict(pairs(move, "security_group"))
    assert set(found) == {group.ref.id for group in move.inventory.of("security_group") if group.platform == "classic"}
    for source, twin in found.items():
        rules = translated(move.old.rules[source], move, now)
        if source == move.old.default_group:  # its twin is the VPC's own, which admits itself on all ports
            rules.add(("-1", None, None, twin))
        assert rules == set(now.rules[twin])


@EACH_WAY
def test_the_load_balancers_twin_is_set_up_the_same_and_has_the_counterparts_behind_it(
    strategy: Strategy, new_vpc: bool
) -> None:
    move, now = moved(strategy, new_vpc)
    [(source, twin)] = pairs(move, "load_balancer")
    assert now.balancers[twin] == move.old.balancers[source]
    assert now.behind[twin] == twins(move, "instance", move.old.behind[source])
    health: Any = move.bench.boto.client("elb")
    states = health.describe_instance_health(LoadBalancerName=twin)["InstanceStates"]
    assert {each["State"] for each in states} == {"InService"}


@EACH_WAY
def test_the_database_keeps_every_attribute_and_lets_the_twins_of_its_callers_in(
    strategy: Strategy, new_vpc: bool
) -> None:
    move, now = moved(strategy, new_vpc)
    assert {source: now.databases[twin] for source, twin in pairs(move, "rds_instance")} == move.old.databases
    [(group, twin)] = pairs(move, "db_security_group")
    assert now.database_groups["shop-db"] == {twin}
    facts = next(each.facts for each in move.inventory.of("db_security_group") if each.ref.id == group)
    sources = {move.counterparts[f"security_group:{row['group']}"] for row in facts["groups"]} | set(facts["cidrs"])
    assert now.rules[twin] == {("tcp", 3306, 3306, source) for source in sources}


@EACH_WAY
def test_records_lead_to_the_twin_and_are_the_same_otherwise(strategy: Strategy, new_vpc: bool) -> None:
    move, now = moved(strategy, new_vpc)
    [(source, twin)] = pairs(move, "load_balancer")
    old_name = next(name for name, balancer in move.old.names.items() if balancer == source)
    new_name = next(name for name, balancer in now.names.items() if balancer == twin)
    assert now.records == {key: _renamed(record, old_name, new_name) for key, record in move.old.records.items()}
    assert now.records != move.old.records


def _renamed(record: Any, old: str, new: str) -> Any:
    if isinstance(record, dict):
        return {key: _renamed(value, old, new) for key, value in record.items()}
    if isinstance(record, list):
        return [_renamed(value, old, new) for value in record]
    same_name = isinstance(record, str) and record.rstrip(".").lower().removeprefix("dualstack.") == old
    return new + "." * record.endswith(".") if same_name else record


@EACH_WAY
def test_the_address_is_the_same_and_belongs_to_the_counterpart(strategy: Strategy, new_vpc: bool) -> None:
    move, now = moved(strategy, new_vpc)
    assert set(now.addresses) == set(move.old.addresses)
    for public_ip, old in move.old.addresses.items():
        assert now.addresses[public_ip]["Domain"] == "vpc"
        assert now.addresses[public_ip]["InstanceId"] == move.counterparts[f"instance:{old['InstanceId']}"]


@EACH_WAY
def test_whoever_could_call_somebody_can_call_the_counterpart(strategy: Strategy, new_vpc: bool) -> None:
    move, _ = moved(strategy, new_vpc)
    assert len(move.reached) > 50
    assert move.reached - move.reachable(twins=True) == set()


@EACH_WAY
def test_no_flow_that_the_plan_calls_kept_was_ever_down(strategy: Strategy, new_vpc: bool) -> None:
    move, _ = moved(strategy, new_vpc)
    assert not move.plan.blocked
    assert move.broken_promises() == []


@pytest.mark.parametrize("new_vpc", [False, True])
def test_moved_incrementally_nothing_about_the_load_balancer_is_interrupted(new_vpc: bool) -> None:
    move, _ = moved("incremental", new_vpc)
    behind = set(refs_named(move, "instance", "web-1", "web-2", "web-3")) | {"load_balancer:shop-web"}
    fronted = [flow for flow in move.plan.flows if set(flow.targets) <= behind]
    assert len(fronted) == 5
    assert {flow.verdict for flow in fronted} == {"kept"}
    assert not {flow.id for flow in fronted} & set(move.measured())


@EACH_WAY
def test_every_classic_resource_has_a_counterpart_or_a_finding(strategy: Strategy, new_vpc: bool) -> None:
    move, _ = moved(strategy, new_vpc)
    told = {finding.subject for finding in move.plan.findings}
    classic = {str(each.ref) for each in move.inventory if each.platform == "classic" and each.kind != "region"}
    assert classic - set(move.counterparts) - told == set()
    assert classic - set(move.counterparts) == {"db_security_group:default"}


@EACH_WAY
def test_after_undo_the_account_is_as_before(strategy: Strategy, new_vpc: bool) -> None:
    move = Move(strategy, new_vpc=new_vpc).execute()
    assert move.undo() == "undone"
    assert move.unrestored() == []
    assert move.reached - move.reachable() == set()


@EACH_WAY
def test_after_finalize_only_what_cannot_be_deleted_is_left_in_classic(strategy: Strategy, new_vpc: bool) -> None:
    move = Move(strategy, new_vpc=new_vpc).execute()
    assert move.finalize() == "succeeded"
    assert move.left_in_classic() == {f"security_group:{move.old.default_group}", "db_security_group:default"}
    assert move.reached - move.reachable(twins=True) == set()
