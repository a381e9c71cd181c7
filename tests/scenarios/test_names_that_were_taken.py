"""Somebody makes a thing with the very name that a step is about to use: it is his, and stays his."""

from typing import Any

from app.execution.journal import MemoryJournal
from app.planning.plan import Plan
from tests.kit import corner_shop
from tests.kit.bench import Bench


def failed(journal: MemoryJournal) -> list[str]:
    return [id_ for id_, entry in journal.lines.items() if entry.state == "failed"]


def halted(bench: Bench, plan: Plan, action: str) -> tuple[str, MemoryJournal]:
    """Carry the plan out, which must halt at the one step of that action on something taken."""
    outcome, journal = bench.execute(plan)
    assert outcome == "halted"
    (step,) = failed(journal)
    assert step.startswith(f"{action}/")
    assert "AlreadyExists" in str(journal.lines[step].error) or "Duplicate" in str(journal.lines[step].error)
    return step, journal


def test_a_group_that_somebody_made_under_a_twins_name_is_neither_adopted_nor_deleted() -> None:
    bench, target = corner_shop.bench()
    plan = bench.plan(target)
    creates = (step for step in plan.steps if step.action == "security_group.create")
    create = next(step for step in creates if step.params["name"] != "default")
    ec2: Any = bench.boto.client("ec2")
    name = create.params["name"]
    made = ec2.create_security_group(GroupName=name, Description="theirs", VpcId=target.vpc_id)
    theirs = made["GroupId"]

    step, journal = halted(bench, plan, "security_group.create")
    assert step == create.id

    assert bench.undo(plan, journal) == "undone"
    (found,) = ec2.describe_security_groups(GroupIds=[theirs])["SecurityGroups"]
    assert (found["Description"], found.get("Tags", [])) == ("theirs", [])


def test_a_load_balancer_that_somebody_made_under_a_twins_name_is_neither_adopted_nor_deleted() -> None:
    bench, target = corner_shop.bench()
    plan = bench.plan(target)
    create = next(step for step in plan.steps if step.action == "load_balancer.create")
    elb: Any = bench.boto.client("elb")
    listener = {"Protocol": "TCP", "LoadBalancerPort": 25, "InstancePort": 25}
    elb.create_load_balancer(
        LoadBalancerName=create.params["name"], Listeners=[listener], Subnets=[target.subnets["us-east-1a"]]
    )

    step, journal = halted(bench, plan, "load_balancer.create")
    assert step == create.id

    assert bench.undo(plan, journal) == "undone"
    (found,) = elb.describe_load_balancers(LoadBalancerNames=[create.params["name"]])["LoadBalancerDescriptions"]
    assert [each["Listener"]["LoadBalancerPort"] for each in found["ListenerDescriptions"]] == [25]
