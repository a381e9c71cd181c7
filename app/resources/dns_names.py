"""What a DNS record points at, found among the names and addresses of the inventory. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from app.planning.context import Context
from app.planning.inventory import Inventory, Json, Ref, Resource

# ec2-203-0-113-7.compute-1.amazonaws.com is the public name of 203.0.113.7.
PUBLIC_NAME = re.compile(r"ec2-(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})\..*amazonaws\.com")
# Names that a Classic load balancer answers under beside its own.
BALANCER_PREFIX = re.compile(r"(dualstack|ipv6)\.(?=.*\.elb\.)")


@dataclass(frozen=True)
class _Index:
    """The names of one inventory and the records that lead to each resource: planning asks about every one."""

    inventory: Inventory
    names: Mapping[str, Ref]
    records: Mapping[Ref, list[Resource]]


class _Latest:
    """The index of the inventory asked about last; replaced whole, so that threads cannot mix two."""

    def __init__(self) -> None:
        self._index: _Index | None = None

    def of(self, inventory: Inventory) -> _Index:
        index = self._index
        if index is None or index.inventory is not inventory:
            self._index = index = _built(inventory)
        return index


def _built(inventory: Inventory) -> _Index:
    names = dict(_names(inventory))
    records: dict[Ref, list[Resource]] = {}
    for record in inventory.of("dns_record"):
        for ref in set(_points_at(record, names).values()):
            records.setdefault(ref, []).append(record)
    return _Index(inventory, names, records)


_LATEST = _Latest()


def normal(name: str) -> str:
    """A DNS name or address for comparing: lower case, no final dot, no prefix of a load balancer's."""
    return BALANCER_PREFIX.sub("", name.rstrip(".").lower())


def values_in(record: Mapping[str, Json]) -> list[str]:
    """What a record set, as Route 53 shows it, answers; as written in it."""
    alias: Mapping[str, Json] = record.get("AliasTarget") or {}
    if alias:
        return [str(alias["DNSName"])]
    return [str(value["Value"]) for value in record.get("ResourceRecords", ())]


def points_at(record: Resource, inventory: Inventory) -> dict[str, Ref]:
    """By value as written: the resource of this account that it leads to."""
    return _points_at(record, _LATEST.of(inventory).names)


def _points_at(record: Resource, names: Mapping[str, Ref]) -> dict[str, Ref]:
    found = {}
    for value in values_in(record.facts["record"]):
        instance = record.facts["instances"].get(value)
        ref = names.get(as_address(value)) or (Ref("instance", instance) if instance else None)
        if ref:
            found[value] = ref
    return found


def records_for(ref: Ref, ctx: Context) -> Iterable[Resource]:
    """The records that lead to a resource."""
    return _LATEST.of(ctx.inventory).records.get(ref, ())


def as_address(value: str) -> str:
    """The name or address to look up: the public name of an instance counts as the address in it."""
    name = normal(value)
    match = PUBLIC_NAME.fullmatch(name)
    return ".".join(match.groups()) if match else name


def _names(inventory: Inventory) -> Iterator[tuple[str, Ref]]:
    """Instances' own addresses change with every start and are no facts of theirs: the record knows those."""
    for balancer in inventory.of("load_balancer"):
        yield normal(balancer.facts["dns_name"]), balancer.ref
    for database in inventory.of("rds_instance"):
        if endpoint := database.facts.get("endpoint"):
            yield normal(endpoint["address"]), database.ref
    for address in inventory.of("elastic_ip"):
        yield str(address.facts.get("public_ip") or address.ref.id), address.ref
