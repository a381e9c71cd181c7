"""Auto Scaling groups moved for real, against the sandbox, while their members come and go."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from app.cloud import Cloud, Denied
from app.execution.executor import Executor
from app.execution.journal import MemoryJournal
from app.execution.rehearsal import rehearsed
from app.execution.states import StepState
from app.planning.plan import PlannedStep, Strategy
from app.resources import all_kinds
from app.resources.auto_scaling_method import KEEP_EVERY, SCALING
from app.resources.discovery import discover
from sandbox.virtual_time import run
from tests.scenarios.auto_scaling_account import GROUP, REF, SOON, Watched, Web
from tests.scenarios.whole_move import errors

STRATEGIES = pytest.mark.parametrize("strategy", ["incremental", "all_at_once"])
OURS = "auto_scaling_group."
STEPS = ("link_members", "register_members", "equip", "freeze", "scale_up", "drain", "thaw")
MEDDLING = ("kill", "out", "in")


def quiet(step: PlannedStep, to: StepState) -> None:
    """Nobody does anything."""


def test_the_twin_has_everything_that_the_source_had() -> None:
    web = Web(hooks=True, NewInstancesProtectedFromScaleIn=True, TerminationPolicies=["OldestInstance"])
    before = web.look()
    move = web.move().execute()
    twin = web.look("web-vpc")

    kept = (
        "DefaultCooldown",
        "HealthCheckType",
        "HealthCheckGracePeriod",
        "TerminationPolicies",
        "NewInstancesProtectedFromScaleIn",
        "MinSize",
        "MaxSize",
        "DesiredCapacity",
        "AvailabilityZones",
    )
    assert {key: twin[key] for key in kept} == {key: before[key] for key in kept}
    assert sorted(twin["VPCZoneIdentifier"].split(",")) == sorted(web.subnets)
    assert twin["LoadBalancerNames"] == ["front-vpc"]
    tags = {tag["Key"]: (tag["Value"], tag["PropagateAtLaunch"]) for tag in twin["Tags"]}
    assert tags["team"] == ("red", True)
    assert tags["owner"] == ("Kim", False)
    assert tags["landbridge:source"] == (REF, False)
    assert [hook["LifecycleHookName"] for hook in _of(web, "describe_lifecycle_hooks", "LifecycleHooks")] == [
        "drain-queue",
        "warm",
    ]
    [action] = _of(web, "describe_scheduled_actions", "ScheduledUpdateGroupActions")
    assert (action["Recurrence"], action["MinSize"]) == ("0 18 * * *", 1)
    assert twin["SuspendedProcesses"] == []
    assert len(web.members("web-vpc")) == 2
    assert web.members() == []
    assert move.broken_promises() == []


def _of(web: Web, operation: str, key: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = web.scaling(operation, AutoScalingGroupName="web-vpc")[key]
    return found


def test_the_copy_of_an_alarm_calls_the_twins_policy_and_whoever_else_it_called() -> None:
    web = Web()
    web.move().execute()
    [policy] = _of(web, "describe_policies", "ScalingPolicies")
    answer = web.hand.ask("cloudwatch.describe_alarms", {"AlarmNames": ["busy-vpc", "busy"]})
    old, new = sorted(answer["MetricAlarms"], key=lambda alarm: str(alarm["AlarmName"]))
    assert new["AlarmActions"] == [policy["PolicyARN"], "arn:aws:sns:us-east-1:123456789012:ops"]
    assert new["Dimensions"] == [{"Name": "AutoScalingGroupName", "Value": "web-vpc"}]
    assert old["Dimensions"] == [{"Name": "AutoScalingGroupName", "Value": "web"}]


@STRATEGIES
def test_what_is_called_kept_is_kept_and_undo_brings_the_group_back(strategy: Strategy) -> None:
    web = Web()
    move = web.move(strategy).execute()
    assert move.broken_promises() == []
    if strategy == "incremental":
        [flow] = [flow for flow in move.plan.flows if flow.targets == (REF,) and "load_balancer:front" in flow.sources]
        assert flow.verdict == "kept"
    assert move.undo() == "undone", errors(move.journal)
    assert move.unrestored() == []
    assert len(web.members()) == 2


@STRATEGIES
def test_finalize_deletes_the_group_and_what_only_it_used(strategy: Strategy) -> None:
    web = Web()
    move = web.move(strategy).execute()
    assert move.finalize() == "succeeded"
    assert not web.exists("web")
    answer = web.hand.ask("autoscaling.describe_launch_configurations", {})
    assert answer["LaunchConfigurations"] == []
    alarms = {alarm["AlarmName"] for alarm in web.hand.ask("cloudwatch.describe_alarms", {})["MetricAlarms"]}
    assert alarms == {"busy", "busy-vpc"}  # `busy` also tells a topic
    left = {(each.kind, each.name) for each in web.bench.discover() if str(each.ref) in move.left_in_classic()}
    assert left == {("db_security_group", "default"), ("security_group", "default")}  # which nobody can delete
    assert len(web.members("web-vpc")) == 2


def test_finalize_leaves_a_group_alone_that_somebody_has_raised() -> None:
    web = Web()
    move = web.move().execute()
    web.scaling("update_auto_scaling_group", MaxSize=2, DesiredCapacity=1)
    outcome, journal = web.bench.finalize(move.plan, move.journal)
    assert outcome == "halted"
    assert "is to have some again" in errors(journal)[f"{OURS}delete/{REF}"]["detail"]
    assert web.exists("web")


@STRATEGIES
@pytest.mark.parametrize("after", STEPS)
def test_undo_from_any_step_brings_the_group_back_at_its_size(strategy: Strategy, after: str) -> None:
    web = Web()
    move = web.move(strategy)
    if OURS + after not in {step.action for step in move.plan.steps}:
        return
    web.stop_after(move, OURS + after)
    assert move.undo() == "undone", errors(move.journal)
    assert move.unrestored() == []
    assert len(web.members()) == 2


@pytest.mark.parametrize("turn", range(len(MEDDLING)))
def test_members_killed_and_the_group_scaled_at_every_phase_break_no_promise_and_leave_no_stray(turn: int) -> None:
    """Something happens to the group whenever a step has succeeded that is not about to rely on its size."""
    web = Web(DesiredCapacity=3)
    move = web.move()
    strays: list[str] = []
    happened: list[str] = []

    def tell(step: PlannedStep, to: StepState) -> None:
        done = {id_.partition("/")[0] for id_, entry in journal.lines.items() if entry.state == "succeeded"}
        if f"{OURS}drain/{REF}" not in journal.lines:
            registered = f"{OURS}register_members" in done
            linked = f"{OURS}link_members" in done
            strays.extend(web.strays(linked=linked, twin="front-vpc" if registered else ""))
        if to != "succeeded":
            return
        what = MEDDLING[(len(happened) + turn) % len(MEDDLING)]
        happened.append(what)
        frozen = f"{OURS}freeze" in done
        name = "web-vpc" if f"{OURS}scale_up" in done else "web"
        if what == "kill" or (frozen and f"{OURS}thaw" not in done):
            web.kill(name)
        else:
            web.resize(1 if what == "out" else -1, name)

    journal = Watched(tell)
    outcome, move.journal = web.bench.execute(move.plan, journal)
    assert outcome == "succeeded", errors(journal)
    assert strays == []
    assert move.broken_promises() == []
    assert set(happened) == set(MEDDLING)
    web.world.clock.advance(900)
    assert len(web.members("web-vpc")) == web.group("web-vpc").desired


def test_a_member_replaced_while_the_application_moves_is_linked_and_registered_like_the_others() -> None:
    web = Web()
    move = web.move()

    def tell(step: PlannedStep, to: StepState) -> None:
        if step.action == f"{OURS}register_members" and to == "succeeded":
            web.hand.ask("ec2.terminate_instances", {"InstanceIds": before})
        if step.action == f"{OURS}drain" and to == "running":
            newcomers.extend(web.members())
            strays.extend(web.strays(linked=True, twin="front-vpc"))

    before, newcomers, strays = web.members()[:1], list[str](), list[str]()
    gated = Watched(tell)
    outcome, _ = web.bench.execute(move.plan, gated)
    assert outcome == "succeeded", errors(gated)
    assert not set(before) & set(newcomers)
    assert strays == []


def test_whoever_was_started_from_the_old_configuration_in_the_race_is_linked_by_the_keeping() -> None:
    web = Web()
    move = web.move()
    unlinked: list[str] = []

    def tell(step: PlannedStep, to: StepState) -> None:
        if step.action == f"{OURS}switch_configuration" and to == "running":
            web.resize(1)
            web.world.clock.advance(web.world.durations.scaling_launch + 1)  # it is launched, and does not run yet
        if step.action == f"{OURS}freeze" and to == "running":
            unlinked.extend(web.strays(linked=True))

    journal = Watched(tell)
    outcome, _ = web.bench.execute(move.plan, journal)
    assert outcome == "succeeded", errors(journal)
    assert unlinked == []
    assert len(web.members("web-vpc")) == 3


def _resume_after(web: Web, action: str) -> Callable[[PlannedStep, StepState], None]:
    """Something switches one of the source's processes back on at the moment a step has succeeded."""

    def tell(step: PlannedStep, to: StepState) -> None:
        if step.action == action and to == "succeeded":
            web.scaling("resume_processes", ScalingProcesses=["AlarmNotification"])

    return tell


