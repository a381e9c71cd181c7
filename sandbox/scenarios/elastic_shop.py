"""The shop with its web tier as an Auto Scaling group of EC2-Classic."""

from typing import Any

import boto3

from sandbox.builder import Builder
from sandbox.scenarios._shop_account import BOOT, KEY, LINUX, PROFILE, Groups, open_shop, servers, services
from sandbox.scenarios._shop_services import APP
from sandbox.world import World

DESCRIPTION = "the web shop, its web servers an Auto Scaling group that alarms and a schedule change"

GROUP = {"AutoScalingGroupName": "web"}
CONFIGURATION = "web-2014"
TOPIC = "arn:aws:sns:us-east-1:123456789012:shop-scaling"


def build(session: boto3.Session, world: World) -> None:
    """Ends with every flow up and the group at its size."""
    builder = Builder(session, world)
    groups = open_shop(builder)
    linux = builder.image(LINUX)
    servers(builder, groups, linux)
    services(builder, groups, [])
    _group(builder, groups, linux)
    _scaling(builder)
    builder.wait(900)


def _group(builder: Builder, groups: Groups, linux: str) -> None:
    """Two to six web servers behind shop-web, three at first."""
    builder.call(
        "autoscaling",
        "CreateLaunchConfiguration",
        LaunchConfigurationName=CONFIGURATION,
        ImageId=linux,
        InstanceType="m3.medium",
        SecurityGroups=[groups.web],
        KeyName=KEY,
        IamInstanceProfile=PROFILE,
        UserData=BOOT,
        InstanceMonitoring={"Enabled": True},
        BlockDeviceMappings=[{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 20, "VolumeType": "gp2"}}],
    )
    tags = [_tag(key, value) for key, value in {"Name": "web", "role": "web", **APP}.items()]
    builder.call(
        "autoscaling",
        "CreateAutoScalingGroup",
        **GROUP,
        LaunchConfigurationName=CONFIGURATION,
        MinSize=2,
        DesiredCapacity=3,
        MaxSize=6,
        AvailabilityZones=["us-east-1a", "us-east-1b"],
        LoadBalancerNames=["shop-web"],
        HealthCheckType="ELB",
        HealthCheckGracePeriod=120,
        DefaultCooldown=180,
        TerminationPolicies=["OldestInstance"],
        Tags=[*tags, _tag("owner", "Kim", propagate=False)],
        LifecycleHookSpecificationList=[
            {
                "LifecycleHookName": "warm-caches",
                "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
                "HeartbeatTimeout": 60,
                "DefaultResult": "CONTINUE",
            }
        ],
    )


def _tag(key: str, value: str, *, propagate: bool = True) -> dict[str, Any]:
    return {
        "ResourceId": "web",
        "ResourceType": "auto-scaling-group",
        "Key": key,
        "Value": value,
        "PropagateAtLaunch": propagate,
    }


def _scaling(builder: Builder) -> None:
    """What changes the group's size, and who is told of it."""
    busy = [
        {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 20.0, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 20.0, "ScalingAdjustment": 2},
    ]
    _policy(builder, "web-out", busy, "web-busy", ("GreaterThanThreshold", 70.0, 2))
    idle = [{"MetricIntervalUpperBound": 0.0, "ScalingAdjustment": -1}]
    _policy(builder, "web-in", idle, "web-idle", ("LessThanThreshold", 20.0, 10))
    builder.call(
        "autoscaling",
        "PutScheduledUpdateGroupAction",
        **GROUP,
        ScheduledActionName="evening",
        Recurrence="0 18 * * *",
        MinSize=3,
    )
    builder.call(
        "autoscaling",
        "PutNotificationConfiguration",
        **GROUP,
        TopicARN=TOPIC,
        NotificationTypes=["autoscaling:EC2_INSTANCE_LAUNCH", "autoscaling:EC2_INSTANCE_TERMINATE"],
    )


def _policy(builder: Builder, name: str, steps: list[dict[str, Any]], alarm: str, when: tuple[str, float, int]) -> None:
    """A step policy, and the alarm that calls it: how it compares, with what, for how many minutes."""
    comparison, threshold, minutes = when
    made = builder.call(
        "autoscaling",
        "PutScalingPolicy",
        **GROUP,
        PolicyName=name,
        PolicyType="StepScaling",
        AdjustmentType="ChangeInCapacity",
        StepAdjustments=steps,
        EstimatedInstanceWarmup=180,
    )
    builder.call(
        "cloudwatch",
        "PutMetricAlarm",
        AlarmName=alarm,
        Namespace="AWS/EC2",
        MetricName="CPUUtilization",
        Dimensions=[{"Name": "AutoScalingGroupName", "Value": "web"}],
        Statistic="Average",
        Period=60,
        EvaluationPeriods=minutes,
        Threshold=threshold,
        ComparisonOperator=comparison,
        AlarmActions=[made["PolicyARN"]],
    )
