"""Incremental: what the group starts from now on is linked by AWS, since its launch configuration says so.

Launch configurations never change: one is made from the present one, all else equal, with the ClassicLink
parameters (aws-facts A1, ASG), and the group is switched to it.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from app.cloud import AlreadyExists
from app.execution.calls import Calls, Reach, having, on, reading
from app.execution.step import Alters, Result, Run, Seen, Step, StepBroken, Verdict, Watch, pending, settled
from app.planning.context import Context
from app.planning.inventory import Json, Resource
from app.planning.plan import Draft, promise, step_id
from app.resources.auto_scaling_launching import (
    find_configuration,
    plain,
    source_configuration,
    user_data_of,
    watch_configuration,
)
from app.resources.auto_scaling_linking import unlink_members, unlinked_newcomers
from app.resources.auto_scaling_looking import find_group, named_group, pause
from app.resources.auto_scaling_method import (
    LONGEST_NAME,
    SUBJECT,
    gets_configuration,
    link_params,
    link_switches,
    rules,
)
from app.resources.looking_twice import look_twice
from app.resources.vpc_group import short_hash


class LinkConfiguration(Step):
    action = f"{SUBJECT}.link_configuration"
    subject = SUBJECT
    phase = "link"
    calls: ClassVar[Calls] = {
        **reading("autoscaling.describe_launch_configurations"),
        "autoscaling.create_launch_configuration": on("launchConfiguration:*:launchConfigurationName/*-linked-*"),
        "autoscaling.delete_launch_configuration": on("launchConfiguration:*:launchConfigurationName/*-linked-*"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not gets_configuration(resource, ctx):
            return None
        configuration = resource.facts["configuration"]
        return Draft(
            {
                "source": configuration["name"],
                "user_data_sha256": configuration["user_data_sha256"],
                **link_params(resource, ctx),
            },
            f"Make a launch configuration like '{configuration['name']}' that links whatever it starts to the VPC.",
            seconds=2.0,
            calls=3,
            needs=frozenset({*link_switches(ctx), *rules(resource)}),
        )

    def untagged(self, params: Mapping[str, Json]) -> Reach:
        return self.calls["autoscaling.create_launch_configuration"]

    async def check(self, run: Run) -> None:
        await source_configuration(run, run.params["source"], run.params["user_data_sha256"])

    async def do(self, run: Run) -> Result:
        """Result: configuration, its name. Launch configurations carry no tags: the name holds a hash of job and
        step, and one of that name is taken up only where it is just what would be made."""
        source = await source_configuration(run, run.params["source"], run.params["user_data_sha256"])
        name, wanted = _name(run), _request(run, source)
        try:
            await run.cloud.call("autoscaling.create_launch_configuration", LaunchConfigurationName=name, **wanted)
        except AlreadyExists:
            found = await look_twice(run, lambda: find_configuration(run, name))
            if found is None or plain(found) != plain({**plain(source), **_link(run)}):
                raise
        return {"configuration": name}

    def watch(self, result: Result) -> Watch | None:
        return watch_configuration(result["configuration"])

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        name = result["configuration"]
        return settled() if name in seen else pending(f"{name} is not visible yet")

    async def undo(self, run: Run, result: Result | None) -> None:
        name = _name(run)
        if await look_twice(run, lambda: find_configuration(run, name)):
            await run.cloud.call("autoscaling.delete_launch_configuration", LaunchConfigurationName=name)


def _name(run: Run) -> str:
    return f"{run.params['source'][: LONGEST_NAME - 20]}-linked-{short_hash(run.job_id + run.step_id, 12)}"


def _link(run: Run) -> dict[str, Any]:
    return {
        "ClassicLinkVPCId": run.params["vpc_id"],
        "ClassicLinkVPCSecurityGroups": list(run.params["group_ids"]),
    }


def _request(run: Run, source: dict[str, Any]) -> dict[str, Any]:
    """Clients encode user data on the way out, so it goes in as it is."""
    user_data = {"UserData": user_data_of(source)} if source.get("UserData") else {}
    return {**plain(source), **user_data, **_link(run)}


class SwitchConfiguration(Step):
    """From here on AWS links every newcomer. Undo switches back, and unlinks whatever was started meanwhile."""

    action = f"{SUBJECT}.switch_configuration"
    subject = SUBJECT
    phase = "link"
    alters: ClassVar[Alters] = {"auto_scaling_group": frozenset({"configuration"})}
    calls: ClassVar[Calls] = {
        **reading("autoscaling.describe_auto_scaling_groups", "ec2.describe_classic_link_instances"),
        "autoscaling.update_auto_scaling_group": on("autoScalingGroup:*:autoScalingGroupName/{name}"),
        "ec2.detach_classic_link_vpc": having("instance/*", "aws:ResourceTag/aws:autoscaling:groupName", "{name}")
        + on("vpc/{vpc_id}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not gets_configuration(resource, ctx):
            return None
        made = step_id(LinkConfiguration.action, resource.ref)
        return Draft(
            {
                "name": resource.ref.id,
                "before": resource.facts["configuration"]["name"],
                "configuration": promise(made, "configuration"),
                **link_params(resource, ctx),
            },
            f"Have '{resource.name}' start its members from the launch configuration that links them.",
            seconds=2.0,
            calls=2,
        )

    async def check(self, run: Run) -> None:
        await self._present(run)

    async def do(self, run: Run) -> Result:
        """Result: before, the launch configuration it used."""
        await self._present(run)
        await _switch(run, run.params["configuration"])
        return {"before": run.params["before"]}

    async def _present(self, run: Run) -> None:
        present = (await named_group(run, run.params["name"])).get("LaunchConfigurationName")
        if present not in (run.params["before"], run.params["configuration"]):
            raise StepBroken(
                f"{run.params['name']} launches from {present or 'something else'} and not from "
                f"{run.params['before']} any more: discover and plan anew."
            )

    async def undo(self, run: Run, result: Result | None) -> None:
        name, ours = run.params["name"], run.params["configuration"]
        group = await find_group(run, name) if ours else None
        if group is None:
            return
        if group.get("LaunchConfigurationName") in (ours, run.params["before"]):  # a lost switch may be about to land
            await _switch(run, run.params["before"])
        while True:  # a newcomer that AWS is still starting is linked as soon as it runs
            group = await named_group(run, name)
            await unlink_members(run, group)
            if not unlinked_newcomers(group, ours):
                return
            await pause(run, name)


async def _switch(run: Run, configuration: str) -> None:
    await run.cloud.call(
        "autoscaling.update_auto_scaling_group",
        AutoScalingGroupName=run.params["name"],
        LaunchConfigurationName=configuration,
    )
