"""What hangs on a group: hooks, policies with their alarms, scheduled actions, notifications, metrics."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from app.execution.calls import Calls, makes, on, ours, reading
from app.execution.step import Result, Run, Step, StepBroken
from app.planning.context import Context
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, promise, ready, step_id
from app.resources.auto_scaling_method import SUBJECT, movable
from app.resources.auto_scaling_twin import Create
from app.resources.load_balancer_members import twin_promise
from app.resources.vpc_group import short_hash

ACTIONS = ("AlarmActions", "OKActions", "InsufficientDataActions")
LONGEST_ALARM_NAME = 255  # BC:AlarmName
POLICY = ":scalingPolicy:"
TIMES = ("StartTime", "EndTime")


class Equip(Step):
    """Every call sets what it names, so repeating is safe. The group does not scale yet: see `create`."""

    action = f"{SUBJECT}.equip"
    subject = SUBJECT
    phase = "instances"
    calls: ClassVar[Calls] = {
        **reading(
            "autoscaling.describe_scheduled_actions", "cloudwatch.describe_alarms", "cloudwatch.list_tags_for_resource"
        ),
        "autoscaling.enable_metrics_collection": on("autoScalingGroup:*:autoScalingGroupName/{name}"),
        "autoscaling.put_lifecycle_hook": on("autoScalingGroup:*:autoScalingGroupName/{name}"),
        "autoscaling.put_notification_configuration": on("autoScalingGroup:*:autoScalingGroupName/{name}"),
        "autoscaling.put_scaling_policy": on("autoScalingGroup:*:autoScalingGroupName/{name}"),
        "autoscaling.put_scheduled_update_group_action": on("autoScalingGroup:*:autoScalingGroupName/{name}"),
        "cloudwatch.put_metric_alarm": makes("alarm:{alarms[].AlarmName}"),
        "cloudwatch.delete_alarms": ours("alarm:{alarms[].AlarmName}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not movable(resource, ctx):
            return None
        facts = resource.facts
        params = {
            "name": promise(step_id(Create.action, resource.ref)),
            "source": resource.ref.id,
            "hooks": facts["hooks"],
            "policies": [
                {"arn": each["arn"], "request": _moved(each["request"], resource, ctx)} for each in facts["policies"]
            ],
            "alarms": [_alarm(alarm, resource, ctx) for alarm in facts["alarms"]],
            "scheduled": facts["scheduled"],
            "notifications": facts["notifications"],
            "metrics": facts["metrics"],
        }
        count = sum(len(params[key]) for key in ("hooks", "policies", "alarms", "scheduled", "notifications"))
        return Draft(
            params,
            f"Give the twin of '{resource.name}' its {len(params['hooks'])} lifecycle hooks, "
            f"{len(params['policies'])} policies, {len(params['alarms'])} alarms and "
            f"{len(params['scheduled'])} scheduled actions.",
            seconds=1.0 + count,
            calls=2 + count,
            reaches=frozenset({ready(resource.ref)}),
        )

    async def do(self, run: Run) -> Result:
        """Result: alarms, the names of the copies."""
        name = run.params["name"]
        for hook in run.params["hooks"]:
            asked = {key: value for key, value in hook.items() if key != "GlobalTimeout"}
            await run.cloud.call("autoscaling.put_lifecycle_hook", AutoScalingGroupName=name, **asked)
        arns = {}
        for policy in run.params["policies"]:
            answer = await run.cloud.call(
                "autoscaling.put_scaling_policy", AutoScalingGroupName=name, **policy["request"]
            )
            arns[policy["arn"]] = answer["PolicyARN"]
        for alarm in run.params["alarms"]:
            await _put_alarm(run, alarm, arns)
        await _schedule(run)
        for topic, types in run.params["notifications"].items():
            await run.cloud.call(
                "autoscaling.put_notification_configuration",
                AutoScalingGroupName=name,
                TopicARN=topic,
                NotificationTypes=types,
            )
        if run.params["metrics"]:
            await run.cloud.call(
                "autoscaling.enable_metrics_collection",
                AutoScalingGroupName=name,
                Metrics=run.params["metrics"],
                Granularity="1Minute",
            )
        return {"alarms": [alarm["AlarmName"] for alarm in run.params["alarms"]]}

    async def check(self, run: Run) -> None:
        for alarm in run.params["alarms"]:
            await _require_ours(run, alarm["AlarmName"])

    async def undo(self, run: Run, result: Result | None) -> None:
        """What hangs on the group goes with it; alarms are things of their own."""
        names = [alarm["AlarmName"] for alarm in run.params["alarms"]]
        ours = [name for name in names if await _owner(run, name)]
        if ours:
            await run.cloud.call("cloudwatch.delete_alarms", AlarmNames=ours)


def _alarm(alarm: Mapping[str, Json], group: Resource, ctx: Context) -> dict[str, Json]:
    """The copy: it looks at the twin, and at the twins of load balancers; policies' ARNs are known only at run time."""
    shared = any(
        alarm["AlarmName"] in [each["AlarmName"] for each in other.facts.get("alarms", ())]
        for other in ctx.moving(SUBJECT)
        if other.ref != group.ref
    )
    suffix = f"-vpc-{short_hash(group.name)}" if shared else "-vpc"
    name = f"{alarm['AlarmName'][: LONGEST_ALARM_NAME - len(suffix)]}{suffix}"
    return {**_moved(alarm, group, ctx), "AlarmName": name}


