"""Where a launch lands: in EC2-Classic or a VPC, which zone, subnet and groups, with which addresses."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.ec2.groups import SecurityGroup, default_group, find_group, find_group_by_name
from sandbox.ec2.subnets import Subnet, find_subnet
from sandbox.ec2.vpcs import Vpc
from sandbox.errors import AwsError
from sandbox.world import Place


@dataclass(frozen=True)
class Landing:
    """`subnet` None means EC2-Classic."""

    zone: str
    subnet: Subnet | None
    group_ids: list[str]
    gives_public_ip: bool
    private_ip: str | None = None  # the one asked for
    tenancy: str = "default"

    @property
    def vpc_id(self) -> str | None:
        return self.subnet.vpc_id if self.subnet else None


def find_landing(place: Place, request: Mapping[str, Any]) -> Landing:
    """Raises AWS's refusals of a zone, subnet or group that does not exist or does not fit the platform."""
    zone = (request.get("Placement") or {}).get("AvailabilityZone")
    if zone is not None and zone not in place.zones:
        raise AwsError("InvalidParameterValue", f"Invalid availability zone: [{zone}]")
    interface = _interface(request)
    subnet_id = interface.get("SubnetId") or request.get("SubnetId")
    if subnet_id is None and place.has_classic and not interface:
        return _in_classic(place, request, zone)
    subnet = find_subnet(place, subnet_id) if subnet_id else _default_subnet(place, zone)
    if zone is not None and zone != subnet.zone:
        raise AwsError("InvalidParameterValue", f"The availability zone {zone} is not that of {subnet.id}")
    return _in_vpc(place, request, subnet, interface)


def _interface(request: Mapping[str, Any]) -> Mapping[str, Any]:
    interfaces = request.get("NetworkInterfaces") or []
    if not interfaces:
        return {}
    if len(interfaces) > 1 or interfaces[0].get("NetworkInterfaceId"):
        raise AwsError("UnsupportedOperation", "The sandbox launches with one new network interface only.")
    if request.get("SubnetId") or request.get("SecurityGroupIds") or request.get("SecurityGroups"):
        raise AwsError(
            "InvalidParameterCombination",
            "Network interfaces and an instance-level subnet ID or security groups may not be specified on "
            "the same request",
        )
    found: Mapping[str, Any] = interfaces[0]
    return found


def _in_classic(place: Place, request: Mapping[str, Any], zone: str | None) -> Landing:
    if request.get("PrivateIpAddress"):
        raise AwsError("InvalidParameterCombination", "The parameter privateIpAddress can only be used with a subnet")
    groups = [find_group_by_name(place, name) for name in request.get("SecurityGroups") or ()]
    groups += [find_group(place, group_id) for group_id in request.get("SecurityGroupIds") or ()]
    if any(group.vpc_id for group in groups):
        raise AwsError("InvalidParameterCombination", "VPC security groups may not be used for a non-VPC launch")
    chosen = _unique(groups) or [default_group(place, None).id]
    return Landing(zone or place.world.random.choice(place.zones), None, chosen, True)


def _default_subnet(place: Place, zone: str | None) -> Subnet:
    for subnet in place.seen(Subnet).values():
        if subnet.default_for_zone and zone in (None, subnet.zone):
            return subnet
    raise AwsError("MissingInput", "No subnets found for the default VPC. Please specify a subnet.")


def _in_vpc(place: Place, request: Mapping[str, Any], subnet: Subnet, interface: Mapping[str, Any]) -> Landing:
    if request.get("SecurityGroups") and request.get("SubnetId"):
        raise AwsError(
            "InvalidParameterCombination", "The parameter groupName cannot be used with the parameter subnet"
        )
    ids = [*(interface.get("Groups") or ()), *(request.get("SecurityGroupIds") or ())]
    groups = groups_of_vpc(place, subnet.vpc_id, ids)
    groups += [find_group_by_name(place, name, subnet.vpc_id).id for name in request.get("SecurityGroups") or ()]
    vpc = place.table(Vpc)[subnet.vpc_id]
    tenancy = (request.get("Placement") or {}).get("Tenancy", "default")
    return Landing(
        zone=subnet.zone,
        subnet=subnet,
        group_ids=groups or [default_group(place, subnet.vpc_id).id],
        gives_public_ip=bool(interface.get("AssociatePublicIpAddress", subnet.map_public_ip)),
        private_ip=interface.get("PrivateIpAddress") or request.get("PrivateIpAddress"),
        tenancy=vpc.tenancy if tenancy == "default" else tenancy,
    )


def groups_of_vpc(place: Place, vpc_id: str, group_ids: Iterable[str]) -> list[str]:
    """Ids of groups, each once. Raises InvalidGroup.NotFound for one of Classic or another VPC (they are
    identified within their VPC), SecurityGroupsPerInterfaceLimitExceeded (aws-facts A2)."""
    groups = [find_group(place, group_id) for group_id in group_ids]
    for group in groups:
        if group.vpc_id != vpc_id:
            raise AwsError("InvalidGroup.NotFound", f"The security group '{group.id}' does not exist in VPC '{vpc_id}'")
    chosen = _unique(groups)
    if len(chosen) > place.limits.groups_per_interface:
        raise AwsError(
            "SecurityGroupsPerInterfaceLimitExceeded",
            "The maximum number of security groups per interface has been reached.",
        )
    return chosen


def _unique(groups: Iterable[SecurityGroup]) -> list[str]:
    return list(dict.fromkeys(group.id for group in groups))
