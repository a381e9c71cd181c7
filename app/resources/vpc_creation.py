"""Makes the target VPC: DNS on, a public subnet in every zone in use, an internet gateway and the route to it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Network
from typing import Any, ClassVar

import jmespath

from app.cloud import AlreadyExists, NotFound
from app.execution.calls import Calls, makes, on, ours, reading
from app.execution.step import Result, Run, Seen, Step, Verdict, Watch, pending, settled
from app.planning.context import NEW_VPC, Context
from app.planning.inventory import Resource
from app.planning.plan import Draft, Finding

SECONDS = 10.0
SMALLEST_PREFIX, LARGEST_PREFIX = 28, 16  # of a VPC and of a subnet
RESERVED = 5  # addresses AWS keeps of every subnet
ROOM_FOR = 4  # subnets, so that later zones find room beside the first


def zone_cidrs(cidr: str, zones: Sequence[str]) -> dict[str, str]:
    """A range per zone, equal and in order; {} where the VPC's range has no room for them.

    Raises ValueError for what is no IPv4 range.
    """
    network = IPv4Network(cidr)
    count = max(len(zones), 1)
    bits = max((count - 1).bit_length(), min((ROOM_FOR - 1).bit_length(), SMALLEST_PREFIX - network.prefixlen))
    if bits < 0 or network.prefixlen + bits > SMALLEST_PREFIX:
        return {}
    ranges = network.subnets(prefixlen_diff=bits)
    return {zone: str(part) for zone, part in zip(sorted(zones), ranges, strict=False)}


def _cidr_problem(ctx: Context) -> str:
    cidr = ctx.target.create_cidr or ""
    try:
        network = IPv4Network(cidr)
    except ValueError:
        return f"{cidr} is no IPv4 range, such as 172.20.0.0/16: correct target.create.cidr."
    if not LARGEST_PREFIX <= network.prefixlen <= SMALLEST_PREFIX:
        return f"A VPC's range is between /{LARGEST_PREFIX} and /{SMALLEST_PREFIX}, and {cidr} is not: choose another."
    ranges = zone_cidrs(cidr, ctx.zones)
    if len(ranges) < len(ctx.zones):
        return f"{cidr} has no room for a subnet in each of {len(ctx.zones)} zones: choose a larger range."
    zones = Counter(instance.facts["zone"] for instance in ctx.moving("instance"))
    for zone, count in sorted(zones.items()):
        free = IPv4Network(ranges[zone]).num_addresses - RESERVED
        if count > free:
            return f"{count} instances go to {zone}, whose subnet {ranges[zone]} takes {free}: choose a larger range."
    return ""


def plan_findings(ctx: Context) -> Iterator[Finding]:
    """What stands in the way of making the VPC."""
    if problem := _cidr_problem(ctx):
        yield Finding("blocker", "vpc_range_unfit", str(NEW_VPC), problem)


class Create(Step):
    """None of CreateVpc, CreateSubnet and CreateInternetGateway has a token: our tags find them again."""

    action = "vpc.create"
    subject = "vpc"
    phase = "prepare"
    calls: ClassVar[Calls] = {
        **reading(
            "ec2.describe_internet_gateways", "ec2.describe_route_tables", "ec2.describe_subnets", "ec2.describe_vpcs"
        ),
        "ec2.create_vpc": makes("vpc/*"),
        "ec2.modify_vpc_attribute": ours("vpc/*"),
        "ec2.create_subnet": makes("subnet/*") + ours("vpc/*"),
        "ec2.create_internet_gateway": makes("internet-gateway/*"),
        "ec2.attach_internet_gateway": ours("internet-gateway/*", "vpc/*"),
        "ec2.create_route": on("route-table/*"),
        "ec2.detach_internet_gateway": ours("internet-gateway/*", "vpc/*"),
        "ec2.delete_internet_gateway": ours("internet-gateway/*"),
        "ec2.delete_subnet": ours("subnet/*"),
        "ec2.delete_vpc": ours("vpc/*"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not resource.facts.get("to_create"):
            return None
        cidr = resource.facts["cidr"]
        subnets = {} if _cidr_problem(ctx) else zone_cidrs(cidr, ctx.zones)
        return Draft(
            {"cidr": cidr, "subnets": subnets},
            f"Make the VPC {cidr} with a public subnet in each of {len(ctx.zones)} zones.",
            seconds=SECONDS,
            calls=6 + len(subnets),
        )

    async def do(self, run: Run) -> Result:
        """Result: counterpart (the VPC's id), subnets (zone -> id), internet_gateway."""
        made = await _made(run) if run.recovering else _Made({}, {}, {})
        vpc_id = next(iter(made.vpcs), None) or await self._make_vpc(run)
        for name in ("EnableDnsSupport", "EnableDnsHostnames"):  # one attribute a call; host names need support
            await run.cloud.call("ec2.modify_vpc_attribute", VpcId=vpc_id, **{name: {"Value": True}})
        subnets = dict(made.subnets)
        for zone, cidr in run.params["subnets"].items():
            if zone not in subnets:
                subnets[zone] = await self._make_subnet(run, vpc_id, zone, cidr)
        gateway_id = next(iter(made.gateways), None) or await self._make_gateway(run)
        if made.gateways.get(gateway_id) != vpc_id:
            await run.cloud.call("ec2.attach_internet_gateway", InternetGatewayId=gateway_id, VpcId=vpc_id)
        await self._route_out(run, vpc_id, gateway_id)
        return {"counterpart": vpc_id, "subnets": subnets, "internet_gateway": gateway_id}

    async def _make_vpc(self, run: Run) -> str:
        tags = run.tag_specifications("vpc", extra={"Name": "landbridge"})
        answer = await run.cloud.call("ec2.create_vpc", CidrBlock=run.params["cidr"], TagSpecifications=tags)
        vpc_id = str(answer["Vpc"]["VpcId"])
        await run.wait(_vpc_watch(vpc_id), lambda seen: _vpc_verdict(vpc_id, seen))
        return vpc_id

    async def _make_subnet(self, run: Run, vpc_id: str, zone: str, cidr: str) -> str:
        answer = await run.cloud.call(
            "ec2.create_subnet",
            VpcId=vpc_id,
            AvailabilityZone=zone,
            CidrBlock=cidr,
            TagSpecifications=run.tag_specifications("subnet", extra={"Name": f"landbridge {zone}"}),
        )
        return str(answer["Subnet"]["SubnetId"])

    async def _make_gateway(self, run: Run) -> str:
        tags = run.tag_specifications("internet-gateway", extra={"Name": "landbridge"})
        answer = await run.cloud.call("ec2.create_internet_gateway", TagSpecifications=tags)
        gateway_id = str(answer["InternetGateway"]["InternetGatewayId"])
        items, key = "InternetGateways[]", "InternetGatewayId"
        watch = Watch(
            "ec2.describe_internet_gateways", (gateway_id,), "filter:internet-gateway-id", items, key, within=600
        )
        await run.wait(watch, lambda seen: settled() if gateway_id in seen else pending())
        return gateway_id

    async def _route_out(self, run: Run, vpc_id: str, gateway_id: str) -> None:
        main = (("Filters", [{"Name": "association.main", "Values": ["true"]}]),)
        items, key = "RouteTables[]", "VpcId"
        watch = Watch("ec2.describe_route_tables", (vpc_id,), "filter:vpc-id", items, key, also=main, within=600)
        table = await run.wait(
            watch, lambda seen: settled(id=seen[vpc_id]["RouteTableId"]) if vpc_id in seen else pending()
        )
        with suppress(AlreadyExists):  # it names this gateway: nobody else knows the VPC
            await run.cloud.call(
                "ec2.create_route", RouteTableId=table["id"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway_id
            )

    def watch(self, result: Result) -> Watch | None:
        return _vpc_watch(result["counterpart"])

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        return _vpc_verdict(result["counterpart"], seen)

    async def undo(self, run: Run, result: Result | None) -> None:
        """Everything of it that carries our tag; the main route table and the default group go along."""
        made = await _made(run)
        for gateway_id, vpc_id in made.gateways.items():
            if vpc_id:
                with suppress(NotFound):
                    await run.cloud.call("ec2.detach_internet_gateway", InternetGatewayId=gateway_id, VpcId=vpc_id)
            with suppress(NotFound):
                await run.cloud.call("ec2.delete_internet_gateway", InternetGatewayId=gateway_id)
        for subnet_id in made.subnets.values():
            with suppress(NotFound):
                await run.cloud.call("ec2.delete_subnet", SubnetId=subnet_id)
        for made_vpc in made.vpcs:
            with suppress(NotFound):
                await run.cloud.call("ec2.delete_vpc", VpcId=made_vpc)


def _vpc_watch(vpc_id: str) -> Watch:
    return Watch("ec2.describe_vpcs", (vpc_id,), "filter:vpc-id", "Vpcs[]", "VpcId", within=600)


def _vpc_verdict(vpc_id: str, seen: Seen) -> Verdict:
    vpc = seen.get(vpc_id)
    return settled() if vpc and vpc["State"] == "available" else pending(f"{vpc_id} is not available yet")


class _Made:
    """What this step has made: VPC id -> state, zone -> subnet id, gateway id -> VPC it is attached to ("")."""

    def __init__(self, vpcs: Mapping[str, str], subnets: Mapping[str, str], gateways: Mapping[str, str]) -> None:
        self.vpcs, self.subnets, self.gateways = vpcs, subnets, gateways


async def _made(run: Run) -> _Made:
    """Looked for again once all must be visible, where less than all is seen."""
    found = await _look(run)
    if not (found.vpcs and found.gateways and len(found.subnets) == len(run.params["subnets"])):
        await run.consistency()
        found = await _look(run)
    return found


async def _look(run: Run) -> _Made:
    async def find(operation: str, items: str) -> list[dict[str, Any]]:
        pages = run.cloud.pages(operation, Filters=run.mine)
        return [item async for page in pages for item in jmespath.search(items, page) or ()]

    vpcs = await find("ec2.describe_vpcs", "Vpcs[]")
    subnets = await find("ec2.describe_subnets", "Subnets[]")
    gateways = await find("ec2.describe_internet_gateways", "InternetGateways[]")
    return _Made(
        {item["VpcId"]: item["State"] for item in vpcs},
        {item["AvailabilityZone"]: item["SubnetId"] for item in subnets},
        {item["InternetGatewayId"]: next((a["VpcId"] for a in item["Attachments"]), "") for item in gateways},
    )
