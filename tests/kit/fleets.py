"""A tier held by an Auto Scaling group, for applications by chance."""

from collections.abc import Mapping, Sequence

from sandbox.builder import Builder


def fleet(builder: Builder, name: str, image: str, group_ids: Sequence[str], zones: Sequence[str], size: int) -> None:
    """So many members of one to twice as many, in EC2-Classic; they run some minutes later."""
    builder.call(
        "autoscaling",
        "CreateLaunchConfiguration",
        LaunchConfigurationName=f"{name}-1",
        ImageId=image,
        InstanceType="m3.medium",
        SecurityGroups=list(group_ids),
    )
    builder.call(
        "autoscaling",
        "CreateAutoScalingGroup",
        AutoScalingGroupName=name,
        LaunchConfigurationName=f"{name}-1",
        MinSize=1,
        DesiredCapacity=size,
        MaxSize=2 * size,
        AvailabilityZones=list(zones),
    )


def tag(builder: Builder, name: str, tags: Mapping[str, str]) -> None:
    """The group's own tags, which its members get as well."""
    about = {"ResourceId": name, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": True}
    builder.call(
        "autoscaling",
        "CreateOrUpdateTags",
        Tags=[{**about, "Key": key, "Value": value} for key, value in tags.items()],
    )


def attach(builder: Builder, name: str, load_balancer: str) -> None:
    """Its members stand behind the load balancer from now on."""
    builder.call("autoscaling", "AttachLoadBalancers", AutoScalingGroupName=name, LoadBalancerNames=[load_balancer])
