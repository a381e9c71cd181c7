"""Members of a load balancer that moving takes out of service do not leave all at once."""

from typing import Any

import pytest

from app.planning.context import Settings, Target
from app.planning.inventory import Ref, Resource
from app.planning.plan import Plan
from tests.unit.resources.auto_scaling import a_group_for_balancers
from tests.unit.resources.inventories import ZONE, an_instance, plan_of
from tests.unit.resources.shop_inventory import balancer

TARGET = Target(vpc_id="vpc-1", subnets={ZONE: "subnet-1"})


def front(name: str, *members: str) -> Resource:
    return balancer(name, *members, zones=[ZONE])


def planned(*resources: Resource, image: str = "stopped", strategy: str = "incremental", **settings: Any) -> Plan:
    overrides = {str(each.ref): {"image": image} for each in resources if each.ref.kind == "instance"}
    everything = (a_group_for_balancers(), *resources)
    given = {"strategy": strategy, "overrides": overrides, "settings": Settings(**settings)}
    return plan_of(*everything, target=TARGET, **given)


def members(count: int, **facts: Any) -> list[Resource]:
    return [an_instance(f"i-{number}", **facts) for number in range(1, count + 1)]


def waits_for(plan: Plan, action: str, id_: str) -> set[str]:
    """The members whose counterparts must serve before this one goes."""
    [step] = [step for step in plan.steps if step.id == f"{action}/instance:{id_}"]
    ends = "load_balancer.register_twin/instance:"
    return {need.removeprefix(ends) for need in step.needs if need.startswith(ends)}


def least(plan: Plan) -> int | None:
    [flow] = [flow for flow in plan.flows if flow.sources == ("load_balancer:front",) and flow.from_port == 80]
    return flow.least_in_service


def test_one_after_the_other_is_stopped_where_there_are_few() -> None:
    plan = planned(*members(3), front("front", "i-1", "i-2", "i-3"))
    found = [waits_for(plan, "instance.stop", id_) for id_ in ("i-1", "i-2", "i-3")]
    assert found == [set(), {"i-1"}, {"i-2"}]
    assert least(plan) == 2


def test_one_after_the_other_is_rebooted_once_the_twin_has_taken_over() -> None:
    plan = planned(*members(2), front("front", "i-1", "i-2"), image="reboot")
    assert waits_for(plan, "instance.image", "i-2") == {"i-1"}
    [image] = [step for step in plan.steps if step.id == "instance.image/instance:i-1"]
    assert "load_balancer.register/load_balancer:front" in image.needs
    assert least(plan) == 1


def test_of_many_a_quarter_goes_at_once() -> None:
    ids = [f"i-{number}" for number in range(1, 9)]
    plan = planned(*members(8), front("front", *ids))
    assert [waits_for(plan, "instance.stop", id_) for id_ in ids[:4]] == [set(), set(), {"i-1"}, {"i-2"}]
    assert least(plan) == 6


def test_a_person_says_how_many() -> None:
    ids = [f"i-{number}" for number in range(1, 5)]
    plan = planned(*members(4), front("front", *ids), max_out_of_service=3)
    assert [waits_for(plan, "instance.stop", id_) for id_ in ids] == [set(), set(), set(), {"i-1"}]
    assert least(plan) == 1


def test_whoever_stays_in_service_waits_for_nobody() -> None:
    plan = planned(*members(3), front("front", "i-1", "i-2", "i-3"), image="no_reboot")
    assert waits_for(plan, "instance.image", "i-3") == set()
    assert least(plan) == 3


def test_a_lone_member_leaves_nobody_behind_and_the_plan_says_so() -> None:
    plan = planned(*members(1), front("front", "i-1"))
    assert least(plan) == 0


def test_a_member_of_two_waits_for_its_turn_behind_both() -> None:
    plan = planned(*members(3), front("front", "i-1", "i-3"), front("other", "i-2", "i-3"))
    assert waits_for(plan, "instance.stop", "i-3") == {"i-1", "i-2"}
    assert not plan.blocked


def test_a_stopped_member_takes_no_turn() -> None:
    first, second, third = members(3)
    first = an_instance("i-1", state="stopped")
    plan = planned(first, second, third, front("front", "i-1", "i-2", "i-3"))
    assert waits_for(plan, "instance.stop", "i-2") == set()
    assert waits_for(plan, "instance.stop", "i-3") == {"i-2"}


def test_all_at_once_nobody_takes_turns() -> None:
    plan = planned(*members(3), front("front", "i-1", "i-2", "i-3"), strategy="all_at_once")
    assert all(waits_for(plan, "instance.stop", id_) == set() for id_ in ("i-1", "i-2", "i-3"))
    assert least(plan) == 0


@pytest.mark.parametrize("width", [1, 2])
def test_turns_and_the_most_instances_at_once_do_not_stand_in_each_others_way(width: int) -> None:
    ids = [f"i-{number}" for number in range(1, 7)]
    plan = planned(*members(6), front("front", *ids), max_parallel_instances=width)
    assert not plan.blocked
    waits = {id_: _first_needs(plan, id_) for id_ in ids}
    assert all(waits[ids[number + width]] >= _chain(plan, ids[number]) for number in range(6 - width))


def _chain(plan: Plan, id_: str) -> set[str]:
    ref = str(Ref("instance", id_))
    return {step.id for step in plan.steps if step.subject == ref and step.phase == "instances"}


def _first_needs(plan: Plan, id_: str) -> set[str]:
    chain = _chain(plan, id_)
    [first] = [step for step in plan.steps if step.id in chain and not set(step.needs) & chain]
    return set(first.needs)
