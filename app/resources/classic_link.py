"""ClassicLink: puts running Classic instances into security groups of the VPC (aws-facts A1).

Its resources are the VPCs, each with its link state; its steps also have instances as subjects.
"""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network, ip_network
from typing import Any, ClassVar

from app.planning.context import Context
from app.planning.effects import Effect, Links
from app.planning.inventory import Inventory, Json, Ref, Resource
from app.planning.plan import Finding
from app.resources.classic_link_steps import Attach, Confirm, Disable, Enable, EnableDns
from app.resources.kind import Kind, Survey, own_members
from app.resources.linking import link_ref, must_link, present_link

CLASSIC_RANGE = IPv4Network("10.0.0.0/8")
# aws-facts A1: the local routes of VPCs in these two ranges do not stand in the way.
ALLOWED_LOCAL = (IPv4Network("10.0.0.0/16"), IPv4Network("10.1.0.0/16"))
# aws-facts A1, QUOTA: no AWS source for ClassicLink itself; five is the limit of a network interface.
GROUPS_PER_LINK = 5


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


class ClassicLinks(Kind):
    name = "classic_link"
    steps = (Enable(), EnableDns(), Attach(), Confirm(), Disable())
    reads = frozenset(
        {
            "ec2.describe_classic_link_instances",
            "ec2.describe_vpc_classic_link",
            "ec2.describe_vpc_classic_link_dns_support",
        }
    )
    probes: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "ec2.describe_vpc_classic_link_dns_support": {"MaxResults": 5, "DryRun": False},  # it takes none
    }

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

    def steady(self, resource: Resource, inventory: Inventory) -> Mapping[str, Json]:
        own = own_members(resource.facts["instances"], inventory)
        return {**resource.facts, "instances": {id_: resource.facts["instances"][id_] for id_ in own}}

    def present(self, resource: Resource, inventory: Inventory) -> Iterator[Effect]:
        for instance, groups in resource.facts["instances"].items():
            yield Links(str(Ref("instance", instance)), tuple(groups))

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
        for kind in sorted(ctx.linkable):
            for resource in ctx.inventory.of(kind):
                yield from _link_findings(resource, ctx)


def _link_findings(instance: Resource, ctx: Context) -> Iterator[Finding]:
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
    other = present_link(instance.ref.id, ctx)
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


KIND = ClassicLinks()
