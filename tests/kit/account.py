"""The account as AWS's own describe calls show it, for comparing it field by field before and after."""

from collections.abc import Callable, Mapping
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
    "Time",  # the same, of a scheduled action: when it comes next
    "StateValue",
    "StateReasonData",
    "StateUpdatedTimestamp",
    "StateTransitionedTimestamp",
    "AlarmConfigurationUpdatedTimestamp",
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
    "scaling_groups": lambda s: s("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"],
    "launch_configurations": lambda s: s("autoscaling").describe_launch_configurations()["LaunchConfigurations"],
    "scaling_policies": lambda s: s("autoscaling").describe_policies()["ScalingPolicies"],
    "scheduled_actions": lambda s: s("autoscaling").describe_scheduled_actions()["ScheduledUpdateGroupActions"],
    "notifications": lambda s: s("autoscaling").describe_notification_configurations()["NotificationConfigurations"],
    "alarms": lambda s: s("cloudwatch").describe_alarms()["MetricAlarms"],
    "launch_templates": lambda s: s("ec2").describe_launch_templates()["LaunchTemplates"],
    "records": lambda s: [
        record
        for zone in s("route53").list_hosted_zones()["HostedZones"]
        for record in s("route53").list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    ],
}


def account(session: boto3.Session | Clients) -> dict[str, Any]:
    """Everything there, without what changes by itself; lists sorted.

    Members of Auto Scaling groups come and go: each is shown in its group alone, and elsewhere stands for any."""
    clients = _clients_of(session) if isinstance(session, boto3.Session) else session
    raw = {name: read(clients) for name, read in READS.items()}
    members = _members(clients)
    raw["instances"] = [each for each in raw["instances"] if each["InstanceId"] not in members]
    raw["volumes"] = [each for each in raw["volumes"] if not _is_members(each, members)]
    for group in raw["scaling_groups"]:
        wanted = ("LifecycleState", "HealthStatus", "ProtectedFromScaleIn")
        group["Instances"] = [{key: each.get(key) for key in wanted} for each in group["Instances"]]
    return {name: _plain(_anonymous(found, members)) for name, found in raw.items()}


def _members(clients: Clients) -> dict[str, str]:
    """What members of Auto Scaling groups, also late ones, are called here."""
    return {
        item["InstanceId"]: f"a member of {tag['Value']}"
        for each in clients("ec2").describe_instances()["Reservations"]
        for item in each["Instances"]
        for tag in item.get("Tags", ())
        if tag["Key"] == "aws:autoscaling:groupName"
    }


def _is_members(volume: dict[str, Any], members: Mapping[str, str]) -> bool:
    return any(each["InstanceId"] in members for each in volume["Attachments"])


def _anonymous(value: Any, members: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _anonymous(inner, members) for key, inner in value.items()}
    if isinstance(value, list):
        return [_anonymous(inner, members) for inner in value]
    return members.get(value, value) if isinstance(value, str) else value


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
