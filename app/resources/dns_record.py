"""Route 53 record sets: those that lead to something that moves under another name follow it."""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any, ClassVar

from app.planning.context import Context
from app.planning.effects import Effect, Leads
from app.planning.inventory import Inventory, Json, Ref, Resource
from app.planning.plan import Finding
from app.resources.classic_link import CLASSIC_RANGE
from app.resources.dns_names import as_address, points_at, values_in
from app.resources.dns_restore import RestoreTtl
from app.resources.dns_steps import Cutover, FollowInstance, LowerTtl, follows
from app.resources.kind import Kind, Survey

TYPES = ("A", "AAAA", "CNAME")
VALUES_PER_FILTER = 200  # of a describe call's filter
SAME_NAME = "100"  # sets of one name and type that are read at most: Route 53 takes no more weighted ones
# Resources that keep their name or address when they move: a record that leads there stays as it is.
KEEP_THEIR_NAME = {"elastic_ip": "address", "rds_instance": "endpoint name"}


def record_ref(zone_id: str, record: Mapping[str, Json]) -> Ref:
    parts = [zone_id, record["Name"].rstrip("."), record["Type"], record.get("SetIdentifier")]
    return Ref("dns_record", "/".join(part for part in parts if part))


class DnsRecords(Kind):
    """Records are no part of EC2-Classic and never in a scope (`platform` is vpc): they follow what moves."""

    name = "dns_record"
    steps = (LowerTtl(), Cutover(), FollowInstance(), RestoreTtl())
    reads = frozenset({"ec2.describe_instances", "route53.list_hosted_zones", "route53.list_resource_record_sets"})
    probes: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "route53.list_hosted_zones": {"MaxItems": "1"},
        "route53.list_resource_record_sets": {"HostedZoneId": "Z00000000000000000000"},
        "route53.get_change": {"Id": "C00000000000000000000"},
    }

    def moves(self, resource: Resource) -> bool:
        return False

    async def discover(self, survey: Survey) -> list[Resource]:
        """A, AAAA and CNAME sets. Facts: zone, zone_name, private, record (as Route 53 shows it), instances (by
        value: the instance that has this address of its own at present)."""
        found: list[tuple[Mapping[str, Any], dict[str, Json]]] = []
        for zone in await survey.all("route53.list_hosted_zones", "HostedZones[]"):
            zone_id = zone["Id"].removeprefix("/hostedzone/")
            private = bool(zone.get("Config", {}).get("PrivateZone"))
            found += [
                (zone, {"zone": zone_id, "private": private, "record": _ordered(item)})
                for item in await _records(survey, zone_id)
                if item["Type"] in TYPES
            ]
        if survey.only is not None:
            return [_resource(zone["Name"], facts, None) for zone, facts in found]
        owners = await _owners(survey, {value for _, facts in found for value in values_in(facts["record"])})
        return [_resource(zone["Name"], facts, owners) for zone, facts in found]

    def present(self, resource: Resource, inventory: Inventory) -> Iterator[Effect]:
        """What keeps its name or address is led to as before, wherever it is."""
        for ref in sorted(set(points_at(resource, inventory).values())):
            if ref.kind not in KEEP_THEIR_NAME:
                yield Leads(str(resource.ref), str(inventory.party(ref)))

    def findings(self, ctx: Context) -> Iterator[Finding]:
        for record in ctx.inventory.of("dns_record"):
            pointed = points_at(record, ctx.inventory)
            for value, ref in sorted(pointed.items()):
                if ctx.moves(ref):
                    yield from _findings(record, value, ref, ctx)
            if follows(record, ctx) and record.facts["record"]["Type"] == "AAAA":
                yield Finding(
                    "warning",
                    "ipv6_lost",
                    str(record.ref),
                    f"{record.name} answers with an IPv6 address of a Classic load balancer. In a VPC they have "
                    "none: callers will use IPv4.",
                )


def _findings(record: Resource, value: str, ref: Ref, ctx: Context) -> Iterator[Finding]:
    if ref.kind in KEEP_THEIR_NAME:
        yield Finding(
            "note",
            "record_stays",
            str(record.ref),
            f"{record.name} leads to {ref}, which keeps its {KEEP_THEIR_NAME[ref.kind]}: the record stays as it is.",
        )
    elif ctx.override(record.ref, "follow", True) is False:
        yield Finding(
            "warning",
            "record_left",
            str(record.ref),
            f"{record.name} leads to {value} of {ref} and is left as it is by the override follow: change it "
            "yourself before the sources are gone.",
        )


def _resource(zone_name: str, facts: dict[str, Json], owners: Mapping[str, str] | None) -> Resource:
    """`owners` None: they were not asked for."""
    record = facts["record"]
    facts = {**facts, "zone_name": zone_name}
    if owners is not None:
        facts["instances"] = {value: owners[value] for value in values_in(record) if value in owners}
    refers = frozenset(Ref("instance", id_) for id_ in facts.get("instances", {}).values())
    return Resource(record_ref(facts["zone"], record), record["Name"], "vpc", facts, refers)


async def _records(survey: Survey, zone_id: str) -> list[dict[str, Any]]:
    """The zone's record sets, or those of the names that are wanted: zones may be long."""
    operation = "route53.list_resource_record_sets"
    if survey.only is None:
        return await survey.all(operation, "ResourceRecordSets[]", HostedZoneId=zone_id)
    found: list[dict[str, Any]] = []
    names = {tuple(id_.split("/")[1:3]) for id_ in survey.only if id_.startswith(f"{zone_id}/")}
    for name, type_ in sorted(names):
        answer = await survey.one(
            None,
            operation,
            HostedZoneId=zone_id,
            StartRecordName=name,
            StartRecordType=type_,
            MaxItems=SAME_NAME,
        )
        found += (answer or {}).get("ResourceRecordSets", ())
    return [item for item in found if survey.wants(record_ref(zone_id, item).id)]


async def _owners(survey: Survey, values: Iterable[str]) -> dict[str, str]:
    """By value of a record: the instance whose own public or private address it is now."""
    addresses = {value: as_address(value) for value in values}
    wanted: dict[str, set[str]] = {"ip-address": set(), "private-ip-address": set()}
    for address in addresses.values():
        try:
            private = ip_address(address) in CLASSIC_RANGE
        except ValueError:
            continue  # a name
        wanted["private-ip-address" if private else "ip-address"].add(address)
    owners: dict[str, str] = {}
    for filter_, some in wanted.items():
        for group in _in_groups(sorted(some)):
            for item in await survey.all(
                "ec2.describe_instances",
                "Reservations[].Instances[]",
                Filters=[{"Name": filter_, "Values": group}],
            ):
                field = "PublicIpAddress" if filter_ == "ip-address" else "PrivateIpAddress"
                owners[item[field]] = item["InstanceId"]
    return {value: owners[address] for value, address in addresses.items() if address in owners}


def _in_groups(values: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(values), VALUES_PER_FILTER):
        yield values[start : start + VALUES_PER_FILTER]


def _ordered(item: Mapping[str, Any]) -> dict[str, Json]:
    """The record set with its values in order: Route 53 keeps none."""
    record = dict(item)
    if "ResourceRecords" in record:
        record["ResourceRecords"] = sorted(record["ResourceRecords"], key=lambda each: str(each["Value"]))
    return record


KIND = DnsRecords()