@STRATEGIES
def test_a_process_that_somebody_switched_back_on_halts_the_job_before_the_drain(strategy: Strategy) -> None:
    web = Web()
    move = web.move(strategy)
    last = "scale_up" if strategy == "incremental" else "freeze"
    journal = Watched(_resume_after(web, OURS + last))
    failed, error = web.halted(move, journal)

    assert failed == f"{OURS}drain/{REF}"
    assert error["code"] == "process_resumed"
    assert "AlarmNotification" in error["detail"]
    assert len(web.members()) == 2
    assert "AlarmNotification" in web.group().suspended
    journal.tell = quiet
    assert web.retry(move, failed) == "succeeded", errors(move.journal)
    assert move.undo() == "undone"
    assert move.unrestored() == []


def test_a_process_switched_back_on_and_suspended_again_meanwhile_halts_the_job_as_well() -> None:
    """The keeping mends it within seconds; nobody knows what the group has done in between."""
    web = Web()
    move = web.move()

    def tell(step: PlannedStep, to: StepState) -> None:
        if step.action == f"{OURS}scale_up" and to == "running":
            web.scaling("resume_processes", ScalingProcesses=["ScheduledActions"])

    journal = Watched(tell)
    failed, error = web.halted(move, journal)
    assert (failed, error["code"]) == (f"{OURS}drain/{REF}", "process_resumed")
    assert "ScheduledActions" in web.group().suspended
    assert web.retry(move, failed) == "succeeded", errors(move.journal)


