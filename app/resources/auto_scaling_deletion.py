"""Finalize: the source group goes, and what only served it: launch configurations and alarms."""

from typing import Any, ClassVar

from app.execution.calls import Calls, on, reading
from app.execution.step import EVERYTHING, Alters, Result, Run, Step, StepBroken
from app.planning.context import Context
from app.planning.inventory import Resource
from app.planning.plan import Draft, Milestone, promise, step_id
from app.resources.auto_scaling_configuration import LinkConfiguration
from app.resources.auto_scaling_equipment import ACTIONS
from app.resources.auto_scaling_launching import find_configuration
from app.resources.auto_scaling_looking import find_group, in_service, sizes_of, wait_until_gone
from app.resources.auto_scaling_method import SUBJECT, gets_configuration, movable
from app.resources.auto_scaling_twin import Create


class Delete(Step):
    """Never by force: a group that has members, or was made to have some, is somebody's again."""

    action = f"{SUBJECT}.delete"
    subject = SUBJECT
    phase = "finalize"
    alters: ClassVar[Alters] = {"auto_scaling_group": EVERYTHING}
    calls: ClassVar[Calls] = {
        **reading(
            "autoscaling.describe_auto_scaling_groups",
            "autoscaling.describe_launch_configurations",
            "cloudwatch.describe_alarms",
        ),
        "autoscaling.delete_auto_scaling_group": on("autoScalingGroup:*:autoScalingGroupName/{name}"),
        "autoscaling.delete_launch_configuration": on("launchConfiguration:*:launchConfigurationName/{configurations}"),
        "cloudwatch.delete_alarms": on("alarm:{alarms}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not movable(resource, ctx):
            return None
        configurations = [resource.facts["configuration"]["name"]]
        if gets_configuration(resource, ctx):
            configurations.append(promise(step_id(LinkConfiguration.action, resource.ref), "configuration"))
        alarms = [alarm["AlarmName"] for alarm in resource.facts["alarms"]]
        return Draft(
            {
                "name": resource.ref.id,
                "counterpart": promise(step_id(Create.action, resource.ref)),
                "configurations": configurations,
                "alarms": alarms,
            },
            f"Delete the Auto Scaling group '{resource.name}' in EC2-Classic for good, and the launch configurations "
            "and alarms that only it used.",
            seconds=5.0,
            calls=5 + 2 * len(configurations) + len(alarms),
            reaches=frozenset({Milestone("gone", resource.ref)}),
            reversible=False,
        )

    async def check(self, run: Run) -> None:
        name, twin = run.params["name"], run.params["counterpart"]
        group = await find_group(run, name)
        if group is None:
            return
        made = await find_group(run, twin) if twin else None
        if made is None:
            raise StepBroken(
                f"{name} has no counterpart any more, so it is not deleted: find out what became of it, and take this "
                "step out by skipping it."
            )
        if made["DesiredCapacity"] and not in_service(made):
            raise StepBroken(
                f"No member of {twin}, the counterpart of {name}, is in service: see its scaling activities, then "
                "retry this step."
            )
        if group["Instances"] or any(sizes_of(group).values()):
            raise StepBroken(
                f"{name} has members, or is to have some again: somebody still uses it. Scale it to 0 of 0 and wait "
                "until it is empty, then retry this step; or skip it."
            )

    async def do(self, run: Run) -> Result:
        await self.check(run)
        name = run.params["name"]
        group = await find_group(run, name)
        if group and not group.get("Status"):
            await run.cloud.call("autoscaling.delete_auto_scaling_group", AutoScalingGroupName=name)
        await wait_until_gone(run, name)
        await _delete_configurations(run)
        await _delete_alarms(run)
        return {}

    async def undo(self, run: Run, result: Result | None) -> None:
        """A deleted group cannot be had back; the plan says so beforehand."""


async def _delete_configurations(run: Run) -> None:
    pages = run.cloud.pages("autoscaling.describe_auto_scaling_groups")
    used = {group.get("LaunchConfigurationName") async for page in pages for group in page["AutoScalingGroups"]}
    for name in filter(None, run.params["configurations"]):
        if name not in used and await find_configuration(run, name):
            await run.cloud.call("autoscaling.delete_launch_configuration", LaunchConfigurationName=name)


async def _delete_alarms(run: Run) -> None:
    """Those that did nothing but call the group's policies, which went with it."""
    if not run.params["alarms"]:
        return
    answer = await run.cloud.call("cloudwatch.describe_alarms", AlarmNames=run.params["alarms"])
    names = [alarm["AlarmName"] for alarm in answer["MetricAlarms"] if _only_served(alarm, run.params["name"])]
    if names:
        await run.cloud.call("cloudwatch.delete_alarms", AlarmNames=names)


def _only_served(alarm: dict[str, Any], group: str) -> bool:
    """By the ARNs of policies, which name their group."""
    actions = [action for kind in ACTIONS for action in alarm.get(kind, ())]
    return bool(actions) and all(f":autoScalingGroupName/{group}:policyName/" in action for action in actions)
