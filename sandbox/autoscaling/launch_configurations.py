"""Launch configurations: from what a group starts its members; they never change."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.autoscaling.groups import AutoScalingGroup
from sandbox.autoscaling.paging import page
from sandbox.ec2.instance_types import check_known
from sandbox.ec2.user_data import check_user_data
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

_TENANCIES = ("default", "dedicated")


@dataclass
class LaunchConfiguration:
    """`asked` is the creating request without the name."""

    name: str
    arn: str
    created: datetime
    visible_at: datetime
    asked: dict[str, Any]

    @property
    def link(self) -> tuple[str, list[str]] | None:
        """The VPC, and its groups, that every instance is linked to. aws-facts A1 (ASG)"""
        vpc_id = self.asked.get("ClassicLinkVPCId")
        return (vpc_id, list(self.asked["ClassicLinkVPCSecurityGroups"])) if vpc_id else None


def find_launch_configuration(place: Place, name: str) -> LaunchConfiguration:
    """Raises ValidationError for a name there is not."""
    found = place.seen(LaunchConfiguration).get(name)
    if found is None:
        raise AwsError(
            "ValidationError", f"Launch configuration name not found - Launch configuration {name} not found"
        )
    return found


@operation("autoscaling", "CreateLaunchConfiguration")
def create_launch_configuration(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Images, groups, keys and VPCs are looked at when an instance is launched, not here (no source found).

    Raises AlreadyExists, LimitExceeded, ValidationError.
    """
    name = request["LaunchConfigurationName"]
    if name in place.table(LaunchConfiguration):
        raise AwsError(
            "AlreadyExists",
            f"Launch Configuration by this name already exists - A launch configuration already exists "
            f"with the name {name}",
        )
    _check(place, request)
    if len(place.table(LaunchConfiguration)) >= place.limits.launch_configurations:
        raise AwsError("LimitExceeded", f"Only {place.limits.launch_configurations} launch configurations are allowed")
    uid = f"{place.world.random.getrandbits(128):032x}"
    arn = (
        f"arn:aws:autoscaling:{place.region}:{place.account_id}:launchConfiguration:{uid}"
        f":launchConfigurationName/{name}"
    )
    asked = {key: value for key, value in request.items() if key != "LaunchConfigurationName"}
    made = LaunchConfiguration(name, arn, place.clock.now(), place.visible_from_now(), asked)
    place.table(LaunchConfiguration)[name] = made
    return {}


@operation("autoscaling", "DeleteLaunchConfiguration")
def delete_launch_configuration(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises ResourceInUse while a group uses it, ValidationError for a name there is not."""
    name = find_launch_configuration(place, request["LaunchConfigurationName"]).name
    if any(group.launch_configuration == name for group in place.table(AutoScalingGroup).values()):
        raise AwsError("ResourceInUse", f"Cannot delete launch configuration {name} because it is attached to a group")
    del place.table(LaunchConfiguration)[name]
    return {}


@operation("autoscaling", "DescribeLaunchConfigurations")
def describe_launch_configurations(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Names that do not exist are passed over."""
    names = set(request.get("LaunchConfigurationNames") or place.seen(LaunchConfiguration))
    found = [one for name, one in sorted(place.seen(LaunchConfiguration).items()) if name in names]
    return page([_view(one) for one in found], request, "LaunchConfigurations")


def _check(place: Place, request: Mapping[str, Any]) -> None:
    if not request["LaunchConfigurationName"] or not request.get("ImageId") or not request.get("InstanceType"):
        raise AwsError(
            "ValidationError", "Valid requests must contain a name and the ImageId and InstanceType parameters."
        )
    try:
        check_known(request["InstanceType"])
        check_user_data(request.get("UserData"))
    except AwsError as error:
        raise AwsError("ValidationError", error.message) from error
    if bool(request.get("ClassicLinkVPCId")) != bool(request.get("ClassicLinkVPCSecurityGroups")):
        raise AwsError(
            "ValidationError", "ClassicLinkVPCId and ClassicLinkVPCSecurityGroups must be specified together"
        )
    if request.get("ClassicLinkVPCId") and not place.has_classic:
        raise AwsError("ValidationError", "ClassicLink is not supported in this region")
    if request.get("PlacementTenancy", "default") not in _TENANCIES:
        raise AwsError("ValidationError", f"PlacementTenancy must be one of {', '.join(_TENANCIES)}")
    try:
        affordable = float(request.get("SpotPrice", "1")) > 0
    except ValueError:
        affordable = False
    if not affordable:
        raise AwsError("ValidationError", f"Invalid Spot price {request['SpotPrice']}")


def _view(one: LaunchConfiguration) -> dict[str, Any]:
    """What was asked for, and AWS's defaults: detailed monitoring unless it was refused."""
    return {
        "KeyName": "",
        "SecurityGroups": [],
        "ClassicLinkVPCSecurityGroups": [],
        "UserData": "",
        "KernelId": "",
        "RamdiskId": "",
        "BlockDeviceMappings": [],
        "InstanceMonitoring": {"Enabled": True},
        "EbsOptimized": False,
        **one.asked,
        "LaunchConfigurationName": one.name,
        "LaunchConfigurationARN": one.arn,
        "CreatedTime": one.created,
    }
