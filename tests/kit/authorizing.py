"""What AWS asks IAM before it carries a call out: which action on which things, tagged how.

Worked out from the request and the account alone, and from nothing that steps declare.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore import xform_name
from botocore.loaders import create_loader

from app.execution.pacing import is_read
from sandbox.autoscaling.groups import AutoScalingGroup
from sandbox.cloudwatch.alarms import Alarm
from sandbox.ec2.groups import SecurityGroup
from sandbox.ec2.tags import tags_of
from sandbox.elb.load_balancers import LoadBalancer
from sandbox.rds.db_instances import DbInstance
from sandbox.rds.db_security_groups import DbSecurityGroup
from sandbox.rds.db_snapshots import DbSnapshot
from sandbox.rds.db_subnet_groups import DbSubnetGroup
from sandbox.world import Place
from tests.kit.iam import Request

ACCOUNT, REGION = "123456789012", "us-east-1"
PREFIX = {"elb": "elasticloadbalancing"}
# By service: the parameter that names a thing, and the end of the thing's ARN.
NAMES = {
    "ec2": {
        "InstanceId": "instance/{}",
        "InstanceIds": "instance/{}",
        "VpcId": "vpc/{}",
        "SubnetId": "subnet/{}",
        "GroupId": "security-group/{}",
        "Groups": "security-group/{}",
        "SecurityGroupRuleIds": "security-group-rule/{}",
        "VolumeId": "volume/{}",
        "SnapshotId": "snapshot/{}",
        "ImageId": "image/{}",
        "KeyName": "key-pair/{}",
        "InternetGatewayId": "internet-gateway/{}",
        "RouteTableId": "route-table/{}",
        "LaunchTemplateId": "launch-template/{}",
    },
    "rds": {
        "DBInstanceIdentifier": "db:{}",
        "SourceDBInstanceIdentifier": "db:{}",
        "DBSnapshotIdentifier": "snapshot:{}",
        "DBSubnetGroupName": "subgrp:{}",
        "DBSecurityGroupName": "secgrp:{}",
        "DBSecurityGroups": "secgrp:{}",
        "OptionGroupName": "og:{}",
        "DBParameterGroupName": "pg:{}",
    },
    "elb": {"LoadBalancerName": "loadbalancer/{}"},
    "autoscaling": {
        "AutoScalingGroupName": "autoScalingGroup:0-1:autoScalingGroupName/{}",
        "LaunchConfigurationName": "launchConfiguration:0-1:launchConfigurationName/{}",
    },
    "cloudwatch": {"AlarmName": "alarm:{}", "AlarmNames": "alarm:{}"},
    "route53": {"HostedZoneId": "hostedzone/{}"},
}
# EC2's actions on addresses are allowed as such, for whatever address.
UNNAMED = {f"ec2.{verb}_address" for verb in ("associate", "disassociate")}
UNNAMED |= {"ec2.move_address_to_vpc", "ec2.restore_address_to_classic"}
# A group is what is asked about, whatever launch configuration it is to use.
GROUP_ALONE = {"autoscaling.update_auto_scaling_group", "autoscaling.create_auto_scaling_group"}
UNTAGGED_PARTS = {"ec2.run_instances": ["network-interface/new"], "ec2.create_snapshots": ["volume/vol-1"]}
# Where the tags of a thing are kept, by the service and the first word of its ARN's end.
TABLES: Mapping[tuple[str, str], type[Any]] = {
    ("elasticloadbalancing", "loadbalancer"): LoadBalancer,
    ("autoscaling", "autoScalingGroup"): AutoScalingGroup,
    ("cloudwatch", "alarm"): Alarm,
    ("rds", "db"): DbInstance,
    ("rds", "snapshot"): DbSnapshot,
    ("rds", "secgrp"): DbSecurityGroup,
    ("rds", "subgrp"): DbSubnetGroup,
}
TAGGING = {
    "ec2": "ec2:CreateTags",
    "elb": "elasticloadbalancing:AddTags",
    "rds": "rds:AddTagsToResource",
    "autoscaling": "autoscaling:CreateOrUpdateTags",
    "cloudwatch": "cloudwatch:TagResource",
}


def asked(place: Place, operation: str, params: Mapping[str, Any]) -> list[Request]:
    """Every question that the call is, before it is made."""
    service, _, method = operation.partition(".")
    action = f"{PREFIX.get(service, service)}:{_operations(service)[method]}"
    context = {"aws:RequestedRegion": REGION}
    if is_read(operation) or operation in UNNAMED:
        return [Request(action, "*", context)]
    tags = {f"aws:RequestTag/{key}": value for key, value in _tags(params).items()}
    made = [arn(service, f"{each['ResourceType']}/new") for each in params.get("TagSpecifications", ())]
    made += [arn(service, end) for end in UNTAGGED_PARTS.get(operation, ())]
    named = [found for found in _named(service, params) if not (operation in GROUP_ALONE and "launchC" in found)]
    if service == "rds" and "ResourceName" in params:
        named.append(str(params["ResourceName"]))
    requests = [Request(action, each, {**context, **tags}) for each in made]
    requests += [Request(action, each, {**context, **tags, **known(place, each)}) for each in sorted(set(named))]
    if tags:
        created = [each for each in made if each.endswith("/new") and "network-interface" not in each]
        own = created or [each for each in named if each.endswith(_new_name(operation, params))]
        requests += [Request(TAGGING[service], each, {**context, **tags, **_by(action)}) for each in own]
    return requests + list(_besides(operation, params, context))


def _by(action: str) -> dict[str, str]:
    prefix, _, name = action.partition(":")
    return {f"{prefix}:CreateAction": name}


def _besides(operation: str, params: Mapping[str, Any], context: Mapping[str, str]) -> Iterator[Request]:
    """What is asked of IAM because the call makes something else be done."""
    if "FinalDBSnapshotIdentifier" in params:
        yield Request("rds:CreateDBSnapshot", arn("rds", f"snapshot:{params['FinalDBSnapshotIdentifier']}"), context)
    if operation == "autoscaling.create_auto_scaling_group":
        template = arn("ec2", f"launch-template/{params['LaunchTemplate']['LaunchTemplateId']}")
        yield Request("ec2:RunInstances", arn("ec2", "instance/new"), {**context, "ec2:LaunchTemplate": template})
    profile = params.get("LaunchTemplateData", params).get("IamInstanceProfile")
    if operation in ("ec2.run_instances", "ec2.create_launch_template") and profile:
        role = (profile.get("Arn") or profile["Name"]).rpartition("/")[2]
        passed = {**context, "iam:PassedToService": "ec2.amazonaws.com"}
        yield Request("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/{role}", passed)


def arn(service: str, end: str) -> str:
    region = "" if service == "route53" else REGION
    nobodys = service == "route53" or (service == "ec2" and end.startswith(("image/", "snapshot/")))
    return f"arn:aws:{PREFIX.get(service, service)}:{region}:{'' if nobodys else ACCOUNT}:{end}"


def known(place: Place, resource: str) -> dict[str, str]:
    """What IAM is told of a thing that is there: its tags, and a group's VPC."""
    service, end = resource.split(":", 5)[2], resource.split(":", 5)[5]
    name = end.rpartition("/")[2] if "/" in end else end.rpartition(":")[2]
    context = {f"aws:ResourceTag/{key}": value for key, value in _tags_of(place, service, end, name).items()}
    group = place.table(SecurityGroup).get(name) if end.startswith("security-group/") else None
    if group and group.vpc_id:
        context["ec2:Vpc"] = arn("ec2", f"vpc/{group.vpc_id}")
    return context


