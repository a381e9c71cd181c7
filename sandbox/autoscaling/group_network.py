"""Where a group is: zones of EC2-Classic, or subnets of one VPC."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.ec2.subnets import Subnet
from sandbox.errors import AwsError
from sandbox.world import Place


@dataclass(frozen=True)
class Network:
    """`vpc` is None in EC2-Classic. aws-facts A0"""

    zones: list[str]
    subnets: list[str]
    vpc: str | None


def asked_network(place: Place, request: Mapping[str, Any]) -> Network | None:
    """What AvailabilityZones and VPCZoneIdentifier name; None where a request has neither.

    Raises ValidationError.
    """
    zones = list(dict.fromkeys(request.get("AvailabilityZones") or ()))
    ids = [one.strip() for one in (request.get("VPCZoneIdentifier") or "").split(",") if one.strip()]
    if unknown := [zone for zone in zones if zone not in place.zones]:
        raise AwsError("ValidationError", f"Invalid availability zones: [{', '.join(unknown)}]")
    if ids:
        return _in_subnets(place, list(dict.fromkeys(ids)), zones)
    if not zones:
        return None
    if place.has_classic:
        return Network(zones, [], None)
    defaults = {one.zone: one.id for one in place.seen(Subnet).values() if one.default_for_zone}
    if any(zone not in defaults for zone in zones):
        raise AwsError("ValidationError", "No default subnet for the availability zones: specify VPCZoneIdentifier")
    return _in_subnets(place, [defaults[zone] for zone in zones], zones)


def _in_subnets(place: Place, ids: list[str], zones: list[str]) -> Network:
    table = place.seen(Subnet)
    for one in ids:
        if one not in table:
            raise AwsError("ValidationError", f"The subnet ID '{one}' does not exist")
    subnets = [table[one] for one in ids]
    if len({subnet.vpc_id for subnet in subnets}) > 1:
        raise AwsError("ValidationError", "The subnets of a group must be in the same VPC")
    found = list(dict.fromkeys(subnet.zone for subnet in subnets))
    if zones and set(zones) != set(found):
        raise AwsError(
            "ValidationError",
            "The availability zones of the specified subnets and the AutoScalingGroup do not match",
        )
    return Network(found, ids, subnets[0].vpc_id)
