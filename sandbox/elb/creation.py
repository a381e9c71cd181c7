"""Making a Classic load balancer, in EC2-Classic or in a VPC."""

import re
from collections.abc import Mapping
from typing import Any

from sandbox.ec2.subnets import Subnet
from sandbox.ec2.vpcs import Vpc
from sandbox.elb.attributes import default_attributes
from sandbox.elb.health import watch_members
from sandbox.elb.listeners import add_listeners, read_listeners
from sandbox.elb.load_balancers import HealthCheck, LoadBalancer
from sandbox.elb.placement import Placement, in_groups, in_subnets, in_zones
from sandbox.elb.tags import merged_tags
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")


@operation("elb", "CreateLoadBalancer")
def create_load_balancer(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Zones make a Classic one where the account still has the platform, subnets one in their VPC.

    The name is unique per account and region and creating it again is refused, never adopted; the
    DNS name is new every time.
    """
    name = _checked_name(place, request["LoadBalancerName"])
    placement = _placement(place, request)
    if not request["Listeners"]:
        raise AwsError("ValidationError", "Listeners must contain at least one listener")
    listeners = read_listeners(request["Listeners"], placement.vpc_id is not None)
    scheme = _scheme(request.get("Scheme") or "internet-facing", placement)
    balancer = LoadBalancer(
        name=name,
        dns_name=_new_dns_name(place, name, scheme),
        scheme=scheme,
        vpc_id=placement.vpc_id,
        subnets=placement.subnets,
        zones=placement.zones,
        group_ids=placement.group_ids,
        listeners=[],
        health_check=HealthCheck(f"TCP:{listeners[0].instance_port}"),
        created=place.clock.now(),
        visible_at=place.visible_from_now(),
        attributes=default_attributes(),
        tags=merged_tags({}, request.get("Tags") or []),
    )
    add_listeners(balancer, listeners)
    place.table(LoadBalancer)[name] = balancer
    watch_members(place.world)
    place.changed()
    return {"DNSName": balancer.dns_name}


@operation("elb", "DescribeAccountLimits")
def describe_account_limits(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    limits = {
        "classic-load-balancers": place.limits.load_balancers,
        "classic-listeners": 100,
        "classic-registered-instances": 1000,
    }
    return {"Limits": [{"Name": name, "Max": str(most)} for name, most in limits.items()]}


def _checked_name(place: Place, name: str) -> str:
    if len(name) > 32:
        raise AwsError("ValidationError", "LoadBalancer name cannot be longer than 32 characters")
    if not _NAME.fullmatch(name):
        raise AwsError(
            "ValidationError",
            "LoadBalancer name must contain only alphanumeric characters or hyphens, "
            "and must not begin or end with a hyphen",
        )
    if name in place.table(LoadBalancer):
        raise AwsError("DuplicateLoadBalancerName", f"Load Balancer named {name} already exists")
    most = place.limits.load_balancers
    if len(place.table(LoadBalancer)) >= most:
        raise AwsError("TooManyLoadBalancers", f"Exceeded quota of account {place.account_id}: {most}")
    return name


def _placement(place: Place, request: Mapping[str, Any]) -> Placement:
    zones, subnet_ids = request.get("AvailabilityZones"), request.get("Subnets")
    if zones and subnet_ids:
        raise AwsError("ValidationError", "Only one of SubnetIds or AvailabilityZones parameter may be specified")
    if not zones and not subnet_ids:
        raise AwsError("ValidationError", "Either AvailabilityZones or SubnetIds must be specified")
    if zones and place.has_classic:
        if request.get("SecurityGroups"):
            raise AwsError("InvalidConfigurationRequest", "Security groups cannot be specified in EC2-Classic")
        return Placement(None, [], in_zones(place, zones), [])
    subnets = in_subnets(place, subnet_ids) if subnet_ids else _default_subnets(place, zones or [])
    vpc_id = subnets[0].vpc_id
    groups = in_groups(place, vpc_id, request.get("SecurityGroups") or [])
    return Placement(vpc_id, [one.id for one in subnets], [one.zone for one in subnets], groups)


def _default_subnets(place: Place, zones: list[str]) -> list[Subnet]:
    """Where there is no EC2-Classic, zones mean the default VPC's subnets in them."""
    defaults = {vpc.id for vpc in place.seen(Vpc).values() if vpc.is_default}
    by_zone = {one.zone: one for one in place.seen(Subnet).values() if one.vpc_id in defaults}
    wanted = in_zones(place, zones)
    if any(zone not in by_zone for zone in wanted):
        raise AwsError("InvalidSubnet", "Default subnet not found in the zones: name subnets instead")
    return [by_zone[zone] for zone in wanted]


def _scheme(scheme: str, placement: Placement) -> str:
    if scheme not in ("internet-facing", "internal"):
        raise AwsError("InvalidScheme", f"{scheme} is neither internet-facing nor internal")
    if scheme == "internal" and placement.vpc_id is None:
        raise AwsError("InvalidScheme", "Scheme internal needs a VPC: specify Subnets")
    return scheme


def _new_dns_name(place: Place, name: str, scheme: str) -> str:
    suffix = place.world.random.randrange(10**8, 10**10)
    prefix = "internal-" if scheme == "internal" else ""
    return f"{prefix}{name}-{suffix}.{place.region}.elb.amazonaws.com"
