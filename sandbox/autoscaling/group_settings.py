"""The settings of a group that creating and updating it share, with AWS's refusals."""

from collections.abc import Mapping
from typing import Any

from sandbox.autoscaling.activities import at
from sandbox.autoscaling.balancing import POLICIES
from sandbox.autoscaling.groups import AutoScalingGroup
from sandbox.autoscaling.launch_configurations import find_launch_configuration
from sandbox.ec2.launch_templates import named_template, named_version
from sandbox.errors import AwsError
from sandbox.world import Place

PLAIN = (
    "AvailabilityZoneDistribution",
    "AvailabilityZoneImpairmentPolicy",
    "CapacityRebalance",
    "CapacityReservationSpecification",
    "Context",
    "DefaultInstanceWarmup",
    "DeletionProtection",
    "DesiredCapacityType",
    "InstanceLifecyclePolicy",
    "InstanceMaintenancePolicy",
    "MaxInstanceLifetime",
    "PlacementGroup",
    "ServiceLinkedRoleARN",
)
_UNKNOWN_HERE = ("MixedInstancesPolicy", "InstanceId", "TargetGroupARNs", "TrafficSources", "AvailabilityZoneIds")


def refuse_what_is_not_here(request: Mapping[str, Any]) -> None:
    """The sandbox has neither mixed instances nor target groups."""
    for name in _UNKNOWN_HERE:
        if request.get(name):
            raise AwsError("ValidationError", f"The sandbox does not know {name} of an Auto Scaling group")


def apply_source(place: Place, group: AutoScalingGroup, request: Mapping[str, Any]) -> None:
    """A launch configuration or a launch template, one in the other's place. Raises ValidationError."""
    configuration, template = request.get("LaunchConfigurationName"), request.get("LaunchTemplate")
    if configuration and template:
        raise AwsError(
            "ValidationError",
            "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or "
            "MixedInstancesPolicy parameter.",
        )
    if configuration:
        made = find_launch_configuration(place, configuration)
        if made.link and group.network:
            raise AwsError("ValidationError", f"{configuration} links instances of EC2-Classic; the group is in a VPC")
        group.launch_configuration, group.launch_template = made.name, None
    if template:
        group.launch_configuration, group.launch_template = None, _specification(place, template)


def _specification(place: Place, asked: Mapping[str, Any]) -> dict[str, str]:
    """With both names of the template, as describe calls show it; $Latest and $Default stay words."""
    try:
        template = named_template(place, asked)
        named_version(place, template, asked.get("Version") or "$Default")
    except AwsError as error:
        raise AwsError(
            "ValidationError", f"You must use a valid fully-formed launch template. {error.message}"
        ) from error
    chosen = {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name}
    return chosen | ({"Version": asked["Version"]} if asked.get("Version") else {})


def apply_settings(group: AutoScalingGroup, request: Mapping[str, Any]) -> None:
    """Everything but size, place and source. Raises ValidationError."""
    kind = request.get("HealthCheckType", group.health_check_type)
    if kind not in ("EC2", "ELB"):
        raise AwsError("ValidationError", f"{kind} is not a valid health check type: EC2 or ELB")
    policies = list(request.get("TerminationPolicies") or group.termination_policies)
    if unknown := [one for one in policies if one not in POLICIES]:
        raise AwsError("ValidationError", f"Invalid termination policies: {', '.join(unknown)}")
    cooldown = request.get("DefaultCooldown", group.cooldown)
    grace = request.get("HealthCheckGracePeriod", group.grace)
    if cooldown < 0 or grace < 0:
        raise AwsError("ValidationError", "DefaultCooldown and HealthCheckGracePeriod must not be negative")
    group.health_check_type, group.termination_policies = kind, policies
    group.cooldown, group.grace = cooldown, grace
    group.protects_new = bool(request.get("NewInstancesProtectedFromScaleIn", group.protects_new))
    group.plain = group.plain | {name: request[name] for name in PLAIN if name in request}


def apply_size(place: Place, group: AutoScalingGroup, request: Mapping[str, Any]) -> None:
    """A new minimum or maximum moves the size where none is asked for. Raises ValidationError."""
    least, most = request.get("MinSize", group.minimum), request.get("MaxSize", group.maximum)
    if least < 0 or most < least:
        raise AwsError("ValidationError", f"Max bound, {most}, must be greater than or equal to min bound, {least}")
    wanted = request.get("DesiredCapacity")
    if wanted is not None and not least <= wanted <= most:
        raise AwsError(
            "ValidationError",
            f"Desired capacity:{wanted} must be between the specified min size:{least} and max size:{most}",
        )
    before = group.desired
    group.minimum, group.maximum = least, most
    group.desired = max(least, min(most, before)) if wanted is None else wanted
    if group.desired != before:
        group.causes.append(
            f"{at(place.clock.now())} a user request update of AutoScalingGroup constraints to min: {least}, "
            f"max: {most}, desired: {group.desired} changing the desired capacity from {before} to {group.desired}."
        )