def test_never_do_both_groups_scale() -> None:
    web = Web()
    move = web.move()
    both: list[str] = []

    def tell(step: PlannedStep, to: StepState) -> None:
        groups = [web.group(name) for name in ("web", "web-vpc") if web.exists(name)]
        if sum(group.maximum > 0 and group.runs("AlarmNotification") for group in groups) > 1:
            both.append(step.id)

    outcome, journal = web.bench.execute(move.plan, Watched(tell))
    assert outcome == "succeeded", errors(journal)
    assert both == []


def test_the_twin_scales_by_itself_only_when_the_source_is_empty() -> None:
    web = Web()
    move = web.move()
    early: list[str] = []
    thawed: list[str] = []

    def tell(step: PlannedStep, to: StepState) -> None:
        if step.action == f"{OURS}thaw":
            thawed.append(step.id)
        twin = web.group("web-vpc") if web.exists("web-vpc") else None
        if twin and twin.maximum > 0 and not thawed and any(map(twin.runs, SCALING)):
            early.append(step.id)

    outcome, journal = web.bench.execute(move.plan, Watched(tell))
    assert outcome == "succeeded", errors(journal)
    assert early == []


def test_a_source_that_somebody_made_larger_is_not_drained_before_its_twin_is_as_large() -> None:
    web = Web()
    move = web.move()

    def tell(step: PlannedStep, to: StepState) -> None:
        if step.action == f"{OURS}scale_up" and to == "succeeded":
            web.resize(2)

    journal = Watched(tell)
    failed, error = web.halted(move, journal)
    assert failed == f"{OURS}drain/{REF}"
    assert "set the first to 4" in error["detail"]
    web.scaling("set_desired_capacity", AutoScalingGroupName="web-vpc", DesiredCapacity=4)
    assert web.retry(move, failed) == "succeeded", errors(move.journal)
    assert len(web.members("web-vpc")) == 4


def test_members_that_hooks_hold_are_waited_for() -> None:
    web = Web(hooks=True)
    began = web.world.clock.now()
    move = web.move().execute()
    assert (web.world.clock.now() - began).total_seconds() > 2 * 1800
    assert move.broken_promises() == []
    assert len(web.members("web-vpc")) == 2


def test_members_protected_from_scale_in_go_and_as_many_are_protected_when_they_come_back() -> None:
    web = Web()
    web.scaling("set_instance_protection", InstanceIds=web.members()[:1], ProtectedFromScaleIn=True)
    move = web.move().execute()
    assert web.members() == []
    assert move.undo() == "undone"
    assert [member.protected for member in web.group().in_service].count(True) == 1
    assert move.unrestored() == []


def test_a_member_in_standby_is_told_of_before_anything_is_drained() -> None:
    web = Web(DesiredCapacity=3)
    move = web.move()
    web.scaling("enter_standby", InstanceIds=web.members()[:1], ShouldDecrementDesiredCapacity=True)
    web.world.clock.advance(60)
    failed, error = web.halted(move, MemoryJournal())
    assert failed == f"{OURS}drain/{REF}"
    assert "in standby" in error["detail"]
    assert len(web.members()) == 2


