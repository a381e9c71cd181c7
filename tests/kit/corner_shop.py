"""One of everything, and no more: small enough to be moved hundreds of times in a minute."""

from collections.abc import Sequence

import boto3

from app.planning.context import Target
from sandbox.builder import Builder
from sandbox.world import World
from tests.kit.bench import Bench

DAY = 86_400


def build(session: boto3.Session, world: World) -> None:
    """Two web servers and an Auto Scaling group of one behind a load balancer with a record, a database, and a lone
    box with an Elastic IP and a data volume that goes over itself."""
    builder = Builder(session, world)
    web = builder.group("web", "web servers")
    box = builder.group("box?", "a lone box")
    builder.let_in_load_balancers(web, 80)
    builder.let_in(web, 22, groups=[box])
    builder.let_in(box, 7000, groups=[web], cidrs=["198.51.100.0/24"])
    linux = builder.image("amzn2-ami-hvm-*")
    common = {"ImageId": linux, "InstanceType": "m3.medium", "Placement": {"AvailabilityZone": "us-east-1a"}}
    webs = builder.launch(["web-1", "web-2"], {"app": "corner"}, SecurityGroupIds=[web], UserData="echo hi", **common)
    data = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 120, "DeleteOnTermination": True}}
    lone = builder.launch(["lone"], {"app": "corner"}, SecurityGroupIds=[box], BlockDeviceMappings=[data], **common)[0]
    builder.wait(120)
    address = builder.call("ec2", "AllocateAddress", Domain="standard")["PublicIp"]
    builder.call("ec2", "AssociateAddress", InstanceId=lone, PublicIp=address)
    _balancer(builder, webs)
    _crew(builder, web, linux)
    database(builder, [web])
    _, subnets = builder.network(
        "target", "172.20.0.0/16", {"us-east-1a": "172.20.1.0/24", "us-east-1b": "172.20.2.0/24"}
    )
    builder.call(
        "rds", "CreateDBSubnetGroup", DBSubnetGroupName="landing", DBSubnetGroupDescription="x", SubnetIds=subnets
    )
    builder.wait(DAY + 3_600)


def _balancer(builder: Builder, webs: list[str]) -> None:
    name = {"LoadBalancerName": "front"}
    listener = {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}
    builder.call("elb", "CreateLoadBalancer", **name, AvailabilityZones=["us-east-1a"], Listeners=[listener])
    check = {"Target": "TCP:80", "Interval": 10, "Timeout": 5, "HealthyThreshold": 3, "UnhealthyThreshold": 2}
    builder.call("elb", "ConfigureHealthCheck", **name, HealthCheck=check)
    builder.call("elb", "RegisterInstancesWithLoadBalancer", **name, Instances=[{"InstanceId": one} for one in webs])
    builder.wait(300)
    found = builder.call("elb", "DescribeLoadBalancers")["LoadBalancerDescriptions"][0]
    zone = builder.call("route53", "CreateHostedZone", Name="corner.example.", CallerReference="1")["HostedZone"]["Id"]
    record = {
        "Name": "www.corner.example.",
        "Type": "CNAME",
        "TTL": 300,
        "ResourceRecords": [{"Value": found["DNSName"]}],
    }
    change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    builder.call("route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch=change)


def _crew(builder: Builder, group: str, image: str) -> None:
    """One web server more, of one to three, by an alarm and a schedule."""
    builder.call(
        "autoscaling",
        "CreateLaunchConfiguration",
        LaunchConfigurationName="crew-1",
        ImageId=image,
        InstanceType="m3.medium",
        SecurityGroups=[group],
        UserData="echo crew",
        BlockDeviceMappings=[{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 10}}],
    )
    crew = {"AutoScalingGroupName": "crew"}
    builder.call(
        "autoscaling",
        "CreateAutoScalingGroup",
        **crew,
        LaunchConfigurationName="crew-1",
        MinSize=1,
        MaxSize=3,
        AvailabilityZones=["us-east-1a"],
        LoadBalancerNames=["front"],
        NewInstancesProtectedFromScaleIn=True,
        Tags=[{"Key": "app", "Value": "corner", "PropagateAtLaunch": True}],
    )
    policy = builder.call(
        "autoscaling",
        "PutScalingPolicy",
        **crew,
        PolicyName="out",
        AdjustmentType="ChangeInCapacity",
        ScalingAdjustment=1,
    )
    builder.call(
        "cloudwatch",
        "PutMetricAlarm",
        AlarmName="crew-busy",
        Namespace="AWS/EC2",
        MetricName="CPUUtilization",
        Dimensions=[{"Name": "AutoScalingGroupName", "Value": "crew"}],
        Statistic="Average",
        Period=60,
        EvaluationPeriods=2,
        Threshold=70.0,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[policy["PolicyARN"]],
    )
    builder.call(
        "autoscaling",
        "PutScheduledUpdateGroupAction",
        **crew,
        ScheduledActionName="evening",
        Recurrence="0 18 * * *",
        MinSize=1,
    )
    builder.wait(300)


def database(builder: Builder, callers: Sequence[str], name: str = "main", group_name: str = "data") -> None:
    """A small MySQL called `name`, which the groups `callers` may call."""
    group = {"DBSecurityGroupName": group_name}
    owner = builder.call("sts", "GetCallerIdentity")["Account"]
    builder.call("rds", "CreateDBSecurityGroup", **group, DBSecurityGroupDescription="x")
    for caller in callers:
        builder.call(
            "rds",
            "AuthorizeDBSecurityGroupIngress",
            **group,
            EC2SecurityGroupId=caller,
            EC2SecurityGroupOwnerId=owner,
        )
    builder.call(
        "rds",
        "CreateDBInstance",
        DBInstanceIdentifier=name,
        Engine="mysql",
        DBInstanceClass="db.m3.medium",
        AllocatedStorage=20,
        MasterUsername="shop",
        MasterUserPassword="made-up-and-never-checked",
        AvailabilityZone="us-east-1a",
        DBSecurityGroups=[group_name],
    )
    builder.wait(1_800)


def bench() -> tuple[Bench, Target]:
    """A world with the corner shop in it, and where it should go."""
    made = Bench()
    build(made.boto, made.world)
    return made, target_of(made)


def target_of(bench: Bench) -> Target:
    """The prepared VPC of a world: its subnets by zone, and its DB subnet group."""
    return bench.target()