def _tags_of(place: Place, service: str, end: str, name: str) -> Mapping[str, str]:
    if service == "ec2":
        return tags_of(place, name)
    type_ = TABLES.get((service, end[: -len(name)].partition("/")[0].partition(":")[0]))
    thing: Any = place.table(type_).get(name) if type_ else None
    tags = thing.tags if thing else {}
    return {key: value if isinstance(value, str) else value.value for key, value in tags.items()}


def _tags(params: Mapping[str, Any]) -> dict[str, str]:
    pairs = [*params.get("Tags", ()), *(tag for each in params.get("TagSpecifications", ()) for tag in each["Tags"])]
    return {tag["Key"]: tag["Value"] for tag in pairs}


def _new_name(operation: str, params: Mapping[str, Any]) -> str:
    """Of what a call with tags makes: the first thing it names, but a snapshot is made of one."""
    keys = [key for key in params if key in NAMES[operation.partition(".")[0]]]
    key = "DBSnapshotIdentifier" if operation == "rds.create_db_snapshot" else keys[0] if keys else ""
    return str(params.get(key, "nothing"))


def _named(service: str, value: Any) -> Iterator[str]:
    """The ARNs of all that a request names, however deep."""
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _named(service, inner)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            pattern = NAMES[service].get(key)
            if pattern and key != "Tags" and not isinstance(inner, Mapping):
                names = [inner] if isinstance(inner, str) else inner
                yield from (arn(service, pattern.format(name)) for name in names if isinstance(name, str))
            elif key not in ("ChangeBatch", "IpPermissions", "LaunchTemplateData", "Instances", "LaunchTemplate"):
                yield from _named(service, inner)


@cache
def _operations(service: str) -> Mapping[str, str]:
    model = create_loader().load_service_model(service, "service-2")
    return {xform_name(name): name for name in model["operations"]}
