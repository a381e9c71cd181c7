"""Changing record sets: a batch that takes effect whole or not at all."""

from collections.abc import Mapping
from typing import Any

from sandbox.errors import AwsError
from sandbox.route53.changes import change_view, new_change
from sandbox.route53.home import HostedZone, everywhere, find_zone
from sandbox.route53.published import publish_later
from sandbox.route53.records import RecordSet, read_record
from sandbox.service import operation
from sandbox.world import Place

MOST_CHANGES = 1000


@operation("route53", "ChangeResourceRecordSets")
def change_record_sets(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Listed at once, answered by the servers after `durations.dns_change`. Raises InvalidChangeBatch."""
    home, zone = everywhere(place), find_zone(place, request["HostedZoneId"])
    batch = request["ChangeBatch"]
    changes = batch["Changes"]
    if not 0 < len(changes) <= MOST_CHANGES:
        raise _refused([f"A batch has 1 to {MOST_CHANGES} changes"])
    asked = [
        (one["Action"], read_record(zone.id, one["ResourceRecordSet"], home.visible_from_now())) for one in changes
    ]
    records, refusals = _applied(dict(home.table(RecordSet)), zone, asked)
    if refusals:
        raise _refused(refusals)
    table = home.table(RecordSet)
    table.clear()
    table.update(records)
    publish_later(home, [(action, record) for action, record in asked])
    return {"ChangeInfo": change_view(new_change(home, batch.get("Comment", "")))}


def _applied(
    records: dict[str, RecordSet], zone: HostedZone, asked: list[tuple[str, RecordSet]]
) -> tuple[dict[str, RecordSet], list[str]]:
    refusals = []
    for action, record in asked:
        reason = _refusal(records, zone, action, record)
        if reason:
            refusals.append(reason)
        elif action == "DELETE":
            del records[record.key]
        else:
            records[record.key] = record
    return records, refusals


def _refusal(records: Mapping[str, RecordSet], zone: HostedZone, action: str, record: RecordSet) -> str:
    about = f"[name='{record.name}', type='{record.type}']"
    old = records.get(record.key)
    if record.name != zone.name and not record.name.endswith("." + zone.name):
        return f"RRSet with DNS name {record.name} is not permitted in zone {zone.name}"
    if action == "DELETE":
        if old is None:
            return f"Tried to delete resource record set {about} but it was not found"
        return "" if old == record else f"Tried to delete resource record set {about} but values differ"
    if action == "CREATE" and old is not None:
        return f"Tried to create resource record set {about} but it already exists"
    return _malformed(record, about) or _clash(records, zone, record, about)


def _malformed(record: RecordSet, about: str) -> str:
    if bool(record.values) == bool(record.alias):
        return f"{about} needs either ResourceRecords or an AliasTarget"
    if record.values and record.ttl is None:
        return f"{about} needs a TTL"
    if record.alias and record.ttl is not None:
        return f"{about} is an alias, which has no TTL"
    if record.weight is not None and not record.set_identifier:
        return f"{about} has a Weight and so needs a SetIdentifier"
    if record.set_identifier and record.weight is None and not record.extras:
        return f"{about} has a SetIdentifier and so needs a Weight, Region or Failover"
    if record.weight is not None and not 0 <= record.weight <= 255:
        return f"{about}: Weight must be 0 to 255"
    if record.type == "CNAME" and len(record.values) > 1:
        return f"{about} has more than one CNAME"
    return ""


def _clash(records: Mapping[str, RecordSet], zone: HostedZone, record: RecordSet, about: str) -> str:
    if record.type == "CNAME" and record.name == zone.name:
        return f"RRSet of type CNAME with DNS name {record.name} is not permitted at apex in zone {zone.name}"
    for other in records.values():
        if (other.zone_id, other.name) != (record.zone_id, record.name):
            continue
        if other.type != record.type and "CNAME" in (other.type, record.type):
            return f"RRSet {about} conflicts with a record set of type {other.type} of the same name"
        if other.type == record.type and bool(other.set_identifier) != bool(record.set_identifier):
            return f"RRSet {about} cannot be both simple and weighted"
    return ""


def _refused(reasons: list[str]) -> AwsError:
    return AwsError("InvalidChangeBatch", "[" + ", ".join(reasons) + "]")