@STRATEGIES
def test_a_group_without_members_moves(strategy: Strategy) -> None:
    web = Web(MinSize=0, DesiredCapacity=0)
    move = web.move(strategy).execute()
    assert (web.look("web-vpc")["MinSize"], web.look("web-vpc")["MaxSize"]) == (0, 6)
    assert web.look("web-vpc")["DesiredCapacity"] == 0
    assert move.undo() == "undone"
    assert move.unrestored() == []


def test_a_group_that_stays_is_linked_and_registered_while_its_load_balancer_moves() -> None:
    web = Web()
    move = web.move(refs=["load_balancer:front"]).execute()
    assert web.strays(linked=True, twin="front-vpc") == []
    assert not web.exists("web-vpc")
    assert move.broken_promises() == []
    assert move.undo() == "undone"
    assert move.unrestored() == []


def test_an_alarm_that_has_the_name_of_the_copy_is_not_overwritten() -> None:
    web = Web()
    move = web.move()
    alarm = {
        "AlarmName": "busy-vpc",
        "Namespace": "AWS/EC2",
        "MetricName": "CPUUtilization",
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 2,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    web.hand.ask("cloudwatch.put_metric_alarm", alarm)
    failed, error = web.halted(move, MemoryJournal())
    assert failed == f"{OURS}equip/{REF}"
    assert "is there already" in error["detail"]
    assert move.undo() == "undone"
    [left] = web.hand.ask("cloudwatch.describe_alarms", {"AlarmNames": ["busy-vpc"]})["MetricAlarms"]
    assert left["Threshold"] == 1.0


class Refusing:
    """A Cloud whose role may not make one call."""

    def __init__(self, cloud: Cloud, operation: str) -> None:
        self._cloud = cloud
        self._operation = operation

    @property
    def region(self) -> str:
        return self._cloud.region

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        self._refuse(operation)
        return await self._cloud.call(operation, **params)

    def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        self._refuse(operation)
        return self._cloud.pages(operation, **params)

    def _refuse(self, operation: str) -> None:
        if operation == self._operation:
            raise Denied(operation, "AccessDenied", "not allowed")


@pytest.mark.parametrize(
    "operation",
    ["autoscaling.describe_policies", "autoscaling.describe_lifecycle_hooks", "cloudwatch.describe_alarms"],
)
def test_a_group_that_could_not_be_read_whole_is_unknown(operation: str) -> None:
    web = Web()
    found = run(web.world, discover(Refusing(web.bench.cloud, operation), all_kinds()))
    [group] = found.of("auto_scaling_group")
    assert group.platform == "unknown"
    assert [gap.code for gap in found.gaps] == ["AccessDenied"]


def test_a_dry_run_changes_nothing_and_meets_what_would_stand_in_the_way() -> None:
    web = Web()
    move = web.move()
    steps = [step for step in move.plan.steps if step.action.startswith(OURS) and step.phase != "finalize"]
    journal = MemoryJournal()
    executor = Executor(
        job_id="job_test",
        steps=[replace(step, needs=(), hold_seconds=0.0, kept_until=()) for step in steps],
        actions=rehearsed({step.action: step for kind in all_kinds().values() for step in kind.steps}),
        journal=journal,
        cloud=web.bench.cloud,
        clock=web.bench.clock,
    )
    assert run(web.world, executor.advance()) == "succeeded", errors(journal)
    freeze = journal.lines[f"{OURS}freeze/{REF}"].result
    assert freeze == {"would_call": "autoscaling.suspend_processes", "allowed": "not asked"}
    assert move.unrestored() == []


def test_user_data_that_was_changed_since_is_noticed() -> None:
    web = Web()
    move = web.move()
    step = next(step for step in move.plan.steps if step.action == f"{OURS}create_template")
    assert step.params["user_data_sha256"]
    web.scaling("update_auto_scaling_group", MinSize=0, DesiredCapacity=0)
    web.world.clock.advance(600)
    made = web.hand.ask("autoscaling.describe_launch_configurations", {})["LaunchConfigurations"][0]
    web.hand.ask("autoscaling.delete_auto_scaling_group", {**GROUP})
    web.hand.ask("autoscaling.delete_launch_configuration", {"LaunchConfigurationName": "web-1"})
    again = {key: made[key] for key in ("LaunchConfigurationName", "ImageId", "InstanceType")}
    web.hand.ask("autoscaling.create_launch_configuration", {**again, "UserData": "ZWNobyBvdGhlcg=="})
    web.bench.guarded = False  # it happens after drift was looked for
    outcome, journal = web.bench.execute(move.plan)
    assert outcome == "halted"
    assert "has changed" in errors(journal)[step.id]["detail"]


def test_newcomers_are_registered_soon() -> None:
    """What these scenarios call a stray holds for the steps' own pace."""

    assert KEEP_EVERY * 3 <= SOON
