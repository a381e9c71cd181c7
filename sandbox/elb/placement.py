"""Where a load balancer stands: zones in EC2-Classic, subnets and security groups in a VPC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.ec2.groups import SecurityGroup
from sandbox.ec2.subnets import Subnet
from sandbox.elb.load_balancers import LoadBalancer, find_load_balancer
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

MOST_GROUPS = 5


@dataclass
class Placement:
    vpc_id: str | None
    subnets: list[str]
    zones: list[str]
    group_ids: list[str]


def in_zones(place: Place, zones: Sequence[str]) -> list[str]:
    """The zones a caller named, each once. Raises ValidationError for one that is not there."""
    for zone in zones:
        if zone not in place.zones:
            raise AwsError("ValidationError", f"The availability zone '{zone}' is not supported.")
    return list(dict.fromkeys(zones))


def in_subnets(place: Place, subnet_ids: Sequence[str]) -> list[Subnet]:
    """The subnets a caller named: of one VPC, and one in each zone."""
    subnets = []
    for subnet_id in dict.fromkeys(subnet_ids):
        subnet = place.seen(Subnet).get(subnet_id)
        if subnet is None:
            raise AwsError("SubnetNotFound", f"The subnet ID '{subnet_id}' does not exist")
        subnets.append(subnet)
    if len({subnet.vpc_id for subnet in subnets}) > 1:
        raise AwsError("InvalidConfigurationRequest", "All the subnets must be of the same VPC")
    if len({subnet.zone for subnet in subnets}) < len(subnets):
        raise AwsError(
            "InvalidConfigurationRequest",
            "A load balancer can be attached to one subnet in each Availability Zone",
        )
    return subnets


def in_groups(place: Place, vpc_id: str, group_ids: Sequence[str]) -> list[str]:
    """The VPC's groups a caller named; none means the VPC's default one."""
    if not group_ids:
        groups = place.table(SecurityGroup).values()
        return [one.id for one in groups if one.vpc_id == vpc_id and one.name == "default"]
    if len(group_ids) > MOST_GROUPS:
        raise AwsError("InvalidConfigurationRequest", f"At most {MOST_GROUPS} security groups")
    for group_id in group_ids:
        group = place.seen(SecurityGroup).get(group_id)
        if group is None or group.vpc_id != vpc_id:
            raise AwsError("InvalidSecurityGroup", f"Security group {group_id} does not exist in VPC {vpc_id}")
    return list(dict.fromkeys(group_ids))


@operation("elb", "EnableAvailabilityZonesForLoadBalancer")
def enable_zones(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    balancer = _classic(place, request)
    added = in_zones(place, request["AvailabilityZones"])
    balancer.zones += [zone for zone in added if zone not in balancer.zones]
    place.changed()
    return {"AvailabilityZones": list(balancer.zones)}


@operation("elb", "DisableAvailabilityZonesForLoadBalancer")
def disable_zones(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    balancer = _classic(place, request)
    left = [zone for zone in balancer.zones if zone not in request["AvailabilityZones"]]
    if not left:
        raise AwsError("InvalidConfigurationRequest", "A load balancer needs at least one zone")
    balancer.zones = left
    place.changed()
    return {"AvailabilityZones": list(left)}


@operation("elb", "AttachLoadBalancerToSubnets")
def attach_subnets(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    balancer = _in_vpc(place, request)
    subnets = in_subnets(place, [*balancer.subnets, *request["Subnets"]])
    if any(subnet.vpc_id != balancer.vpc_id for subnet in subnets):
        raise AwsError("InvalidSubnet", f"The subnets must be of {balancer.vpc_id}")
    _stand_in(balancer, subnets)
    place.changed()
    return {"Subnets": list(balancer.subnets)}


@operation("elb", "DetachLoadBalancerFromSubnets")
def detach_subnets(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    balancer = _in_vpc(place, request)
    left = [subnet for subnet in balancer.subnets if subnet not in request["Subnets"]]
    if not left:
        raise AwsError("InvalidConfigurationRequest", "A load balancer needs at least one subnet")
    table = place.table(Subnet)
    _stand_in(balancer, [table[subnet_id] for subnet_id in left])
    place.changed()
    return {"Subnets": left}


@operation("elb", "ApplySecurityGroupsToLoadBalancer")
def apply_groups(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    balancer = _in_vpc(place, request)
    balancer.group_ids = in_groups(place, str(balancer.vpc_id), request["SecurityGroups"])
    place.changed()
    return {"SecurityGroups": list(balancer.group_ids)}


def _stand_in(balancer: LoadBalancer, subnets: Sequence[Subnet]) -> None:
    balancer.subnets = [subnet.id for subnet in subnets]
    balancer.zones = [subnet.zone for subnet in subnets]


def _classic(place: Place, request: Mapping[str, Any]) -> LoadBalancer:
    balancer = find_load_balancer(place, request["LoadBalancerName"])
    if balancer.vpc_id is not None:
        raise AwsError("ValidationError", "Zones of a load balancer in a VPC change by attaching and detaching subnets")
    return balancer


def _in_vpc(place: Place, request: Mapping[str, Any]) -> LoadBalancer:
    balancer = find_load_balancer(place, request["LoadBalancerName"])
    if balancer.vpc_id is None:
        raise AwsError("InvalidConfigurationRequest", f"{balancer.name} is in EC2-Classic: this needs a VPC")
    return balancer
