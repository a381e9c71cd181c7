"""An account with an Auto Scaling group, for tests of what groups do by themselves."""

from typing import Any

from tests.sandbox.both_platforms import OTHER_ZONE, ZONE, BothPlatforms

SETTLED = 600.0  # seconds in which whatever groups do without hooks is done


class Fleet(BothPlatforms):
    """Short ways to make a group called `web` and to look at it."""

    def __init__(self) -> None:
        super().__init__()
        self.group = self.builder.group("web", "web")

    def scaling(self, operation: str, **params: Any) -> dict[str, Any]:
        """A call of Auto Scaling that is not about a group."""
        return self.call("autoscaling", operation, **params)

    def web(self, operation: str, **params: Any) -> dict[str, Any]:
        """A call of Auto Scaling about the group."""
        return self.scaling(operation, AutoScalingGroupName="web", **params)

    def configuration(self, name: str = "web-1", **params: Any) -> str:
        usual = {"ImageId": self.image, "InstanceType": "m3.medium", "SecurityGroups": ["web"]}
        self.scaling("CreateLaunchConfiguration", LaunchConfigurationName=name, **(usual | params))
        return name

    def fleet(self, size: int = 2, **params: Any) -> None:
        """The group in EC2-Classic, in two zones, from 0 to 10, all its members in service."""
        source = {} if "LaunchTemplate" in params else {"LaunchConfigurationName": "web-1"}
        if source and "web-1" not in self.configurations():
            self.configuration()
        where = {} if "VPCZoneIdentifier" in params else {"AvailabilityZones": [ZONE, OTHER_ZONE]}
        usual = {"MinSize": 0, "MaxSize": 10, "DesiredCapacity": size}
        self.web("CreateAutoScalingGroup", **(source | where | usual | params))
        self.wait(SETTLED)

    def configurations(self) -> list[str]:
        found = self.scaling("DescribeLaunchConfigurations")["LaunchConfigurations"]
        return [one["LaunchConfigurationName"] for one in found]

    def look(self) -> dict[str, Any]:
        found = self.scaling("DescribeAutoScalingGroups", AutoScalingGroupNames=["web"])["AutoScalingGroups"]
        view: dict[str, Any] = found[0]
        return view

    def states(self) -> dict[str, str]:
        return {one["InstanceId"]: one["LifecycleState"] for one in self.look()["Instances"]}

    def in_service(self) -> list[str]:
        return [one for one, state in self.states().items() if state == "InService"]

    def zones(self) -> list[str]:
        return sorted(one["AvailabilityZone"] for one in self.look()["Instances"])

    def activities(self, **params: Any) -> list[dict[str, Any]]:
        """The earliest first."""
        found: list[dict[str, Any]] = self.web("DescribeScalingActivities", **params)["Activities"]
        return found[::-1]

    def resize(self, size: int) -> None:
        self.web("SetDesiredCapacity", DesiredCapacity=size)

    def terminate(self, *instance_ids: str) -> None:
        """Behind the group's back."""
        self.call("ec2", "TerminateInstances", InstanceIds=list(instance_ids))

    def instance(self, instance_id: str) -> dict[str, Any]:
        found = self.call("ec2", "DescribeInstances", InstanceIds=[instance_id])
        view: dict[str, Any] = found["Reservations"][0]["Instances"][0]
        return view

    def tags(self, instance_id: str) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self.instance(instance_id).get("Tags", ())}

    def linked(self) -> dict[str, str]:
        found = self.call("ec2", "DescribeClassicLinkInstances")["Instances"]
        return {one["InstanceId"]: one["VpcId"] for one in found}
