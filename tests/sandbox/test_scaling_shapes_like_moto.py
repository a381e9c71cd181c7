"""What scales and what launches have the shapes that moto's have: templates, alarms, policies, scheduled actions."""

from typing import Any

import pytest

from tests.sandbox.test_shapes_like_moto import Story, Teller, by_moto, by_sandbox

ALARM = ".MetricAlarms[]"
POLICY = ".ScalingPolicies[]"
ACTION = ".ScheduledUpdateGroupActions[]"

# What AWS answers and moto leaves out …
MOTO_OMITS: dict[str, tuple[str, ...]] = {
    "ec2.delete_launch_template": tuple(
        f".LaunchTemplate.{name}" for name in ("CreateTime", "CreatedBy", "LatestVersionNumber", "Tags")
    ),
    **dict.fromkeys(
        ("cloudwatch.describe_alarms", "cloudwatch.describe_alarms_for_metric"),
        (f"{ALARM}.StateTransitionedTimestamp",),
    ),
    "autoscaling.put_scaling_policy": (".PolicyARN", ".Alarms"),
    "autoscaling.describe_policies": (f"{POLICY}.Enabled", f"{POLICY}.Alarms"),
    "autoscaling.describe_scheduled_actions": tuple(
        f"{ACTION}.{name}" for name in ("ScheduledActionARN", "StartTime", "Time")
    ),
}
# … and what moto says of things that have none: an alarm on one metric has no list of metrics, and one that
# was never in another state nothing to say of why.
MOTO_INVENTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("cloudwatch.describe_alarms", "cloudwatch.describe_alarms_for_metric"),
        (f"{ALARM}.Metrics", f"{ALARM}.StateReasonData"),
    ),
}


def templates(call: Teller) -> None:
    data: dict[str, Any] = {
        "InstanceType": "m5.large",
        "SecurityGroupIds": ["sg-12345678"],
        "BlockDeviceMappings": [{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 8, "VolumeType": "gp2"}}],
        "Monitoring": {"Enabled": True},
        "UserData": "ZWNobw==",
    }
    tags = [{"ResourceType": "launch-template", "Tags": [{"Key": "team", "Value": "red"}]}]
    made = call(
        "ec2", "create_launch_template", LaunchTemplateName="web", LaunchTemplateData={"InstanceType": "t2.micro"}
    )
    web = {"LaunchTemplateId": made["LaunchTemplate"]["LaunchTemplateId"]}
    call("ec2", "create_launch_template_version", **web, LaunchTemplateData=data, VersionDescription="two")
    call("ec2", "describe_launch_template_versions", **web, Versions=["$Latest"])
    call("ec2", "describe_launch_templates", LaunchTemplateNames=["web"])
    call("ec2", "modify_launch_template", **web, DefaultVersion="2")
    call("ec2", "delete_launch_template", **web)
    call("ec2", "create_launch_template", LaunchTemplateName="app", LaunchTemplateData=data, TagSpecifications=tags)


def alarms(call: Teller) -> None:
    metric = {
        "Namespace": "AWS/EC2",
        "MetricName": "CPUUtilization",
        "Dimensions": [{"Name": "InstanceId", "Value": "i-1"}],
    }
    call(
        "cloudwatch", "put_metric_alarm", **metric, AlarmName="busy", AlarmDescription="b", Statistic="Average",
        Period=60, EvaluationPeriods=2, DatapointsToAlarm=1, Threshold=70, TreatMissingData="breaching", Unit="Percent",
        ComparisonOperator="GreaterThanThreshold", AlarmActions=["arn:aws:sns:us-east-1:123456789012:ops"],
        Tags=[{"Key": "team", "Value": "red"}],
    )  # fmt: skip
    found = call("cloudwatch", "describe_alarms", AlarmNames=["busy"])["MetricAlarms"][0]
    call("cloudwatch", "describe_alarms_for_metric", **metric)
    call("cloudwatch", "set_alarm_state", AlarmName="busy", StateValue="ALARM", StateReason="r", StateReasonData="{}")
    call("cloudwatch", "disable_alarm_actions", AlarmNames=["busy"])
    call("cloudwatch", "enable_alarm_actions", AlarmNames=["busy"])
    call("cloudwatch", "tag_resource", ResourceARN=found["AlarmArn"], Tags=[{"Key": "a", "Value": "b"}])
    call("cloudwatch", "list_tags_for_resource", ResourceARN=found["AlarmArn"])
    call("cloudwatch", "untag_resource", ResourceARN=found["AlarmArn"], TagKeys=["a"])
    call("cloudwatch", "delete_alarms", AlarmNames=["busy"])


def scaling(call: Teller) -> None:
    image = call("ec2", "describe_images", Owners=["amazon"])["Images"][0]["ImageId"]
    call.told.clear()  # moto's images are others
    group = {"AutoScalingGroupName": "web"}
    call(
        "autoscaling", "create_launch_configuration",
        LaunchConfigurationName="web", ImageId=image, InstanceType="t2.micro",
    )  # fmt: skip
    call(
        "autoscaling", "create_auto_scaling_group", **group,
        LaunchConfigurationName="web", MinSize=0, MaxSize=3, AvailabilityZones=["us-east-1a"],
    )  # fmt: skip
    change = {"AdjustmentType": "ChangeInCapacity"}
    steps = [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]
    call(
        "autoscaling", "put_scaling_policy", **group, **change,
        PolicyName="step", PolicyType="StepScaling", MetricAggregationType="Average", StepAdjustments=steps,
    )  # fmt: skip
    call("autoscaling", "describe_policies", **group)
    call("autoscaling", "delete_policy", **group, PolicyName="step")
    nightly = {"ScheduledActionName": "nightly", "Recurrence": "0 9 * * *", "MinSize": 0, "MaxSize": 2}
    call("autoscaling", "batch_put_scheduled_update_group_action", **group, ScheduledUpdateGroupActions=[nightly])
    call("autoscaling", "describe_scheduled_actions", **group)
    call("autoscaling", "batch_delete_scheduled_action", **group, ScheduledActionNames=["nightly"])


STORIES: list[Story] = [templates, alarms, scaling]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: str(story.__name__))
def test_answers_have_the_keys_and_types_of_motos(story: Story) -> None:
    ours, theirs = by_sandbox(story), by_moto(story)

    differing = [
        f"{operation} {path}: {ours[operation].get(path)}, moto: {theirs[operation].get(path)}"
        for operation in theirs
        for path in sorted({**ours[operation], **theirs[operation]})
        if ours[operation].get(path) != theirs[operation].get(path)
        and not (path not in theirs[operation] and path.startswith(MOTO_OMITS.get(operation, ())))
        and not (path not in ours[operation] and path.startswith(MOTO_INVENTS.get(operation, ())))
    ]
    assert not differing, "\n".join(differing)
