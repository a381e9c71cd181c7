"""The preview of an undo, held against what the undo then does: its order, its length, and what stays afterwards."""

from collections.abc import Mapping
from typing import Any

import pytest

from app.execution.attempts import Control
from app.execution.journal import Entry, MemoryJournal
from app.execution.states import StepState
from app.jobs.undo_preview import WayBack, foretold
from app.planning.graph import dependents_of
from app.planning.inventory import Json
from app.planning.plan import PlannedStep, Strategy
from sandbox.virtual_time import run
from tests.kit import corner_shop
from tests.kit.account import Clients, account, differences
from tests.kit.bench import Bench

# How far the estimate may be from what an undo takes in the sandbox, where single calls take no time.
TOLERANCE = 0.25
POINTS = {
    "nothing but groups are made": "security_group.authorize",
    "the database moves": "rds_instance.modify",
    "counterparts run": "instance.launch",
    "the lone box has its address": "elastic_ip.associate",
    "all is done": "",
}


class StoppingJournal(MemoryJournal):
    """Asks for a stop as soon as a step of this action is looked at; remembers when each step moved."""

    def __init__(self, bench: Bench, action: str) -> None:
        super().__init__()
        self._bench, self._action = bench, action
        self.control = Control()
        self.times: dict[tuple[str, str], float] = {}

    async def move(
        self,
        step: PlannedStep,
        to: StepState,
        *,
        result: Mapping[str, Json] | None = None,
        error: Mapping[str, Json] | None = None,
    ) -> None:
        await super().move(step, to, result=result, error=error)
        self.times[step.id, to] = self._bench.clock.now()
        if step.action == self._action and to in ("verifying", "succeeded"):
            self.control.stop()


@pytest.mark.parametrize("strategy", ["incremental", "all_at_once"])
@pytest.mark.parametrize("point", POINTS)
def test_an_undo_does_what_its_preview_told(strategy: Strategy, point: str) -> None:
    bench, target = corner_shop.bench()
    bench.past_the_wire()
    before, raw = account(bench.look), addresses(bench.look)
    plan = bench.plan(target, strategy)
    steps = [step for step in plan.steps if step.phase != "finalize"]
    journal = StoppingJournal(bench, POINTS[point])
    outcome = run(bench.world, bench.executor(steps, journal, control=journal.control).advance())
    assert outcome == ("stopped" if POINTS[point] else "succeeded")

    told = foretold(steps, {step.id: journal.lines.get(step.id, Entry()) for step in steps})
    began = bench.clock.now()
    assert bench.undo(plan, journal) == "undone"
    took = bench.clock.now() - began

    assert {id_ for id_, state in journal.times if state == "undoing"} == {step.id for step in told.steps}
    assert {step.id for step in told.untouched} == {step.id for step in steps} - {step.id for step in told.steps}
    assert out_of_turn(told, steps, journal) == []
    if not journal.control.stopping.is_set():  # what was stopped in mid-step is taken back sooner
        assert told.seconds == pytest.approx(took, rel=TOLERANCE)
    assert stayed(told, before, account(bench.look), raw, addresses(bench.look)) == []


def out_of_turn(told: WayBack, steps: list[PlannedStep], journal: StoppingJournal) -> list[str]:
    """Steps that were taken back before one that came after them, or whose level says something else."""
    levels = {step.id: step.level for step in told.steps}
    dependents = dependents_of(steps)
    return [
        f"{id_} before {later}"
        for id_, level in levels.items()
        for later in levels.keys() & set(dependents[id_])
        if levels[later] >= level or journal.times[later, "undone"] > journal.times[id_, "undoing"]
    ]


def stayed(told: WayBack, before: Any, after: Any, raw_before: Any, raw_after: Any) -> list[str]:
    """What is not as it was and was not told, and what was told to stay and did not."""
    lost = {item.step: item.explanation for item in told.irreversible}
    subjects: dict[str, set[str]] = {}
    for id_ in lost:
        action, _, subject = id_.partition("/")
        subjects.setdefault(action, set()).add(subject.partition(":")[2])
    old = {each["DBSnapshotIdentifier"] for each in before["db_snapshots"]}
    kept = [each for each in after["db_snapshots"] if each["DBSnapshotIdentifier"] not in old]
    wrong = differences(before, {**after, "db_snapshots": [each for each in after["db_snapshots"] if each not in kept]})
    moved = {each["DBInstanceIdentifier"] for each in kept}
    wrong += [f"no final snapshot was told: {each}" for each in kept if "undone" not in each["DBSnapshotIdentifier"]]
    if len(kept) != len(subjects.get("rds_instance.modify", ())) or len(moved) != len(kept):
        wrong.append(f"final snapshots {kept} where {subjects.get('rds_instance.modify')} was told")
    stopped = subjects.get("instance.stop", set()) | subjects.get("instance.retire", set())
    changed = {
        id_ for id_ in raw_before["instances"] if raw_before["instances"][id_] != raw_after["instances"].get(id_)
    }
    if changed != stopped:
        wrong.append(f"{changed} have other addresses, and {stopped} were told to")
    drained = subjects.get("auto_scaling_group.drain", set())
    renewed = {name for name, members in raw_before["members"].items() if members != raw_after["members"].get(name)}
    if renewed != drained:
        wrong.append(f"{renewed} have other members, and {drained} were told to")
    return wrong


def addresses(look: Any) -> dict[str, dict[str, Any]]:
    """What the comparison of accounts leaves out: instances' private addresses, and who is in a group."""
    clients: Clients = look if callable(look) else look.client
    groups = clients("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    members = {group["AutoScalingGroupName"]: {each["InstanceId"] for each in group["Instances"]} for group in groups}
    found = [each for page in clients("ec2").describe_instances()["Reservations"] for each in page["Instances"]]
    ids = set().union(*members.values())
    return {
        "members": members,
        "instances": {
            each["InstanceId"]: each.get("PrivateIpAddress")
            for each in found
            if each["InstanceId"] not in ids and each["State"]["Name"] == "running"
        },
    }
