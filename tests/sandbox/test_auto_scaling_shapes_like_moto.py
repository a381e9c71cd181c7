"""A group in a VPC has the shape that moto's has, with its launch configuration, members and activities."""

from typing import Any

import boto3
from moto import mock_aws

from sandbox.hook import connect
from sandbox.world import World
from tests.sandbox.auto_scaling_account import SETTLED
from tests.sandbox.test_shapes_like_moto import Shape, Teller, shapes

CONFIGURATION, GROUP = ".LaunchConfigurations[]", ".AutoScalingGroups[]"

# What AWS answers and moto leaves out …
MOTO_OMITS: dict[str, tuple[str, ...]] = {
    "autoscaling.describe_launch_configurations": tuple(
        f"{CONFIGURATION}.{name}" for name in ("ClassicLinkVPCSecurityGroups", "KernelId", "KeyName", "RamdiskId")
    ),
    "autoscaling.describe_auto_scaling_groups": (f"{GROUP}.TrafficSources",),
    **dict.fromkeys(
        ("autoscaling.enter_standby", "autoscaling.exit_standby", "autoscaling.detach_instances"),
        (".Activities[].AutoScalingGroupARN", ".Activities[].Details"),
    ),
}
# … and what moto says of things that were not asked for, or as if they had ended at once.
MOTO_INVENTS: dict[str, tuple[str, ...]] = {
    "autoscaling.describe_launch_configurations": (
        f"{CONFIGURATION}.AssociatePublicIpAddress",
        f"{CONFIGURATION}.BlockDeviceMappings[].NoDevice",
    ),
    "autoscaling.describe_lifecycle_hooks": (".LifecycleHooks[].NotificationTargetARN", ".LifecycleHooks[].RoleARN"),
    "autoscaling.describe_auto_scaling_groups": (f"{GROUP}.CapacityRebalance",),
    **dict.fromkeys(
        ("autoscaling.enter_standby", "autoscaling.exit_standby", "autoscaling.detach_instances"),
        (".Activities[].EndTime",),
    ),
}


class Patient(Teller):
    """Waits after each call until groups have done what they do; moto's do it at once."""

    def __init__(self) -> None:
        self._world = World()
        super().__init__(connect(self._world))

    def __call__(self, service: str, operation: str, **params: Any) -> Any:
        answer = super().__call__(service, operation, **params)
        self._world.clock.advance(SETTLED)
        return answer


def story(call: Teller) -> None:
    vpc_id = call("ec2", "create_vpc", CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnet = call("ec2", "create_subnet", VpcId=vpc_id, CidrBlock="10.7.1.0/24", AvailabilityZone="us-east-1a")
    subnet_id = subnet["Subnet"]["SubnetId"]
    group_id = call("ec2", "create_security_group", GroupName="g", Description="g", VpcId=vpc_id)["GroupId"]
    images = call("ec2", "describe_images", Owners=["amazon"], Filters=[{"Name": "name", "Values": ["amzn*"]}])
    image_id = next(one["ImageId"] for one in images["Images"] if one["VirtualizationType"] == "hvm")
    call(
        "autoscaling",
        "create_launch_configuration",
        LaunchConfigurationName="web-1",
        ImageId=image_id,
        InstanceType="m4.large",
        SecurityGroups=[group_id],
        UserData="hello",
        InstanceMonitoring={"Enabled": True},
        SpotPrice="0.1",
        IamInstanceProfile="arn:aws:iam::123456789012:instance-profile/web",
        BlockDeviceMappings=[{"DeviceName": "/dev/xvdb", "Ebs": {"VolumeSize": 9}}],
    )
    call("autoscaling", "describe_launch_configurations")
    web = {"AutoScalingGroupName": "web"}
    call(
        "autoscaling",
        "create_auto_scaling_group",
        **web,
        LaunchConfigurationName="web-1",
        MinSize=0,
        MaxSize=4,
        DesiredCapacity=2,
        VPCZoneIdentifier=subnet_id,
        Tags=[{"Key": "team", "Value": "red", "PropagateAtLaunch": True}],
    )
    call(
        "autoscaling",
        "put_lifecycle_hook",
        **web,
        LifecycleHookName="bye",
        LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING",
        HeartbeatTimeout=60,
    )
    call("autoscaling", "describe_lifecycle_hooks", **web)
    call("autoscaling", "suspend_processes", **web, ScalingProcesses=["AZRebalance"])
    groups = call("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=["web"])
    call("autoscaling", "enable_metrics_collection", **web, Granularity="1Minute", Metrics=["GroupMinSize"])
    call("autoscaling", "describe_auto_scaling_instances")
    call("autoscaling", "describe_tags")
    first = groups["AutoScalingGroups"][0]["Instances"][0]["InstanceId"]
    call("autoscaling", "set_instance_protection", **web, InstanceIds=[first], ProtectedFromScaleIn=True)
    call("autoscaling", "set_instance_health", InstanceId=first, HealthStatus="Healthy")
    call("autoscaling", "enter_standby", **web, InstanceIds=[first], ShouldDecrementDesiredCapacity=True)
    call("autoscaling", "exit_standby", **web, InstanceIds=[first])
    call("autoscaling", "detach_instances", **web, InstanceIds=[first], ShouldDecrementDesiredCapacity=True)
    call("autoscaling", "attach_instances", **web, InstanceIds=[first])
    call("autoscaling", "resume_processes", **web)
    call("autoscaling", "describe_load_balancers", **web)
    call("autoscaling", "update_auto_scaling_group", **web, MinSize=0, MaxSize=3)
    call("autoscaling", "set_desired_capacity", **web, DesiredCapacity=1)
    call("autoscaling", "delete_auto_scaling_group", **web, ForceDelete=True)
    call("autoscaling", "delete_launch_configuration", LaunchConfigurationName="web-1")


@mock_aws
def by_moto() -> dict[str, Shape]:
    teller = Teller(boto3.Session("AKIAMOTO", "moto", region_name="us-east-1"))
    story(teller)
    return shapes(teller.told)


def test_answers_have_the_keys_and_types_of_motos() -> None:
    patient = Patient()
    story(patient)
    ours, theirs = shapes(patient.told), by_moto()

    differing = [
        f"{operation} {path}: {ours[operation].get(path)}, moto: {theirs[operation].get(path)}"
        for operation in theirs
        if operation.startswith("autoscaling.")
        for path in sorted({**ours[operation], **theirs[operation]})
        if ours[operation].get(path) != theirs[operation].get(path)
        and not (path not in theirs[operation] and path.startswith(MOTO_OMITS.get(operation, ())))
        and not (path not in ours[operation] and path.startswith(MOTO_INVENTS.get(operation, ())))
    ]
    assert not differing, "\n".join(differing)
