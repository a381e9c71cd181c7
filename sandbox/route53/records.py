"""Record sets: what a hosted zone was asked to answer, and listing it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.errors import AwsError
from sandbox.route53.home import bare_id, by_label, everywhere, find_zone, full_name
from sandbox.service import operation
from sandbox.world import Place

MOST_ITEMS = 300
NAME_SERVERS = ["ns-1.awsdns-01.org", "ns-2.awsdns-02.com", "ns-3.awsdns-03.net", "ns-4.awsdns-04.co.uk"]
ALIAS_TTL = 60  # seconds: that of load balancers' own names


@dataclass
class RecordSet:
    """As submitted, and never altered. `values` is empty for an alias, `alias` None for the rest."""

    zone_id: str
    name: str
    type: str
    set_identifier: str
    visible_at: datetime = field(compare=False)
    values: tuple[str, ...] = ()
    ttl: int | None = None
    weight: int | None = None
    alias: tuple[str, str, bool] | None = None  # zone id, DNS name, evaluate target health
    extras: tuple[tuple[str, str], ...] = ()  # Region, Failover and such: kept, not simulated

    @property
    def key(self) -> str:
        return "|".join((self.zone_id, self.name, self.type, self.set_identifier))

    @property
    def cached_for(self) -> int:
        """Seconds for which a caller may go on using an answer."""
        return ALIAS_TTL if self.ttl is None else self.ttl


def records_of(home: Place, zone_id: str) -> list[RecordSet]:
    """A zone's record sets in Route 53's order: by name from the last label, type, identifier."""
    return sorted((record for record in home.table(RecordSet).values() if record.zone_id == zone_id), key=_order)


def zone_size(home: Place, zone_id: str) -> int:
    """How many record sets a zone has beside its own NS and SOA."""
    return sum(1 for record in home.table(RecordSet).values() if record.zone_id == zone_id)


@operation("route53", "ListResourceRecordSets")
def list_record_sets(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """One page from (StartRecordName, StartRecordType, StartRecordIdentifier) on, that one included."""
    home = everywhere(place)
    zone = find_zone(place, request["HostedZoneId"])
    start = _start(request)
    size = min(int(request.get("MaxItems") or MOST_ITEMS), MOST_ITEMS)
    if size < 1:
        raise AwsError("InvalidInput", "MaxItems must be 1 or more")
    everything = [*_own_records(zone.id, zone.name, zone.visible_at), *records_of(home, zone.id)]
    rest = [record for record in sorted(everything, key=_order) if _order(record) >= start]
    answer: dict[str, Any] = {
        "ResourceRecordSets": [view(record) for record in rest[:size]],
        "IsTruncated": len(rest) > size,
        "MaxItems": str(size),
    }
    if len(rest) > size:
        following = rest[size]
        answer |= {"NextRecordName": following.name, "NextRecordType": following.type}
        if following.set_identifier:
            answer["NextRecordIdentifier"] = following.set_identifier
    return answer


def read_record(zone_id: str, wanted: Mapping[str, Any], visible_at: datetime) -> RecordSet:
    """A record set as a request has it."""
    alias = wanted.get("AliasTarget")
    weight, ttl = wanted.get("Weight"), wanted.get("TTL")
    extras = [(name, str(wanted[name])) for name in ("Region", "Failover") if wanted.get(name)]
    return RecordSet(
        zone_id=bare_id(zone_id),
        name=full_name(wanted["Name"]),
        type=wanted["Type"],
        set_identifier=wanted.get("SetIdentifier") or "",
        visible_at=visible_at,
        values=tuple(one["Value"] for one in wanted.get("ResourceRecords") or []),
        ttl=int(ttl) if ttl is not None else None,
        weight=int(weight) if weight is not None else None,
        alias=_alias(alias) if alias else None,
        extras=tuple(extras),
    )


def view(record: RecordSet) -> dict[str, Any]:
    shown: dict[str, Any] = {"Name": record.name, "Type": record.type, **dict(record.extras)}
    if record.set_identifier:
        shown["SetIdentifier"] = record.set_identifier
    if record.weight is not None:
        shown["Weight"] = record.weight
    if record.alias:
        zone_id, dns_name, evaluate = record.alias
        shown["AliasTarget"] = {
            "HostedZoneId": zone_id,
            "DNSName": dns_name,
            "EvaluateTargetHealth": evaluate,
        }
    else:
        shown["TTL"] = record.ttl
        shown["ResourceRecords"] = [{"Value": value} for value in record.values]
    return shown


def _alias(alias: Mapping[str, Any]) -> tuple[str, str, bool]:
    evaluate = alias["EvaluateTargetHealth"]
    return (
        alias["HostedZoneId"],
        full_name(alias["DNSName"]),
        evaluate if isinstance(evaluate, bool) else str(evaluate).lower() == "true",
    )


def _own_records(zone_id: str, name: str, visible_at: datetime) -> list[RecordSet]:
    """What every zone is born with and keeps."""
    servers = tuple(f"{server}." for server in NAME_SERVERS)
    authority = f"{servers[0]} awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"
    return [
        RecordSet(zone_id, name, "NS", "", visible_at, servers, 172800),
        RecordSet(zone_id, name, "SOA", "", visible_at, (authority,), 900),
    ]


def _order(record: RecordSet) -> tuple[list[str], str, str]:
    return by_label(record.name), record.type, record.set_identifier


def _start(request: Mapping[str, Any]) -> tuple[list[str], str, str]:
    """Raises InvalidInput for a type without a name, or an identifier without a type."""
    name, type_ = request.get("StartRecordName"), request.get("StartRecordType")
    identifier = request.get("StartRecordIdentifier")
    if (type_ and not name) or (identifier and not type_):
        raise AwsError("InvalidInput", "StartRecordType needs a name, StartRecordIdentifier a type")
    return by_label(full_name(name)) if name else [], type_ or "", identifier or ""
