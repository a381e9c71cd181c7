"""An application moves in several plans: what moved before is left out, and its groups' counterparts are shared."""

import pytest

from app.execution.executor import Executor
from app.execution.journal import MemoryJournal
from app.planning.plan import Plan
from app.planning.scope import ScopeError
from sandbox.builder import Builder
from sandbox.reach import reach
from tests.kit.account import account
from tests.kit.bench import Bench
from tests.kit.undone import unrestored
from tests.kit.virtual_time import run

ZONES = {"us-east-1a": "172.20.1.0/24", "us-east-1b": "172.20.2.0/24"}
PORT = 8080


class Parts:
    """A caller and two servers that it calls; each is planned for by itself."""

    def __init__(self) -> None:
        self.bench = Bench()
        builder = Builder(self.bench.boto, self.bench.world)
        callers, servers = (builder.group(name, name) for name in ("callers", "servers"))
        builder.let_in(servers, PORT, groups=[callers])
        image = builder.image("amzn2-ami-hvm-*")
        common = {"ImageId": image, "InstanceType": "m3.medium", "Placement": {"AvailabilityZone": "us-east-1a"}}
        [self.caller] = builder.launch(["caller"], {}, SecurityGroupIds=[callers], **common)
        self.first, self.second = builder.launch(["first", "second"], {}, SecurityGroupIds=[servers], **common)
        builder.network("target", "172.20.0.0/16", ZONES)
        builder.wait(300)
        self.bench.past_the_wire()
        self.callers, self.servers = callers, servers

    def plan(self, *instances: str) -> Plan:
        refs = [f"instance:{id_}" for id_ in instances] or None
        return self.bench.plan(self.bench.target(), "incremental", refs=refs)

    def move(self, *instances: str) -> tuple[Plan, MemoryJournal]:
        plan, journal = self.plan(*instances), MemoryJournal()
        assert run(self.bench.world, self._job(plan, journal).advance()) == "succeeded"
        return plan, journal

    def undo(self, plan: Plan, journal: MemoryJournal) -> str:
        return run(self.bench.world, self._job(plan, journal).retreat())

    def _job(self, plan: Plan, journal: MemoryJournal) -> Executor:
        """Each plan's job has an id of its own, by which it knows what it has made."""
        steps = [step for step in plan.steps if step.phase != "finalize"]
        return self.bench.executor(steps, journal, job_id=f"job_of_{len(plan.scope)}_{plan.scope[0]}")

    def calls(self, source: str, target: str) -> bool:
        place = self.bench.world.place()
        return bool(reach(place, f"instance:{source}", f"instance:{target}", PORT).ok)

    def groups_in_vpc(self) -> set[str]:
        return {each.name for each in self.bench.discover().of("security_group") if each.platform == "vpc"}


def twin(journal: MemoryJournal, instance: str) -> str:
    result = journal.lines[f"instance.launch/instance:{instance}"].result
    assert result is not None
    return str(result["counterpart"])


def test_parts_that_move_one_after_another_go_on_calling_each_other() -> None:
    parts = Parts()
    _, first = parts.move(parts.caller)
    caller = twin(first, parts.caller)
    assert parts.calls(caller, parts.first)
    groups = parts.groups_in_vpc()

    _, second = parts.move(parts.first)

    assert parts.groups_in_vpc() == groups
    assert parts.calls(caller, twin(second, parts.first))
    assert parts.calls(caller, parts.second)


def test_a_later_plan_proves_the_flows_of_what_has_moved() -> None:
    parts = Parts()
    _, journal = parts.move(parts.caller)

    plan = parts.plan(parts.first)

    [flow] = [flow for flow in plan.flows if f"security_group:{parts.servers} admits" in flow.rule]
    assert flow.sources == (f"instance:{twin(journal, parts.caller)}",)
    assert flow.verdict == "interrupted"  # by the server's own stop, and by nothing else
    assert {target for each in flow.interruptions for target in each.targets} == {f"instance:{parts.first}"}


def test_what_has_moved_is_left_out_of_a_plan_for_everything() -> None:
    parts = Parts()
    parts.move(parts.caller)

    plan = parts.plan()

    moved = {step.subject for step in plan.steps if step.action == "instance.launch"}
    assert moved == {f"instance:{parts.first}", f"instance:{parts.second}"}
    assert [finding.subject for finding in plan.findings if finding.code == "moved_already"] == [
        f"instance:{parts.caller}"
    ]


def test_to_move_something_twice_is_refused_with_what_to_do() -> None:
    parts = Parts()
    parts.move(parts.caller)
    with pytest.raises(ScopeError, match="finalize or undo") as refused:
        parts.plan(parts.caller)
    assert refused.value.refs == (f"instance:{parts.caller}",)


def test_undo_of_the_later_move_leaves_the_earlier_one_as_it_was() -> None:
    parts = Parts()
    untouched = account(parts.bench.look)
    earlier, first = parts.move(parts.caller)
    before = account(parts.bench.look)
    later, second = parts.move(parts.first, parts.second)

    assert parts.undo(later, second) == "undone"
    assert unrestored(before, account(parts.bench.look)) == []
    assert parts.calls(twin(first, parts.caller), parts.first)

    assert parts.undo(earlier, first) == "undone"
    assert unrestored(untouched, account(parts.bench.look)) == []
