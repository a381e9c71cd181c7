"""What the corner shop has not: the rarer things that steps have to do something else for."""

from collections.abc import Mapping
from typing import Any

import boto3

from sandbox.builder import Builder
from sandbox.world import World
from tests.kit.corner_shop import DAY, database

ZONES = {"us-east-1a": "172.20.1.0/24", "us-east-1b": "172.20.2.0/24"}


def build(session: boto3.Session, world: World) -> None:
    """A web server with an Elastic IP behind a load balancer that speaks the proxy protocol, a stopped box, one with
    a disk that is long in copying, a name that leads to an instance itself, a database with a read replica, one with
    a standby and options of its own, and an Auto Scaling group whose metrics are collected."""
    builder = Builder(session, world)
    group = builder.group("odd", "odd things")
    builder.let_in(group, 80, cidrs=["0.0.0.0/0"])
    common = {
        "ImageId": builder.image("amzn2-ami-hvm-*"),
        "InstanceType": "m3.medium",
        "SecurityGroupIds": [group],
        "Placement": {"AvailabilityZone": "us-east-1a"},
    }
    web, stopped, named = builder.launch(["web", "stopped", "named"], {"app": "odd"}, **common)
    root = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 2_000, "DeleteOnTermination": True}}
    disk = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 20, "DeleteOnTermination": False}}
    builder.launch(["large"], {"app": "odd"}, BlockDeviceMappings=[root, disk], **common)
    builder.wait(300)
    address = builder.call("ec2", "AllocateAddress", Domain="standard")["PublicIp"]
    builder.call("ec2", "AssociateAddress", InstanceId=web, PublicIp=address)
    builder.call("ec2", "StopInstances", InstanceIds=[stopped])
    _balancer(builder, web)
    _group(builder, common)
    _record(builder, named)
    _databases(builder, group)
    _, subnets = builder.network("target", "172.20.0.0/16", ZONES)
    landing = {"DBSubnetGroupName": "landing", "DBSubnetGroupDescription": "x"}
    builder.call("rds", "CreateDBSubnetGroup", **landing, SubnetIds=subnets)
    builder.wait(DAY + 3_600)


def _balancer(builder: Builder, member: str) -> None:
    name = {"LoadBalancerName": "odd"}
    listener = {"Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 80}
    builder.call("elb", "CreateLoadBalancer", **name, AvailabilityZones=["us-east-1a"], Listeners=[listener])
    policy = {"PolicyName": "proxied", "PolicyTypeName": "ProxyProtocolPolicyType"}
    attributes = [{"AttributeName": "ProxyProtocol", "AttributeValue": "true"}]
    builder.call("elb", "CreateLoadBalancerPolicy", **name, **policy, PolicyAttributes=attributes)
    builder.call("elb", "SetLoadBalancerPoliciesForBackendServer", **name, InstancePort=80, PolicyNames=["proxied"])
    builder.call("elb", "RegisterInstancesWithLoadBalancer", **name, Instances=[{"InstanceId": member}])
    builder.wait(300)


def _group(builder: Builder, common: Mapping[str, Any]) -> None:
    configuration = {"LaunchConfigurationName": "odd-1", "SecurityGroups": common["SecurityGroupIds"]}
    launched = {key: common[key] for key in ("ImageId", "InstanceType")}
    builder.call("autoscaling", "CreateLaunchConfiguration", **configuration, **launched)
    name = {"AutoScalingGroupName": "odd"}
    sizes = {"MinSize": 1, "MaxSize": 1, "AvailabilityZones": ["us-east-1a"]}
    builder.call("autoscaling", "CreateAutoScalingGroup", **name, **sizes, LaunchConfigurationName="odd-1")
    builder.call("autoscaling", "EnableMetricsCollection", **name, Granularity="1Minute")
    builder.wait(300)


def _record(builder: Builder, instance: str) -> None:
    found = builder.call("ec2", "DescribeInstances", InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    zone = builder.call("route53", "CreateHostedZone", Name="odd.example.", CallerReference="1")["HostedZone"]["Id"]
    value = {"TTL": 300, "ResourceRecords": [{"Value": found["PublicIpAddress"]}]}
    record = {"Name": "one.odd.example.", "Type": "A", **value}
    change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    builder.call("route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch=change)


def _databases(builder: Builder, caller: str) -> None:
    database(builder, [caller])
    changes = {"BackupRetentionPeriod": 1, "ApplyImmediately": True}
    builder.call("rds", "ModifyDBInstance", DBInstanceIdentifier="main", **changes)
    builder.wait(600)
    replica = {"DBInstanceIdentifier": "reports", "SourceDBInstanceIdentifier": "main"}
    builder.call("rds", "CreateDBInstanceReadReplica", **replica)
    builder.wait(1_800)
    database(builder, [caller], "twofold", "data-2")
    [twofold] = builder.call("rds", "DescribeDBInstances", DBInstanceIdentifier="twofold")["DBInstances"]
    engine = {"EngineName": "mysql", "MajorEngineVersion": ".".join(twofold["EngineVersion"].split(".")[:2])}
    builder.call("rds", "CreateOptionGroup", OptionGroupName="odd", OptionGroupDescription="x", **engine)
    now = {"ApplyImmediately": True}
    builder.call("rds", "ModifyDBInstance", DBInstanceIdentifier="twofold", MultiAZ=True, OptionGroupName="odd", **now)
    builder.wait(1_800)
