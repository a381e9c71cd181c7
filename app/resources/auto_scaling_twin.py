"""The group in the VPC: made empty and at rest beside its source, then given all that hangs on that."""

from typing import ClassVar

from app.cloud import AlreadyExists
from app.execution.calls import Calls, having, makes, on, ours, reading
from app.execution.step import Result, Run, Step, StepBroken
from app.planning.context import Context
from app.planning.inventory import Json, Resource
from app.planning.plan import Draft, promise, step_id
from app.resources.auto_scaling_looking import find_group, wait_until_gone, wait_until_visible
from app.resources.auto_scaling_method import (
    SCALING,
    SUBJECT,
    balancers,
    configured,
    movable,
    twin_name,
    twins,
)
from app.resources.auto_scaling_template import CreateTemplate
from app.resources.looking_twice import look_twice


class Create(Step):
    """At 0 of 0 members, so that it does nothing; and what would scale it is suspended before it has anything."""

    action = f"{SUBJECT}.create"
    subject = SUBJECT
    phase = "instances"
    calls: ClassVar[Calls] = {
        **reading("autoscaling.describe_auto_scaling_groups"),
        "autoscaling.create_auto_scaling_group": makes("autoScalingGroup:*:autoScalingGroupName/{name}"),
        "autoscaling.suspend_processes": on("autoScalingGroup:*:autoScalingGroupName/{name}"),
        "autoscaling.delete_auto_scaling_group": ours("autoScalingGroup:*:autoScalingGroupName/{name}"),
    }
    permits: ClassVar[Calls] = {
        "ec2.run_instances": having("*", "ec2:LaunchTemplate", "launch-template/*"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not movable(resource, ctx):
            return None
        template = step_id(CreateTemplate.action, resource.ref)
        behind = balancers(resource, ctx)
        subnets = [ctx.subnet(zone) for zone in resource.facts["zones"]]
        params: dict[str, Json] = {
            "name": twin_name(resource, ctx),
            "template_id": promise(template, "template_id"),
            "version": promise(template, "version"),
            "subnets": [subnet for subnet in subnets if subnet],
            "load_balancers": twins(behind),
            "settings": dict(resource.facts["settings"]),
            "tags": dict(resource.tags),
            "propagated": list(resource.facts["propagated"]),
        }
        return Draft(
            params,
            f"Make '{params['name']}' in the VPC, empty and not scaling, as the twin of the Auto Scaling group "
            f"'{resource.name}'.",
            seconds=2.0,
            calls=3,
            needs=frozenset(configured(behind)),
        )

    async def check(self, run: Run) -> None:
        if await find_group(run, run.params["name"]):
            raise StepBroken(
                f"An Auto Scaling group called '{run.params['name']}' is there already: discover and plan anew, or "
                "set the override name."
            )

    async def do(self, run: Run) -> Result:
        name = run.params["name"]
        try:
            await run.cloud.call("autoscaling.create_auto_scaling_group", **_request(run))
        except AlreadyExists:
            found = await look_twice(run, lambda: find_group(run, name))
            if found is None or not run.owns(found.get("Tags")):
                raise
        await wait_until_visible(run, name)
        await run.cloud.call("autoscaling.suspend_processes", AutoScalingGroupName=name, ScalingProcesses=list(SCALING))
        return {"counterpart": name}

    async def undo(self, run: Run, result: Result | None) -> None:
        name = run.params["name"]
        found = await look_twice(run, lambda: find_group(run, name))
        if found is None or not run.owns(found.get("Tags")):
            return
        if not found.get("Status"):  # else it is being deleted already
            await run.cloud.call("autoscaling.delete_auto_scaling_group", AutoScalingGroupName=name, ForceDelete=True)
        await wait_until_gone(run, name)


def _request(run: Run) -> dict[str, Json]:
    params = run.params
    behind = {"LoadBalancerNames": list(params["load_balancers"])} if params["load_balancers"] else {}
    return {
        "AutoScalingGroupName": params["name"],
        "LaunchTemplate": {"LaunchTemplateId": params["template_id"], "Version": params["version"]},
        "MinSize": 0,
        "MaxSize": 0,
        "DesiredCapacity": 0,
        "VPCZoneIdentifier": ",".join(params["subnets"]),
        "Tags": _tags(run),
        **params["settings"],
        **behind,
    }


def _tags(run: Run) -> list[dict[str, Json]]:
    """Ours stay on the group: what it launches later on belongs to its owner, and no undo would look for it."""
    own = {key: value for key, value in run.params["tags"].items() if key not in dict(run.tags)}
    propagated = set(run.params["propagated"])
    return [
        {
            "ResourceId": run.params["name"],
            "ResourceType": "auto-scaling-group",
            "Key": key,
            "Value": value,
            "PropagateAtLaunch": key in propagated and key in own,
        }
        for key, value in {**own, **dict(run.tags)}.items()
    ]
