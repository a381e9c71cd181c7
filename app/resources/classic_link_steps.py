"""The steps of ClassicLink: the VPC's switch and its DNS support, each instance's link, and that all are there."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, ClassVar

from app.cloud import Conflict, NotFound
from app.execution.calls import Calls, on, reading
from app.execution.step import Alters, Result, Run, Seen, Step, StepBroken, Verdict, Watch, pending, settled
from app.planning.context import Context
from app.planning.effects import Effect, Links, group_names
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, in_service, linked, ready, step_id, stopped
from app.resources.linking import link_ref, moving_groups, must_link, present_link, to_link


class _VpcStep(Step):
    """A step on the target VPC's link state, planned once, where anything has to be linked."""

    subject = "vpc"

    def wanted(self, resource: Resource, ctx: Context) -> bool:
        target = resource.ref.id == ctx.target.vpc_id or bool(resource.facts.get("to_create"))
        return target and any(True for _ in to_link(ctx))

    def state(self, ctx: Context) -> Mapping[str, Json]:
        link = ctx.inventory.get(link_ref(ctx.target.vpc_id or "new"))
        return link.facts if link else {}


class Enable(_VpcStep):
    action = "classic_link.enable"
    phase = "prepare"
    alters: ClassVar[Alters] = {"vpc": frozenset({"routes"})}  # until ClassicLink is disabled again
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_vpc_classic_link"),
        "ec2.enable_vpc_classic_link": on("vpc/{vpc_id}"),
        "ec2.disable_vpc_classic_link": on("vpc/{vpc_id}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not self.wanted(resource, ctx) or self.state(ctx).get("enabled"):
            return None
        return Draft({"vpc_id": ctx.vpc_id}, "Enable ClassicLink for the VPC; its route tables get 10.0.0.0/8.")

    async def check(self, run: Run) -> None:
        answer = await run.cloud.call("ec2.describe_vpc_classic_link", VpcIds=[run.params["vpc_id"]])
        if answer["Vpcs"][0].get("ClassicLinkEnabled"):
            raise StepBroken("ClassicLink was enabled since the plan was made: discover and plan anew.")

    async def do(self, run: Run) -> Result:
        await run.cloud.call("ec2.enable_vpc_classic_link", VpcId=run.params["vpc_id"])
        return {}

    async def undo(self, run: Run, result: Result | None) -> None:
        if run.params.get("vpc_id"):
            await run.cloud.call("ec2.disable_vpc_classic_link", VpcId=run.params["vpc_id"])


class EnableDns(_VpcStep):
    action = "classic_link.enable_dns"
    phase = "prepare"
    calls: ClassVar[Calls] = {
        "ec2.enable_vpc_classic_link_dns_support": on("vpc/{vpc_id}"),
        "ec2.disable_vpc_classic_link_dns_support": on("vpc/{vpc_id}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not self.wanted(resource, ctx) or self.state(ctx).get("dns_support"):
            return None
        needs = set() if self.state(ctx).get("enabled") else {step_id("classic_link.enable", resource.ref)}
        return Draft(
            {"vpc_id": ctx.vpc_id},
            "Let linked instances resolve the VPC's names to private addresses.",
            needs=frozenset(needs),
        )

    async def do(self, run: Run) -> Result:
        await run.cloud.call("ec2.enable_vpc_classic_link_dns_support", VpcId=run.params["vpc_id"])
        return {}

    async def undo(self, run: Run, result: Result | None) -> None:
        if run.params.get("vpc_id"):
            await run.cloud.call("ec2.disable_vpc_classic_link_dns_support", VpcId=run.params["vpc_id"])


class Attach(Step):
    """Links one instance with the twins of its groups. The groups cannot change while it is linked."""

    action = "classic_link.attach"
    subject = "instance"
    phase = "link"
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_classic_link_instances"),
        "ec2.attach_classic_link_vpc": on("instance/{instance_id}", "vpc/{vpc_id}", "security-group/{group_ids}"),
        "ec2.detach_classic_link_vpc": on("instance/{instance_id}", "vpc/{vpc_id}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not must_link(resource, ctx) or present_link(resource.ref.id, ctx):
            return None
        groups = moving_groups(resource, ctx)
        if not groups:
            return None
        vpc = ctx.vpc
        state = ctx.inventory.get(link_ref(ctx.target.vpc_id or "new"))
        missing = [
            step_id(action, vpc.ref if vpc else Ref("vpc", "new"))
            for action, fact in (("classic_link.enable", "enabled"), ("classic_link.enable_dns", "dns_support"))
            if not (state and state.facts[fact])
        ]
        rules = (ready(Ref("security_group", group)) for group in resource.facts["groups"])
        return Draft(
            {"instance_id": resource.ref.id, "vpc_id": ctx.vpc_id, "group_ids": groups},
            f"Link {resource.name} to the VPC with the twins of its {len(groups)} security groups.",
            needs=frozenset({*missing, *rules}),
        )

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        yield Links(f"{subject.kind}:{params['instance_id']}", group_names(params["group_ids"]))

    async def do(self, run: Run) -> Result:
        await attach(run, run.params["instance_id"], run.params["vpc_id"], run.params["group_ids"])
        return {}

    async def undo(self, run: Run, result: Result | None) -> None:
        with suppress(NotFound, Conflict):  # not linked any more: stopped, or never was
            await run.cloud.call(
                "ec2.detach_classic_link_vpc", InstanceId=run.params["instance_id"], VpcId=run.params["vpc_id"]
            )


async def link_of(run: Run, instance_id: str) -> dict[str, Any] | None:
    """The instance's present link, as DescribeClassicLinkInstances shows it."""
    answer = await run.cloud.call(
        "ec2.describe_classic_link_instances", Filters=[{"Name": "instance-id", "Values": [instance_id]}]
    )
    return next(iter(answer["Instances"]), None)


async def attach(run: Run, instance_id: str, vpc_id: str, group_ids: list[str]) -> None:
    """Link, or find it linked just so already. Raises StepBroken where it is linked otherwise."""
    link = await link_of(run, instance_id) if run.recovering else None
    if link is None:
        try:
            await run.cloud.call("ec2.attach_classic_link_vpc", InstanceId=instance_id, VpcId=vpc_id, Groups=group_ids)
            return
        except Conflict as error:
            if error.code != "InstanceAlreadyLinked":
                raise
            link = await link_of(run, instance_id)
        if link is None:  # made by an earlier try just now, and not visible yet
            await run.consistency()
            link = await link_of(run, instance_id)
    found = sorted(group["GroupId"] for group in link["Groups"]) if link else []
    if link is None or link["VpcId"] != vpc_id or found != sorted(group_ids):
        raise StepBroken(f"{instance_id} is linked otherwise than planned: detach it, then retry this step.")


class Confirm(_VpcStep):
    """All links are there: the one thing that every cutover waits for."""

    action = "classic_link.confirm"
    phase = "link"
    calls = reading("ec2.describe_classic_link_instances")

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not self.wanted(resource, ctx):
            return None
        instances = [each for each in to_link(ctx) if each.kind == Attach.subject]
        if not instances:
            return None
        fresh = [i for i in instances if not present_link(i.ref.id, ctx)]
        return Draft(
            {"instance_ids": [i.ref.id for i in instances]},
            f"See that all {len(instances)} instances are linked before anything moves.",
            needs=frozenset(step_id("classic_link.attach", i.ref) for i in fresh),
            reaches=frozenset(linked(i.ref) for i in instances),
        )

    async def do(self, run: Run) -> Result:
        return {"instance_ids": run.params["instance_ids"]}

    def watch(self, result: Result) -> Watch | None:
        return Watch(
            "ec2.describe_classic_link_instances",
            tuple(result["instance_ids"]),
            by="filter:instance-id",
            items="Instances[]",
            key="InstanceId",
            within=600,
        )

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        missing = [id_ for id_ in result["instance_ids"] if id_ not in seen]
        return pending(f"{missing[0]} is not linked yet") if missing else settled()

    async def undo(self, run: Run, result: Result | None) -> None:
        """Nothing was changed."""


class Disable(_VpcStep):
    """At the end, when the last linked instance has moved: ClassicLink goes as it came."""

    action = "classic_link.disable"
    phase = "unlink"
    calls: ClassVar[Calls] = {
        "ec2.disable_vpc_classic_link": on("vpc/{vpc_id}"),
        "ec2.disable_vpc_classic_link_dns_support": on("vpc/{vpc_id}"),
        "ec2.enable_vpc_classic_link": on("vpc/{vpc_id}"),
        "ec2.enable_vpc_classic_link_dns_support": on("vpc/{vpc_id}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        instances = to_link(ctx)
        staying = [i for i in instances if not ctx.moves(i.ref)]
        if not self.wanted(resource, ctx) or self.state(ctx).get("enabled") or staying:
            return None
        gone = {stopped(i.ref) for i in instances} | {in_service(i.ref) for i in instances}
        return Draft(
            {"vpc_id": ctx.vpc_id},
            "Disable ClassicLink: nothing is linked any more.",
            needs=frozenset(gone),
        )

    async def do(self, run: Run) -> Result:
        with suppress(NotFound):
            await run.cloud.call("ec2.disable_vpc_classic_link_dns_support", VpcId=run.params["vpc_id"])
        await run.cloud.call("ec2.disable_vpc_classic_link", VpcId=run.params["vpc_id"])
        return {}

    async def undo(self, run: Run, result: Result | None) -> None:
        if run.params.get("vpc_id"):
            await run.cloud.call("ec2.enable_vpc_classic_link", VpcId=run.params["vpc_id"])
            await run.cloud.call("ec2.enable_vpc_classic_link_dns_support", VpcId=run.params["vpc_id"])
