"""RunInstances with a launch template: the template's parameters beneath the request's."""

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.ec2.launch_templates import launch_template_data
from sandbox.errors import AwsError
from sandbox.world import Place

_RENAMED = {"RamDiskId": "RamdiskId"}
_GROUPS = ("SecurityGroupIds", "SecurityGroups")
# What a version may hold and RunInstances has no word for.
_ONLY_IN_TEMPLATES = {"ElasticGpuSpecifications"}


def with_template(place: Place, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The request as if it had been made without a template.

    What it says itself wins, a parameter at a time; tags are merged by type and key, block devices by
    their device names, the placement by its parts. Groups in it replace all of the template's.
    Raises what `launch_template_data` raises, UnsupportedOperation for instance requirements.
    """
    specification = request.get("LaunchTemplate")
    if not specification:
        return request
    data = {
        _RENAMED.get(key, key): value
        for key, value in launch_template_data(place, specification).items()
        if key not in _ONLY_IN_TEMPLATES
    }
    if "InstanceRequirements" in data:
        raise AwsError("UnsupportedOperation", "The sandbox chooses no instance types: name one.")
    asked = {key: value for key, value in request.items() if key != "LaunchTemplate"}
    if any(asked.get(name) for name in _GROUPS):
        data = {key: value for key, value in data.items() if key not in _GROUPS}
    merged = {**data, **asked}
    if "Placement" in data and "Placement" in asked:
        merged["Placement"] = {**data["Placement"], **asked["Placement"]}
    for name, merge in (("BlockDeviceMappings", _devices), ("TagSpecifications", _tags)):
        if name in data and name in asked:
            merged[name] = merge(data[name], asked[name])
    return merged


def _devices(below: Iterable[Mapping[str, Any]], above: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    by_name = {device.get("DeviceName", ""): device for device in (*below, *above)}
    return list(by_name.values())


def _tags(below: Iterable[Mapping[str, Any]], above: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    by_type: dict[str, dict[str, Mapping[str, Any]]] = {}
    for specification in (*below, *above):
        tags = by_type.setdefault(specification.get("ResourceType", ""), {})
        tags.update({tag["Key"]: tag for tag in specification.get("Tags") or ()})
    return [{"ResourceType": kind, "Tags": list(tags.values())} for kind, tags in by_type.items()]
