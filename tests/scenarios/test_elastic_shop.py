"""The shop with its web tier as an Auto Scaling group moves whole, and comes back from wherever it has come to."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from app.execution.attempts import Control
from app.execution.journal import MemoryJournal
from app.execution.states import StepState
from app.planning.inventory import Json
from app.planning.plan import PlannedStep, Strategy
from tests.kit.forked import apart
from tests.scenarios.comparing import Fields, Picture, picture
from tests.scenarios.elastic import BALANCER, GROUP, REF, ElasticMove, equipment
from tests.scenarios.test_whole_application import EACH_WAY

GROUP_TAG = "aws:autoscaling:groupName"


@cache
def moved(strategy: Strategy, new_vpc: bool) -> tuple[ElasticMove, Picture, dict[str, Any]]:
    """The shop after execute, for tests that only look; and what the group was equipped with."""
    move = ElasticMove(strategy, new_vpc=new_vpc)
    before = equipment(move, GROUP, BALANCER)
    move.execute()
    return move, picture(move.bench.boto), before


@EACH_WAY
def test_no_flow_that_the_plan_calls_kept_was_ever_down(strategy: Strategy, new_vpc: bool) -> None:
    move, _, _ = moved(strategy, new_vpc)
    assert not move.plan.blocked
    assert [flow for flow in move.plan.flows if REF in (*flow.sources, *flow.targets)]
    assert move.broken_promises() == []


@EACH_WAY
def test_whoever_could_call_somebody_can_call_the_counterpart(strategy: Strategy, new_vpc: bool) -> None:
    move, _, _ = moved(strategy, new_vpc)
    assert any(REF in pair for pair in move.reached)
    assert move.reached - move.reachable(twins=True) == set()


@pytest.mark.parametrize("new_vpc", [False, True])
def test_moved_incrementally_callers_of_the_load_balancer_notice_nothing(new_vpc: bool) -> None:
    move, _, _ = moved("incremental", new_vpc)
    fronted = [flow for flow in move.plan.flows if set(flow.targets) <= {REF, f"load_balancer:{BALANCER}"}]
    assert {flow.verdict for flow in fronted} == {"kept"}
    assert not {flow.id for flow in fronted} & set(move.measured())


@EACH_WAY
def test_every_member_of_the_new_group_is_in_service_behind_the_twin_and_nobody_is_left_in_the_old_one(
    strategy: Strategy, new_vpc: bool
) -> None:
    move, _, _ = moved(strategy, new_vpc)
    group, balancer = move.twins()
    assert len(group.members) == group.desired == 3
    assert set(group.members) == move.served(group, balancer) == set(balancer.in_service_ids)
    assert (move.group().members, move.group().desired, move.group().maximum) == ({}, 0, 0)
    assert move.balancers_called() == [balancer]


@EACH_WAY
def test_the_new_group_has_the_sizes_and_everything_that_hung_on_the_old_one(strategy: Strategy, new_vpc: bool) -> None:
    move, _, before = moved(strategy, new_vpc)
    assert all(before.values()), before
    group, balancer = move.twins()
    assert equipment(move, group.name, balancer.name) == before


@EACH_WAY
def test_its_members_are_like_those_of_the_old_group(strategy: Strategy, new_vpc: bool) -> None:
    move, now, _ = moved(strategy, new_vpc)
    old, new = _members(move.old), _members(now)
    assert (len(old), len(new)) == (3, 3)
    assert {str(_alike(each)) for each in new} == {str(_alike(each)) for each in old}
    assert {each["zone"] for each in new} == {each["zone"] for each in old}


def _members(seen: Picture) -> list[Fields]:
    return [each for each in seen.instances.values() if GROUP_TAG in each["tags"]]


def _alike(member: Fields) -> Fields:
    tags = {key: value for key, value in sorted(member["tags"].items()) if not key.startswith("aws:")}
    return {**member, "zone": "", "tags": tags}


@EACH_WAY
def test_after_undo_the_account_is_as_before_and_the_old_group_serves(strategy: Strategy, new_vpc: bool) -> None:
    move, _, before = moved(strategy, new_vpc)
    assert apart(lambda: undone(move, before)) == []


def undone(move: ElasticMove, equipped: dict[str, Any]) -> list[str]:
    """What is not as it was once everything is undone."""
    wrong = [] if move.undo() == "undone" else [f"{id_}: {line.error}" for id_, line in move.journal.lines.items()]
    wrong += move.unrestored()
    wrong += [f"{pair} is cut" for pair in sorted(move.reached - move.reachable())]
    old = move.group()
    balancer = move.balancers_called()[0]
    if (balancer.name, len(move.served(old, balancer)), len(old.members)) != (BALANCER, 3, 3):
        wrong.append(f"{len(move.served(old, balancer))} of {len(old.members)} members serve behind {balancer.name}")
    if equipment(move, GROUP, BALANCER) != equipped:
        wrong.append("the group is equipped otherwise")
    wrong += [f"{each} is linked" for each in old.members if move.link_of(each)]
    return wrong


@EACH_WAY
def test_after_finalize_only_what_cannot_be_deleted_is_left_in_classic(strategy: Strategy, new_vpc: bool) -> None:
    move, _, _ = moved(strategy, new_vpc)

    def finalized() -> list[str]:
        outcome = move.finalize()
        left = move.left_in_classic() - {f"security_group:{move.old.default_group}", "db_security_group:default"}
        left |= {each["LaunchConfigurationName"] for each in _configurations(move)}
        left |= {each["AlarmName"] for each in move.ask("cloudwatch.describe_alarms")["MetricAlarms"]} - {
            "web-busy-vpc",
            "web-idle-vpc",
        }
        lost = move.reached - move.reachable(twins=True)
        return [*([] if outcome == "succeeded" else [outcome]), *sorted(left), *map(str, sorted(lost))]

    assert apart(finalized) == []


def _configurations(move: ElasticMove) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = move.ask("autoscaling.describe_launch_configurations")["LaunchConfigurations"]
    return found


class StoppingJournal(MemoryJournal):
    """Has the job stop as soon as so many steps have succeeded."""

    def __init__(self, control: Control, after: int) -> None:
        super().__init__()
        self.control = control
        self.after = after

    async def move(
        self,
        step: PlannedStep,
        to: StepState,
        *,
        result: Mapping[str, Json] | None = None,
        error: Mapping[str, Json] | None = None,
    ) -> None:
        await super().move(step, to, result=result, error=error)
        if to == "succeeded":
            self.after -= 1
            if self.after == 0:
                self.control.stop()


@pytest.mark.parametrize("strategy", ["incremental", "all_at_once"])
def test_undone_from_anywhere_the_account_is_as_before_and_the_old_group_serves(strategy: Strategy) -> None:
    come_back_from_anywhere(strategy, every=13)


@pytest.mark.soak
@pytest.mark.parametrize("strategy", ["incremental", "all_at_once"])
def test_undone_after_each_single_step_the_account_is_as_before(strategy: Strategy) -> None:
    come_back_from_anywhere(strategy, every=1)


def come_back_from_anywhere(strategy: Strategy, every: int) -> None:
    """The job is stopped after each so many steps; there undo is tried, and forgotten, and the job goes on."""
    move = ElasticMove(strategy)
    equipped = equipment(move, GROUP, BALANCER)
    move.journal = journal = StoppingJournal(Control(), every)
    wrong: list[str] = []
    phases: set[str] = set()
    while move.advance(journal.control) == "stopped":
        last = journal.trace[-1][0]
        phases |= {step.phase for step in move.steps if step.id == last}
        wrong += [f"stopped after {last}: {line}" for line in apart(lambda: undone(move, equipped))]
        journal.control, journal.after = Control(), every
    assert wrong == []
    assert {line.state for line in journal.lines.values()} == {"succeeded"}
    assert len(phases) > 1
