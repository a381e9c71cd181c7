"""From what a group launches: its launch configuration or launch template as a request of RunInstances."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.autoscaling.groups import AutoScalingGroup
from sandbox.autoscaling.launch_configurations import find_launch_configuration
from sandbox.ec2.launch_templates import named_version, template_by_id
from sandbox.ec2.template_launch import with_template
from sandbox.world import Place

_ELSEWHERE = ("NetworkInterfaces", "SecurityGroupIds", "SecurityGroups")
_ALIKE = ("ImageId", "InstanceType", "KeyName", "UserData", "EbsOptimized", "KernelId", "RamdiskId", "MetadataOptions")


@dataclass
class LaunchSpec:
    """`request` is for RunInstances, but for where to launch and how many; its groups are apart in `groups`.

    `link` is the VPC and its groups that an instance of EC2-Classic is linked to.
    """

    request: dict[str, Any]
    groups: list[str]
    public_ip: bool | None = None
    link: tuple[str, list[str]] | None = None
    launch_configuration: str | None = None
    launch_template: dict[str, str] | None = None


def launch_spec(place: Place, group: AutoScalingGroup) -> LaunchSpec:
    """Raises AwsError for a launch configuration, launch template or version that is gone."""
    if group.launch_template:
        return _of_template(place, group.launch_template)
    made = find_launch_configuration(place, group.launch_configuration or "")
    asked = made.asked
    request = {key: asked[key] for key in _ALIKE if asked.get(key)}
    request["Monitoring"] = {"Enabled": (asked.get("InstanceMonitoring") or {}).get("Enabled", True)}
    if asked.get("IamInstanceProfile"):
        named = asked["IamInstanceProfile"]
        request["IamInstanceProfile"] = {"Arn" if named.startswith("arn:") else "Name": named}
    if asked.get("BlockDeviceMappings"):
        request["BlockDeviceMappings"] = [_device(one) for one in asked["BlockDeviceMappings"]]
    if asked.get("PlacementTenancy"):
        request["Placement"] = {"Tenancy": asked["PlacementTenancy"]}
    return LaunchSpec(
        request,
        list(asked.get("SecurityGroups") or ()),
        public_ip=asked.get("AssociatePublicIpAddress"),
        link=made.link,
        launch_configuration=made.name,
    )


def _of_template(place: Place, specification: Mapping[str, str]) -> LaunchSpec:
    """A template's subnet and zone give way to the group's; its groups may stand in its network interface."""
    template = template_by_id(place, specification["LaunchTemplateId"])
    version = str(named_version(place, template, specification.get("Version") or "$Default").number)
    data = with_template(place, {"LaunchTemplate": {"LaunchTemplateId": template.id, "Version": version}})
    interface: Mapping[str, Any] = next(iter(data.get("NetworkInterfaces") or ()), {})
    named = interface.get("Groups") or data.get("SecurityGroupIds") or data.get("SecurityGroups") or ()
    request = {key: value for key, value in data.items() if key not in _ELSEWHERE}
    if request.get("Placement"):
        request["Placement"] = {key: one for key, one in request["Placement"].items() if key != "AvailabilityZone"}
    chosen = {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "Version": version}
    public_ip = interface.get("AssociatePublicIpAddress")
    return LaunchSpec(request, list(named), public_ip=public_ip, launch_template=chosen)


def placed(spec: LaunchSpec, zone: str, subnet_id: str) -> dict[str, Any]:
    """The whole request of RunInstances for one instance, in EC2-Classic where there is no subnet."""
    request = copy.deepcopy(spec.request) | {"MinCount": 1, "MaxCount": 1}
    if not subnet_id:
        request["Placement"] = {**request.get("Placement", {}), "AvailabilityZone": zone}
        request["SecurityGroupIds"] = [one for one in spec.groups if one.startswith("sg-")]
        request["SecurityGroups"] = [one for one in spec.groups if not one.startswith("sg-")]
    elif spec.public_ip is None:
        request["SubnetId"], request["SecurityGroupIds"] = subnet_id, list(spec.groups)
    else:
        interface = {"DeviceIndex": 0, "SubnetId": subnet_id, "Groups": list(spec.groups)}
        request["NetworkInterfaces"] = [interface | {"AssociatePublicIpAddress": spec.public_ip}]
    return {key: value for key, value in request.items() if value != []}


def _device(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """As EC2 writes it: volumes of a launch configuration go with their instance unless it says otherwise."""
    device = {key: value for key, value in mapping.items() if key != "NoDevice"}
    if mapping.get("NoDevice"):
        device["NoDevice"] = ""
    if "Ebs" in mapping:
        device["Ebs"] = {"DeleteOnTermination": True, **mapping["Ebs"]}
    return device
