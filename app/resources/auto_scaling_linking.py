"""Incremental: members of a group are linked to the VPC, also those that come while the application moves."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, ClassVar

from app.cloud import Conflict, NotFound
from app.execution.calls import Calls, having, on, reading
from app.execution.step import Result, Run, Step, StepBroken
from app.planning.context import Context
from app.planning.effects import Effect, Links, group_names
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, linked, step_id
from app.resources.auto_scaling_looking import Group, find_group, links, named_group, running, staying
from app.resources.auto_scaling_method import (
    KEEP_LINKS_EVERY,
    SUBJECT,
    drain_step,
    gets_configuration,
    link_params,
    link_switches,
    linked_by_hand,
    linked_vpc,
    rules,
)


class LinkMembers(Step):
    """Links by hand whoever runs and is not linked. AWS links those that come later; kept, it also links the few
    that were started from the old launch configuration while the group was switched."""

    action = f"{SUBJECT}.link_members"
    subject = SUBJECT
    phase = "link"
    keeps_every = KEEP_LINKS_EVERY
    calls: ClassVar[Calls] = {
        **reading(
            "autoscaling.describe_auto_scaling_groups", "ec2.describe_classic_link_instances", "ec2.describe_instances"
        ),
        "ec2.attach_classic_link_vpc": having("instance/*", "aws:ResourceTag/aws:autoscaling:groupName", "{name}")
        + on("vpc/{vpc_id}", "security-group/{group_ids}"),
        "ec2.detach_classic_link_vpc": having("instance/*", "aws:ResourceTag/aws:autoscaling:groupName", "{name}")
        + on("vpc/{vpc_id}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not linked_by_hand(resource, ctx):
            return None
        members = len(resource.facts["members"])
        switched = gets_configuration(resource, ctx)
        needs = {step_id(f"{SUBJECT}.switch_configuration", resource.ref)} if switched else link_switches(ctx)
        return Draft(
            {"name": resource.ref.id, "linked_before": bool(linked_vpc(resource)), **link_params(resource, ctx)},
            f"Link the members of '{resource.name}' that run, {members} when it was discovered, and those that come.",
            seconds=1.0 + members,
            calls=3 + members,
            needs=frozenset({*needs, *rules(resource)}),
            reaches=frozenset({linked(resource.ref)}),
            kept_until=drain_step(resource, ctx),
        )

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        if params.get("group_ids"):
            yield Links(f"{subject.kind}:{params['name']}", group_names(params["group_ids"]))

    async def do(self, run: Run) -> Result:
        await link_members(run, await named_group(run, run.params["name"]))
        return {}

    async def keep(self, run: Run, result: Result) -> None:
        await link_members(run, await named_group(run, run.params["name"]))

    async def undo(self, run: Run, result: Result | None) -> None:
        """Of the members there are now: those that were linked may be long gone."""
        group = await find_group(run, run.params["name"])
        if group is not None and not run.params["linked_before"]:
            await unlink_members(run, group)


async def link_members(run: Run, group: Group, link: Mapping[str, Any] | None = None) -> None:
    """Every member that runs is linked, as `link` (or the params) says.

    A member that cannot be linked just now (it is being stopped, or AWS links it at this moment) keeps nobody else
    waiting; then Conflict is raised in the end, to be met by another round. Raises StepBroken where one is linked
    otherwise: groups cannot be changed while it is linked (aws-facts A1).
    """
    link = link or run.params
    ids = staying(group)
    present = await links(run, ids)
    for each in present.values():
        _require_as_planned(each, link)
    refused: Conflict | None = None
    for instance_id in await running(run, [id_ for id_ in ids if id_ not in present]):
        try:
            await run.cloud.call(
                "ec2.attach_classic_link_vpc",
                InstanceId=instance_id,
                VpcId=link["vpc_id"],
                Groups=list(link["group_ids"]),
            )
        except NotFound:
            continue  # it has gone meanwhile
        except Conflict as error:
            refused = error
    if refused is not None:
        raise refused


def _require_as_planned(present: Mapping[str, Any], link: Mapping[str, Any]) -> None:
    if not is_ours(present, link):
        raise StepBroken(
            f"{present['InstanceId']} is linked to {present['VpcId']} otherwise than planned: detach it, or have its "
            "group replace it, then retry this step."
        )


def is_ours(present: Mapping[str, Any], link: Mapping[str, Any]) -> bool:
    """Whether a link is to just the VPC and groups of the plan."""
    groups = sorted(group["GroupId"] for group in present["Groups"])
    return bool(present["VpcId"] == link["vpc_id"] and groups == sorted(link["group_ids"]))


async def unlink_members(run: Run, group: Group) -> None:
    """Takes our links from today's members. They carry no tag of ours: what tells them is the twins' groups,
    with which nobody else has linked anything."""
    if not all((run.params.get("vpc_id"), *(run.params.get("group_ids") or [None]))):
        return  # without a VPC and twins of its groups nothing was ever linked
    for instance_id, present in sorted((await links(run, [each["InstanceId"] for each in group["Instances"]])).items()):
        if is_ours(present, run.params):
            with suppress(NotFound, Conflict):  # stopped meanwhile: that unlinks as well
                await run.cloud.call("ec2.detach_classic_link_vpc", InstanceId=instance_id, VpcId=run.params["vpc_id"])


def unlinked_newcomers(group: Group, configuration: str) -> list[str]:
    """Members that AWS is starting from a launch configuration and will link."""
    return [
        each["InstanceId"]
        for each in group["Instances"]
        if each["LifecycleState"] == "Pending" and each.get("LaunchConfigurationName") == configuration
    ]
