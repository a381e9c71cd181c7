"""ClassicLink: puts running Classic instances into security groups of the VPC (aws-facts A1).

Its resources are the VPCs, each with its link state; its steps also have instances as subjects.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from ipaddress import IPv4Network, ip_network
from typing import Any

from app.cloud import Conflict, NotFound
from app.execution.step import Result, Run, Seen, Step, StepBroken, Verdict, Watch, pending, settled
from app.planning.context import Context
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, Finding, in_service, linked, ready, step_id, stopped
from app.resources.kind import Kind, Survey

CLASSIC_RANGE = IPv4Network("10.0.0.0/8")
# aws-facts A1: the local routes of VPCs in these two ranges do not stand in the way.
ALLOWED_LOCAL = (IPv4Network("10.0.0.0/16"), IPv4Network("10.1.0.0/16"))
# aws-facts A1, QUOTA: no AWS source for ClassicLink itself; five is the limit of a network interface.
GROUPS_PER_LINK = 5


def link_ref(vpc_id: str) -> Ref:
    return Ref("classic_link", vpc_id)


def conflicts(routes: Iterable[Mapping[str, Json]]) -> list[str]:
    """Routes that make EnableVpcClassicLink answer VpcCidrConflict (aws-facts A1), as text."""
    found = []
    for route in routes:
        if not route.get("cidr") or route.get("classic_link"):  # IPv6 and ClassicLink's own route
            continue
        network = IPv4Network(route["cidr"])
        local = route["target"] == "local"
        if network.subnet_of(CLASSIC_RANGE) and not (local and any(network.subnet_of(n) for n in ALLOWED_LOCAL)):
            found.append(f"{route['cidr']} in {route['table']}")
    return found


def must_link(instance: Resource, ctx: Context) -> bool:
    """A running Classic instance at either end of a flow whose other end moves, or behind what moves."""
    return (
        ctx.incremental
        and instance.platform == "classic"
        and instance.facts["state"] == "running"
        and instance.ref in ctx.neighbours
    )


class ClassicLinks(Kind):
    name = "classic_link"

    async def discover(self, survey: Survey) -> list[Resource]:
        """One per VPC. Facts: enabled, dns_support, instances (linked ids with their groups)."""
        vpcs = await survey.all("ec2.describe_vpc_classic_link", "Vpcs[]")
        dns = await survey.all("ec2.describe_vpc_classic_link_dns_support", "Vpcs[]")
        links = await survey.all("ec2.describe_classic_link_instances", "Instances[]")
        supported = {item["VpcId"] for item in dns if item.get("ClassicLinkDnsSupported")}
        found = []
        for item in vpcs:
            inside = {
                link["InstanceId"]: sorted(group["GroupId"] for group in link["Groups"])
                for link in links
                if link["VpcId"] == item["VpcId"]
            }
            facts = {
                "vpc": item["VpcId"],
                "enabled": bool(item.get("ClassicLinkEnabled")),
                "dns_support": item["VpcId"] in supported,
                "instances": dict(sorted(inside.items())),
            }
            refers = {Ref("vpc", item["VpcId"]), *(Ref("instance", id_) for id_ in inside)}
            found.append(Resource(link_ref(item["VpcId"]), item["VpcId"], "vpc", facts, frozenset(refers)))
        return found

    def findings(self, ctx: Context) -> Iterator[Finding]:
        vpc = ctx.vpc
        if not ctx.incremental or vpc is None:
            return
        subject = str(vpc.ref)
        if clashing := conflicts(vpc.facts["routes"]):
            yield Finding(
                "blocker",
                "classic_link_route_conflict",
                subject,
                f"ClassicLink cannot be enabled: {', '.join(clashing)} lies inside 10.0.0.0/8, where EC2-Classic's "
                "addresses are. Remove the route, choose a VPC outside that range, or plan all_at_once.",
            )
        if vpc.facts["tenancy"] == "dedicated":
            yield Finding(
                "blocker",
                "classic_link_dedicated_tenancy",
                subject,
                "ClassicLink is refused for a VPC of dedicated tenancy: choose another VPC, ask AWS Support, or plan "
                "all_at_once.",
            )
        if not (vpc.facts["dns_support"] and vpc.facts["dns_hostnames"]):
            yield Finding(
                "blocker",
                "classic_link_needs_dns",
                subject,
                "ClassicLink's DNS support needs DNS resolution and DNS hostnames in the VPC: switch both on, then "
                "discover again.",
            )
        for cidr in vpc.facts["cidrs"]:
            if ip_network(cidr).overlaps(ip_network("172.16.0.23/32")):
                yield Finding(
                    "warning",
                    "classic_resolver_in_vpc",
                    subject,
                    f"{cidr} holds 172.16.0.23, EC2-Classic's resolver: a DNS server of the VPC at that address "
                    "cannot be reached from linked instances.",
                )
        for instance in ctx.inventory.of("instance"):
            yield from _instance_findings(instance, ctx)


def _instance_findings(instance: Resource, ctx: Context) -> Iterator[Finding]:
    if not must_link(instance, ctx):
        return
    limit = ctx.override(instance.ref, "max_groups", GROUPS_PER_LINK)
    if len(instance.facts["groups"]) > limit:
        yield Finding(
            "blocker",
            "too_many_groups",
            str(instance.ref),
            f"{instance.name} is in {len(instance.facts['groups'])} security groups and a network interface takes "
            f"{limit}. Merge groups; or have AWS raise the quota and set the override max_groups.",
        )
    other = _link_of(instance.ref.id, ctx)
    if other and other.facts["vpc"] != ctx.target.vpc_id:
        yield Finding(
            "blocker",
            "linked_elsewhere",
            str(instance.ref),
            f"{instance.name} is linked to {other.facts['vpc']} and an instance can be linked to one VPC only: "
            "detach it there first.",
        )
    if not ctx.moves(instance.ref):
        yield Finding(
            "warning",
            "linked_and_left",
            str(instance.ref),
            f"{instance.name} is outside the scope but calls, or is called by, what moves: it will be linked and "
            "stays linked. Stopping it cuts it off.",
        )


def _link_of(instance_id: str, ctx: Context) -> Resource | None:
    links = ctx.inventory.of("classic_link")
    return next((link for link in links if instance_id in link.facts["instances"]), None)


def _moving_groups(instance: Resource, ctx: Context) -> list[Json]:
    return [
        ctx.counterpart(Ref("security_group", group))
        for group in instance.facts["groups"]
        if ctx.moves(Ref("security_group", group))
    ]


def _to_link(ctx: Context) -> list[Resource]:
    """Instances this plan links: those that must be and have groups with twins."""
    return [i for i in ctx.inventory.of("instance") if must_link(i, ctx) and _moving_groups(i, ctx)]


class _VpcStep(Step):
    """A step on the target VPC's link state, planned once, where anything has to be linked."""

    subject = "vpc"

    def wanted(self, resource: Resource, ctx: Context) -> bool:
        target = resource.ref.id == ctx.target.vpc_id or bool(resource.facts.get("to_create"))
        return target and any(True for _ in _to_link(ctx))

    def state(self, ctx: Context) -> Mapping[str, Json]:
        link = ctx.inventory.get(link_ref(ctx.target.vpc_id or "new"))
        return link.facts if link else {}


class Enable(_VpcStep):
    action = "classic_link.enable"
    phase = "prepare"

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

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not must_link(resource, ctx) or _link_of(resource.ref.id, ctx):
            return None
        groups = _moving_groups(resource, ctx)
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

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not self.wanted(resource, ctx):
            return None
        instances = _to_link(ctx)
        fresh = [i for i in instances if not _link_of(i.ref.id, ctx)]
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

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        instances = _to_link(ctx)
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


ClassicLinks.steps = (Enable(), EnableDns(), Attach(), Confirm(), Disable())
KIND = ClassicLinks()
__all__ = ["KIND", "attach", "link_of", "must_link"]
