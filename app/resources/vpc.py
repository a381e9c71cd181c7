"""VPCs: where things go to, as found, or made for the move with a public subnet in every zone in use."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any, ClassVar

from app.planning.context import Context
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Finding
from app.resources.kind import Kind, Survey, tags_of
from app.resources.vpc_creation import Create, plan_findings
from app.resources.vpc_preparations import AwaitPreparations

CLASSIC_RANGE = IPv4Network("10.0.0.0/8")
EVERYWHERE = "0.0.0.0/0"


class Vpcs(Kind):
    name = "vpc"
    steps = (Create(), AwaitPreparations())
    reads = frozenset(
        {
            "ec2.describe_internet_gateways",
            "ec2.describe_route_tables",
            "ec2.describe_vpc_attribute",
            "ec2.describe_vpcs",
        }
    )
    probes: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "ec2.describe_vpc_attribute": {"VpcId": "vpc-00000000", "Attribute": "enableDnsSupport"},
    }

    async def discover(self, survey: Survey) -> list[Resource]:
        """Facts: cidrs, tenancy, is_default, dns_support, dns_hostnames, internet_gateway, tags; routes of all route
        tables as rows {table, cidr, target}, with "classic_link" on the one that ClassicLink adds; main_table and
        subnet_tables (subnet -> route table)."""
        vpcs = await survey.all("ec2.describe_vpcs", "Vpcs[]")
        tables = await survey.all("ec2.describe_route_tables", "RouteTables[]")
        gateways = await survey.all("ec2.describe_internet_gateways", "InternetGateways[]")
        dns = await asyncio.gather(*(_dns(survey, item["VpcId"]) for item in vpcs))
        found = []
        for item, dns_facts in zip(vpcs, dns, strict=True):
            own = [table for table in tables if table["VpcId"] == item["VpcId"]]
            facts = {**_facts(item), **dns_facts, **_routing(own, _cidrs(item)), **_gateway(gateways, item["VpcId"])}
            name = facts["tags"].get("Name") or item["VpcId"]
            found.append(Resource(Ref(self.name, item["VpcId"]), name, "vpc", facts))
        return found

    def findings(self, ctx: Context) -> Iterator[Finding]:
        if ctx.target.create_cidr:
            yield from plan_findings(ctx)
            return
        vpc = ctx.vpc
        if vpc is None:
            wanted = ctx.target.vpc_id or "none"
            message = f"The target VPC {wanted} is not in this account and region: name one that is, or create one."
            yield Finding("blocker", "target_vpc_not_found", f"vpc:{wanted}", message)
            return
        yield from _zone_findings(vpc, ctx)
        for zone, subnet_id in sorted(ctx.target.subnets.items()):
            yield from _subnet_findings(zone, subnet_id, vpc, ctx)


async def _dns(survey: Survey, vpc_id: str) -> dict[str, bool]:
    """Both DNS attributes; False where one could not be read, which leaves a gap."""
    ref = Ref("vpc", vpc_id)
    support, names = await asyncio.gather(
        *(
            survey.one(ref, "ec2.describe_vpc_attribute", VpcId=vpc_id, Attribute=attribute)
            for attribute in ("enableDnsSupport", "enableDnsHostnames")
        )
    )
    return {
        "dns_support": bool((support or {}).get("EnableDnsSupport", {}).get("Value")),
        "dns_hostnames": bool((names or {}).get("EnableDnsHostnames", {}).get("Value")),
    }


def _facts(item: dict[str, Any]) -> dict[str, Json]:
    return {
        "cidrs": _cidrs(item),
        "tenancy": item.get("InstanceTenancy", "default"),
        "is_default": bool(item.get("IsDefault")),
        "tags": tags_of(item),
    }


def _cidrs(item: Mapping[str, Any]) -> list[str]:
    more = (
        association["CidrBlock"]
        for association in item.get("CidrBlockAssociationSet", ())
        if association.get("CidrBlockState", {}).get("State", "associated") == "associated"
    )
    return sorted({item["CidrBlock"], *more})


def _gateway(gateways: Iterable[Mapping[str, Any]], vpc_id: str) -> dict[str, Json]:
    attached = (
        gateway["InternetGatewayId"]
        for gateway in gateways
        if any(attachment["VpcId"] == vpc_id for attachment in gateway.get("Attachments", ()))
    )
    return {"internet_gateway": next(iter(sorted(attached)), "")}


def _routing(tables: Iterable[Mapping[str, Any]], cidrs: Iterable[str]) -> dict[str, Json]:
    rows: list[dict[str, Json]] = []
    main, by_subnet = "", {}
    for table in tables:
        rows.extend(_route_row(table["RouteTableId"], route, cidrs) for route in table.get("Routes", ()))
        for association in table.get("Associations", ()):
            if association.get("Main"):
                main = table["RouteTableId"]
            if association.get("SubnetId"):
                by_subnet[association["SubnetId"]] = table["RouteTableId"]
    ordered = sorted(rows, key=lambda row: (row["table"], str(row["cidr"]), row["target"]))
    return {"routes": ordered, "main_table": main, "subnet_tables": dict(sorted(by_subnet.items()))}


def _route_row(table: str, route: Mapping[str, Any], cidrs: Iterable[str]) -> dict[str, Json]:
    """`cidr` is "" for destinations that are no IPv4 range (IPv6, prefix lists)."""
    keys = ("GatewayId", "NatGatewayId", "InstanceId", "TransitGatewayId", "VpcPeeringConnectionId")
    target = next((route[key] for key in keys if route.get(key)), route.get("NetworkInterfaceId", ""))
    cidr = route.get("DestinationCidrBlock", "")
    row = {"table": table, "cidr": cidr, "target": target}
    if target == "local" and cidr == str(CLASSIC_RANGE) and cidr not in cidrs:
        row["classic_link"] = True  # added by enabling ClassicLink (aws-facts A1)
    return row


def _zone_findings(vpc: Resource, ctx: Context) -> Iterator[Finding]:
    used: dict[str, int] = {}
    for ref in ctx.scope:
        resource = ctx.inventory.get(ref)
        zone = resource.facts.get("zone") if resource else None
        if zone and zone not in ctx.target.subnets:
            used[zone] = used.get(zone, 0) + 1
    for zone, count in sorted(used.items()):
        message = f"{count} things that move are in {zone}, where the target names no subnet: make one and name it."
        yield Finding("blocker", "zone_without_subnet", f"{vpc.ref}", message)


def _subnet_findings(zone: str, subnet_id: str, vpc: Resource, ctx: Context) -> Iterator[Finding]:
    subnet = ctx.inventory.get(Ref("subnet", subnet_id))
    subject = f"subnet:{subnet_id}"
    if subnet is None:
        message = f"The target's subnet {subnet_id} is not in this account and region: name one that is."
        yield Finding("blocker", "target_subnet_not_found", subject, message)
        return
    if subnet.facts["vpc"] != vpc.ref.id:
        message = f"{subnet_id} belongs to {subnet.facts['vpc']} and not to {vpc.ref.id}: name a subnet of the target."
        yield Finding("blocker", "subnet_of_another_vpc", subject, message)
    elif not _reaches_internet(subnet_id, vpc):
        yield Finding(
            "warning",
            "no_internet_route",
            subject,
            f"{subnet_id} has no route to an internet gateway or NAT. In EC2-Classic everything reaches the internet: "
            f"add a route for {EVERYWHERE}, unless nothing there needs it. Elastic IPs need an internet gateway.",
        )
    if subnet.facts["zone"] != zone:
        message = f"{subnet_id} is in {subnet.facts['zone']} and the target gives it for {zone}: correct the target."
        yield Finding("blocker", "subnet_in_other_zone", subject, message)


def _reaches_internet(subnet_id: str, vpc: Resource) -> bool:
    table = vpc.facts["subnet_tables"].get(subnet_id, vpc.facts["main_table"])
    rows = (row for row in vpc.facts["routes"] if row["table"] == table and row["cidr"] == EVERYWHERE)
    return any(row["target"] for row in rows)


KIND = Vpcs()