def _moved(value: Json, group: Resource, ctx: Context) -> Json:
    """`value` with the twins in the dimensions of metrics: of the group itself (by promise), of load balancers."""
    if isinstance(value, Mapping):
        if set(value) == {"Name", "Value"}:
            return {"Name": value["Name"], "Value": _dimension(value, group, ctx)}
        return {key: _moved(inner, group, ctx) for key, inner in value.items()}
    if isinstance(value, list):
        return [_moved(inner, group, ctx) for inner in value]
    return value


def _dimension(dimension: Mapping[str, Json], group: Resource, ctx: Context) -> Json:
    if dimension["Name"] == "AutoScalingGroupName" and dimension["Value"] == group.ref.id:
        return promise(step_id(Create.action, group.ref))
    balancer = Ref("load_balancer", str(dimension["Value"]))
    if dimension["Name"] == "LoadBalancerName" and ctx.moves(balancer):
        return twin_promise(balancer)
    return dimension["Value"]


async def _put_alarm(run: Run, alarm: Mapping[str, Json], arns: Mapping[str, str]) -> None:
    """With the twin's policies in place of the source's; those of other groups stay with the original alone.

    Raises StepBroken where somebody else's alarm has that name: putting would overwrite it.
    """
    await _require_ours(run, alarm["AlarmName"])
    asked: dict[str, Any] = dict(alarm)
    for kind in ACTIONS:
        if kind in asked:
            actions = [arns.get(action, action) for action in asked[kind] if action in arns or POLICY not in action]
            asked[kind] = actions
    await run.cloud.call("cloudwatch.put_metric_alarm", **asked, Tags=run.tag_list)


async def _owner(run: Run, name: str) -> bool | None:
    """Whether the alarm of that name is ours; None where there is none."""
    answer = await run.cloud.call("cloudwatch.describe_alarms", AlarmNames=[name])
    for alarm in answer["MetricAlarms"]:
        tags = await run.cloud.call("cloudwatch.list_tags_for_resource", ResourceARN=alarm["AlarmArn"])
        return run.owns(tags["Tags"])
    return None


async def _require_ours(run: Run, name: str) -> None:
    if await _owner(run, name) is False:
        raise StepBroken(f"An alarm called '{name}' is there already: rename or delete it, then retry this step.")


async def _schedule(run: Run) -> None:
    """Those of the planned actions that the source still has: what was to happen once may be over by now."""
    planned = run.params["scheduled"]
    if not planned:
        return
    pages = run.cloud.pages("autoscaling.describe_scheduled_actions", AutoScalingGroupName=run.params["source"])
    left = {action["ScheduledActionName"] async for page in pages for action in page["ScheduledUpdateGroupActions"]}
    for action in planned:
        if action["ScheduledActionName"] in left:
            times = {key: datetime.fromisoformat(action[key]) for key in TIMES if key in action}
            await run.cloud.call(
                "autoscaling.put_scheduled_update_group_action",
                AutoScalingGroupName=run.params["name"],
                **{**action, **times},
            )
