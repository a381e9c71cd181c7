"""The shop's web servers move by being stopped or rebooted, and the others behind their load balancer go on serving."""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.execution.journal import Entry, MemoryJournal
from app.planning.context import Settings
from app.resources.load_balancer_members import RECOVERY
from tests.scenarios.whole_move import Move, errors

WEB = ("web-1", "web-2", "web-3")


def moving(image: str, **request: Any) -> Move:
    overrides = {ref: {"image": image} for ref in web_servers().values()}
    return Move("incremental", new_vpc=True, overrides=overrides, **request)


def web_servers(move: Move | None = None) -> dict[str, str]:
    """Their refs by name; equal shops have equal ids."""
    found = (move or Move("incremental", new_vpc=True)).inventory.of("instance")
    return {each.name: str(each.ref) for each in found if each.name in WEB}


def behind(move: Move) -> dict[str, tuple[int | None, int]]:
    """By flow of a load balancer: how many were to serve at least, and how many did."""
    measured = move.least_in_service()
    return {flow.id: (flow.least_in_service, measured[flow.id]) for flow in move.plan.flows if flow.id in measured}


@pytest.mark.parametrize("image", ["stopped", "reboot"])
def test_two_of_three_serve_at_every_moment_forward_and_back(image: str) -> None:
    move = moving(image).execute()
    assert list(behind(move).values()) == [(2, 2)]
    assert move.broken_promises() == []
    assert move.undo() == "undone"
    assert list(behind(move).values()) == [(2, 2)]
    assert move.unrestored() == []


@pytest.mark.parametrize(
    ("strategy", "image"), [("incremental", "stopped"), ("incremental", "no_reboot"), ("all_at_once", "")]
)
def test_undone_all_serve_behind_their_load_balancer_again_though_their_addresses_are_others(
    strategy: Any, image: str
) -> None:
    overrides = {ref: {"image": image} for ref in web_servers().values()} if image else {}
    move = Move(strategy, new_vpc=True, overrides=overrides)
    ids = {ref.partition(":")[2] for ref in web_servers(move).values()}
    before = addresses(move, ids)
    assert move.execute().undo() == "undone"
    assert in_service(move) == ids
    assert addresses(move, ids).isdisjoint(before)
    assert move.unrestored() == []


def in_service(move: Move) -> set[str]:
    boto: Any = move.bench.boto
    told = boto.client("elb").describe_instance_health(LoadBalancerName="shop-web")["InstanceStates"]
    return {each["InstanceId"] for each in told if each["State"] == "InService"}


def addresses(move: Move, ids: Collection[str]) -> set[str]:
    boto: Any = move.bench.boto
    told = boto.client("ec2").describe_instances(InstanceIds=sorted(ids))["Reservations"]
    return {each["PrivateIpAddress"] for one in told for each in one["Instances"]}


def test_where_a_person_lets_two_out_at_once_one_serves() -> None:
    move = moving("stopped", settings=Settings(max_out_of_service=2)).execute()
    assert list(behind(move).values()) == [(1, 1)]
    assert move.broken_promises() == []


def ready_to_stop(image: str = "stopped") -> tuple[Move, MemoryJournal, dict[str, str]]:
    """The shop just before its first web server goes out of service."""
    move = moving(image)
    move.bench.unguarded()
    servers = web_servers(move)
    leaving = {"stopped": "instance.stop", "reboot": "instance.image"}[image]
    first = {f"{leaving}/{ref}" for ref in servers.values()}
    cut, barred = [], set(first)
    for step in move.plan.steps:  # each after those it needs
        if step.id in barred or barred & set(step.needs) or step.phase == "finalize":
            barred.add(step.id)
        else:
            cut.append(step)
    outcome, journal = move.bench.execute(replace(move.plan, steps=tuple(cut)))
    assert outcome == "succeeded", errors(journal)
    return move, journal, servers


def leave(move: Move, journal: MemoryJournal, step_id: str) -> str:
    """Let just this step run, after all that had run before."""
    done = {id_ for id_, line in journal.lines.items() if line.state in ("succeeded", "skipped")}
    steps = [step for step in move.plan.steps if step.id in done or step.id == step_id]
    alone = [replace(step, needs=tuple(need for need in step.needs if need in done)) for step in steps]
    outcome, _ = move.bench.execute(replace(move.plan, steps=tuple(alone)), journal)
    return outcome


def test_a_member_is_not_stopped_while_another_one_is_out_for_reasons_of_its_own() -> None:
    move, journal, servers = ready_to_stop()
    step = f"instance.stop/{servers['web-1']}"
    boto: Any = move.bench.boto
    broken = servers["web-2"].partition(":")[2]
    boto.client("ec2").stop_instances(InstanceIds=[broken])
    move.bench.world.clock.advance(120)

    before = move.bench.world.clock.now()
    assert leave(move, journal, step) == "halted"
    said = str(journal.lines[step].error)
    assert "the plan allows no fewer than 2" in said
    assert (move.bench.world.clock.now() - before).total_seconds() >= RECOVERY
    running = boto.client("ec2").describe_instances(InstanceIds=[servers["web-1"].partition(":")[2]])
    assert running["Reservations"][0]["Instances"][0]["State"]["Name"] == "running"


def test_a_member_is_stopped_where_a_person_had_its_load_balancers_steps_skipped() -> None:
    move, journal, servers = ready_to_stop()
    journal.lines["load_balancer.register/load_balancer:shop-web"] = Entry("skipped")
    assert leave(move, journal, f"instance.stop/{servers['web-1']}") == "succeeded"


def test_a_member_that_serves_nowhere_any_more_is_stopped_whoever_else_is_out() -> None:
    move, journal, servers = ready_to_stop()
    boto: Any = move.bench.boto
    twin = {
        each["LoadBalancerName"] for each in boto.client("elb").describe_load_balancers()["LoadBalancerDescriptions"]
    }
    web = {name: {"InstanceId": ref.partition(":")[2]} for name, ref in servers.items()}
    for name in twin:
        boto.client("elb").deregister_instances_from_load_balancer(LoadBalancerName=name, Instances=list(web.values()))
    move.bench.world.clock.advance(120)
    assert leave(move, journal, f"instance.stop/{servers['web-1']}") == "succeeded"


def test_a_member_waits_for_another_one_to_come_back_before_it_is_rebooted() -> None:
    move, journal, servers = ready_to_stop("reboot")
    boto: Any = move.bench.boto
    elb, clock = boto.client("elb"), move.bench.world.clock
    made = journal.lines["load_balancer.create/load_balancer:shop-web"].result or {}
    member = {"InstanceId": servers["web-2"].partition(":")[2]}
    away: Any = {"LoadBalancerName": made["counterpart"], "Instances": [member]}
    elb.deregister_instances_from_load_balancer(**away)
    clock.advance(60)
    clock.after(200, lambda: elb.register_instances_with_load_balancer(**away))
    since = clock.now()
    assert leave(move, journal, f"instance.image/{servers['web-1']}") == "succeeded"
    assert clock.now() >= since + timedelta(seconds=200)
    assert list(behind(move).values()) == [(2, 2)]
