"""The account as AWS's own describe calls show it, for comparing it field by field before and after."""

from collections.abc import Callable
from functools import cache
from typing import Any

import boto3

# Changes by itself, or says when rather than what.
VOLATILE = {
    "ResponseMetadata",
    "LaunchTime",
    "StateTransitionReason",
    "StateReason",
    "UsageOperationUpdateTime",
    "AttachTime",
    "AvailableIpAddressCount",
    "LatestRestorableTime",
    "InstanceCreateTime",
    "DbiResourceId",
    "DBInstanceArn",
    "CreatedTime",
    "NextToken",
    "Marker",
    "IsTruncated",
    "MaxItems",
    "ResourceRecordSetCount",
    "StartTime",
}
# A Classic instance gets new addresses at every start (aws-facts A4).
ADDRESSES = {"PrivateIpAddress", "PublicIpAddress", "PrivateDnsName", "PublicDnsName", "DnsName", "PublicIp"}

Clients = Callable[[str], Any]

READS: dict[str, Callable[[Clients], Any]] = {
    "instances": lambda s: [
        i
        for r in s("ec2").describe_instances()["Reservations"]
        for i in r["Instances"]
        if i["State"]["Name"] != "terminated"
    ],
    "groups": lambda s: s("ec2").describe_security_groups()["SecurityGroups"],
    "addresses": lambda s: s("ec2").describe_addresses()["Addresses"],
    "volumes": lambda s: s("ec2").describe_volumes()["Volumes"],
    "snapshots": lambda s: s("ec2").describe_snapshots(OwnerIds=["self"])["Snapshots"],
    "images": lambda s: s("ec2").describe_images(Owners=["self"])["Images"],
    "links": lambda s: s("ec2").describe_classic_link_instances()["Instances"],
    "vpc_links": lambda s: s("ec2").describe_vpc_classic_link()["Vpcs"],
    "vpc_link_dns": lambda s: s("ec2").describe_vpc_classic_link_dns_support()["Vpcs"],
    "vpcs": lambda s: s("ec2").describe_vpcs()["Vpcs"],
    "subnets": lambda s: s("ec2").describe_subnets()["Subnets"],
    "route_tables": lambda s: s("ec2").describe_route_tables()["RouteTables"],
    "databases": lambda s: s("rds").describe_db_instances()["DBInstances"],
    "db_groups": lambda s: s("rds").describe_db_security_groups()["DBSecurityGroups"],
    "db_subnet_groups": lambda s: s("rds").describe_db_subnet_groups()["DBSubnetGroups"],
    "db_snapshots": lambda s: s("rds").describe_db_snapshots()["DBSnapshots"],
    "balancers": lambda s: s("elb").describe_load_balancers()["LoadBalancerDescriptions"],
    "records": lambda s: [
        record
        for zone in s("route53").list_hosted_zones()["HostedZones"]
        for record in s("route53").list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    ],
}


def account(session: boto3.Session) -> dict[str, Any]:
    """Everything there, without what changes by itself; lists sorted."""
    clients = _clients_of(session)
    return {name: _plain(read(clients)) for name, read in READS.items()}


@cache
def _clients_of(session: boto3.Session) -> Clients:
    """Making a client costs more than all its calls here."""
    make: Any = session.client
    return cache(make)


def _plain(value: Any, inside: str = "") -> Any:
    if isinstance(value, dict):
        dropped = VOLATILE | (ADDRESSES if "InstanceId" in value and "State" in value else set())
        return {key: _plain(inner, key) for key, inner in sorted(value.items()) if key not in dropped}
    if isinstance(value, list):
        return sorted((_plain(inner) for inner in value), key=repr)
    return value


def differences(before: Any, after: Any, path: str = "") -> list[str]:
    """Where two accounts differ, as paths with both values."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = sorted({*before, *after})
        return [line for key in keys for line in differences(before.get(key), after.get(key), f"{path}/{key}")]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [line for index, (one, other) in pairs for line in differences(one, other, f"{path}/{index}")]
    return [] if before == after else [f"{path}: {before!r} -> {after!r}"]
