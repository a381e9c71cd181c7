"""What must be the same of a source and its counterpart, field by field, read by AWS's own describe calls."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3

ATTRIBUTES = {
    "userData": "UserData",
    "disableApiTermination": "DisableApiTermination",
    "instanceInitiatedShutdownBehavior": "InstanceInitiatedShutdownBehavior",
}
OWN_TAGS = "landbridge:"
ELB_OWNER = "amazon-elb"
# What belongs to the platform, or to the moment, and not to the database.
DATABASE_OTHERWISE = {
    "DBInstanceStatus",
    "DBSubnetGroup",
    "VpcSecurityGroups",
    "DBSecurityGroups",
    "LatestRestorableTime",
    "InstanceCreateTime",
}

Fields = dict[str, Any]
# Protocol, ports, source: an address range, a group's id, or ELB_OWNER.
Rule = tuple[str, int | None, int | None, str]


@dataclass(frozen=True)
class Picture:
    """Everything to be compared, by id (load balancers and databases by name, records by name and type)."""

    instances: Mapping[str, Fields]
    members_of: Mapping[str, frozenset[str]]  # instance -> its groups
    rules: Mapping[str, frozenset[Rule]]
    balancers: Mapping[str, Fields]
    behind: Mapping[str, frozenset[str]]  # load balancer -> its instances
    balancer_groups: Mapping[str, frozenset[str]]
    databases: Mapping[str, Fields]
    database_groups: Mapping[str, frozenset[str]]
    records: Mapping[tuple[str, str], Fields]
    addresses: Mapping[str, Fields]
    names: Mapping[str, str]  # DNS name -> load balancer
    default_group: str  # the id of EC2-Classic's own


def picture(session: boto3.Session) -> Picture:
    ec2: Any = session.client("ec2")
    items = _instances(session)
    volumes = {volume["VolumeId"]: volume for volume in ec2.describe_volumes()["Volumes"]}
    balancers = session.client("elb").describe_load_balancers()["LoadBalancerDescriptions"]
    databases = session.client("rds").describe_db_instances()["DBInstances"]
    return Picture(
        instances={item["InstanceId"]: _instance(ec2, item, volumes) for item in items},
        members_of={item["InstanceId"]: _ids(item["SecurityGroups"], "GroupId") for item in items},
        rules=_rules(session),
        balancers={item["LoadBalancerName"]: _balancer(session, item) for item in balancers},
        behind={item["LoadBalancerName"]: _ids(item["Instances"], "InstanceId") for item in balancers},
        balancer_groups={item["LoadBalancerName"]: frozenset(item["SecurityGroups"]) for item in balancers},
        databases={item["DBInstanceIdentifier"]: _database(item) for item in databases},
        database_groups={
            item["DBInstanceIdentifier"]: _ids(item["VpcSecurityGroups"], "VpcSecurityGroupId") for item in databases
        },
        records=_records(session),
        addresses={item["PublicIp"]: item for item in ec2.describe_addresses()["Addresses"]},
        names={item["DNSName"].lower(): item["LoadBalancerName"] for item in balancers},
        default_group=_default_group(session),
    )


def _instances(session: boto3.Session) -> list[Fields]:
    pages = session.client("ec2").get_paginator("describe_instances").paginate()
    items = [item for page in pages for each in page["Reservations"] for item in each["Instances"]]
    return [dict(item) for item in items if item["State"]["Name"] not in ("shutting-down", "terminated")]


def _instance(ec2: Any, item: Fields, volumes: Mapping[str, Fields]) -> Fields:
    return {
        "type": item["InstanceType"],
        "zone": item["Placement"]["AvailabilityZone"],
        "profile": item.get("IamInstanceProfile", {}).get("Arn"),
        "key": item.get("KeyName"),
        "tags": own_tags(item.get("Tags", ())),
        "monitoring": item["Monitoring"]["State"],
        "ebs_optimized": item["EbsOptimized"],
        "platform": item.get("Platform"),
        "architecture": item["Architecture"],
        "virtualization": item["VirtualizationType"],
        "root": (item["RootDeviceType"], item["RootDeviceName"]),
        "devices": _devices(item, volumes),
        **_attributes(ec2, item["InstanceId"]),
    }


def _devices(item: Fields, volumes: Mapping[str, Fields]) -> Fields:
    found = {}
    for mapping in item["BlockDeviceMappings"]:
        volume = volumes[mapping["Ebs"]["VolumeId"]]
        about = {key: volume.get(key) for key in ("Size", "VolumeType", "Iops", "Encrypted")}
        found[mapping["DeviceName"]] = {**about, "goes_with_it": mapping["Ebs"]["DeleteOnTermination"]}
    return found


def _attributes(ec2: Any, instance_id: str) -> Fields:
    return {
        name: ec2.describe_instance_attribute(InstanceId=instance_id, Attribute=name)[field].get("Value")
        for name, field in ATTRIBUTES.items()
    }


def _rules(session: boto3.Session) -> dict[str, frozenset[Rule]]:
    groups = session.client("ec2").describe_security_groups()["SecurityGroups"]
    return {group["GroupId"]: frozenset(_rows(group["IpPermissions"])) for group in groups}


def _default_group(session: boto3.Session) -> str:
    groups = session.client("ec2").describe_security_groups()["SecurityGroups"]
    return next(str(each["GroupId"]) for each in groups if each["GroupName"] == "default" and not each.get("VpcId"))


def _rows(permissions: Iterable[Mapping[str, Any]]) -> Iterable[Rule]:
    for permission in permissions:
        sources = [each["CidrIp"] for each in permission.get("IpRanges", ())]
        sources += [each["CidrIpv6"] for each in permission.get("Ipv6Ranges", ())]
        for pair in permission.get("UserIdGroupPairs", ()):
            sources.append(ELB_OWNER if pair.get("UserId") == ELB_OWNER else pair["GroupId"])
        for source in sources:
            yield permission["IpProtocol"], permission.get("FromPort"), permission.get("ToPort"), source


def _balancer(session: boto3.Session, item: Fields) -> Fields:
    elb: Any = session.client("elb")
    name = item["LoadBalancerName"]
    policies = elb.describe_load_balancer_policies(LoadBalancerName=name)["PolicyDescriptions"]
    tags = elb.describe_tags(LoadBalancerNames=[name])["TagDescriptions"][0]["Tags"]
    return {
        "listeners": sorted(item["ListenerDescriptions"], key=lambda each: int(each["Listener"]["LoadBalancerPort"])),
        "policies": sorted(policies, key=lambda policy: str(policy["PolicyName"])),
        "health_check": item["HealthCheck"],
        "attributes": elb.describe_load_balancer_attributes(LoadBalancerName=name)["LoadBalancerAttributes"],
        "zones": sorted(item["AvailabilityZones"]),
        "scheme": item["Scheme"],
        "tags": own_tags(tags),
    }


def _database(item: Fields) -> Fields:
    kept = {key: value for key, value in item.items() if key not in DATABASE_OTHERWISE}
    return {**kept, "TagList": own_tags(item.get("TagList", ()))}


def _records(session: boto3.Session) -> dict[tuple[str, str], Fields]:
    route53: Any = session.client("route53")
    return {
        (record["Name"], record["Type"]): record
        for zone in route53.list_hosted_zones()["HostedZones"]
        for record in route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    }


def own_tags(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Without those that say who made it."""
    return {tag["Key"]: tag["Value"] for tag in tags if not tag["Key"].startswith(OWN_TAGS)}


def _ids(items: Iterable[Mapping[str, Any]], key: str) -> frozenset[str]:
    return frozenset(str(item[key]) for item in items)
