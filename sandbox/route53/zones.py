"""Calls on hosted zones: create, get, list, delete."""

import re
from collections.abc import Mapping
from typing import Any

from sandbox.errors import AwsError
from sandbox.route53.changes import change_view, new_change
from sandbox.route53.home import HostedZone, bare_id, by_label, everywhere, find_zone, full_name
from sandbox.route53.records import NAME_SERVERS, zone_size
from sandbox.service import operation
from sandbox.world import Place

PAGE_SIZE = 100
_DOMAIN = re.compile(r"([a-z0-9_*]([a-z0-9_-]*[a-z0-9_])?\.)+")
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@operation("route53", "CreateHostedZone")
def create_hosted_zone(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """A repeated CallerReference is refused, which is what makes a repeat safe."""
    home = everywhere(place)
    name = request["Name"].lower().rstrip(".") + "."
    if not _DOMAIN.fullmatch(name) or len(name) > 255:
        raise AwsError("InvalidDomainName", f"{request['Name']} is not a valid domain name")
    reference = request["CallerReference"]
    if any(zone.caller_reference == reference for zone in home.table(HostedZone).values()):
        raise AwsError("HostedZoneAlreadyExists", f"A hosted zone with caller reference {reference} exists", 409)
    vpc = request.get("VPC") or {}
    zone = HostedZone(
        id="Z" + "".join(place.world.random.choice(_ALPHABET) for _ in range(13)),
        name=name,
        caller_reference=reference,
        comment=(request.get("HostedZoneConfig") or {}).get("Comment", ""),
        vpcs=[(vpc["VPCRegion"], vpc["VPCId"])] if vpc else [],
        visible_at=home.visible_from_now(),
    )
    home.table(HostedZone)[zone.id] = zone
    return {
        "HostedZone": zone_view(home, zone),
        "ChangeInfo": change_view(new_change(home, zone.comment)),
        "DelegationSet": {"NameServers": NAME_SERVERS},
        "Location": f"https://route53.amazonaws.com/2013-04-01/hostedzone/{zone.id}",
    }


@operation("route53", "GetHostedZone")
def get_hosted_zone(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    zone = find_zone(place, request["Id"])
    answer: dict[str, Any] = {"HostedZone": zone_view(everywhere(place), zone)}
    if zone.vpcs:
        answer["VPCs"] = [{"VPCRegion": region, "VPCId": vpc_id} for region, vpc_id in zone.vpcs]
    else:
        answer["DelegationSet"] = {"NameServers": NAME_SERVERS}
    return answer


@operation("route53", "ListHostedZones")
def list_hosted_zones(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    home = everywhere(place)
    marker, size = request.get("Marker") or "", int(request.get("MaxItems") or PAGE_SIZE)
    rest = [zone for zone_id, zone in sorted(home.seen(HostedZone).items()) if zone_id >= marker]
    answer: dict[str, Any] = {
        "HostedZones": [zone_view(home, zone) for zone in rest[:size]],
        "Marker": marker,
        "IsTruncated": len(rest) > size,
        "MaxItems": str(size),
    }
    if len(rest) > size:
        answer["NextMarker"] = rest[size].id
    return answer


@operation("route53", "ListHostedZonesByName")
def list_hosted_zones_by_name(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    home = everywhere(place)
    size = int(request.get("MaxItems") or PAGE_SIZE)
    first = (by_label(full_name(request["DNSName"])) if request.get("DNSName") else [], _first_id(request))
    zones = sorted(home.seen(HostedZone).values(), key=lambda zone: (by_label(zone.name), zone.id))
    rest = [zone for zone in zones if (by_label(zone.name), zone.id) >= first]
    answer: dict[str, Any] = {
        "HostedZones": [zone_view(home, zone) for zone in rest[:size]],
        "IsTruncated": len(rest) > size,
        "MaxItems": str(size),
    }
    if len(rest) > size:
        answer |= {"NextDNSName": rest[size].name, "NextHostedZoneId": rest[size].id}
    return answer


@operation("route53", "GetHostedZoneCount")
def get_hosted_zone_count(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    return {"HostedZoneCount": len(everywhere(place).seen(HostedZone))}


@operation("route53", "DeleteHostedZone")
def delete_hosted_zone(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    home, zone = everywhere(place), find_zone(place, request["Id"])
    if zone_size(home, zone.id):
        raise AwsError("HostedZoneNotEmpty", "The hosted zone contains record sets other than NS and SOA")
    del home.table(HostedZone)[zone.id]
    return {"ChangeInfo": change_view(new_change(home, ""))}


def zone_view(home: Place, zone: HostedZone) -> dict[str, Any]:
    config: dict[str, Any] = {"PrivateZone": bool(zone.vpcs)}
    if zone.comment:
        config["Comment"] = zone.comment
    return {
        "Id": f"/hostedzone/{zone.id}",
        "Name": zone.name,
        "CallerReference": zone.caller_reference,
        "Config": config,
        "ResourceRecordSetCount": 2 + zone_size(home, zone.id),
    }


def _first_id(request: Mapping[str, Any]) -> str:
    return bare_id(request.get("HostedZoneId") or "")
