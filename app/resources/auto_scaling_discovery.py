"""How Auto Scaling groups are read: the groups, from what they launch, and all that hangs on them."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.planning.inventory import Gap, Json, Platform, Ref, Resource
from app.resources.auto_scaling_launching import configuration_facts
from app.resources.kind import Survey, tags_of

KIND_NAME = "auto_scaling_group"
# What CreateAutoScalingGroup takes as DescribeAutoScalingGroups shows it.
SETTINGS = (
    "CapacityRebalance",
    "Context",
    "DefaultCooldown",
    "DefaultInstanceWarmup",
    "HealthCheckGracePeriod",
    "HealthCheckType",
    "InstanceMaintenancePolicy",
    "MaxInstanceLifetime",
    "NewInstancesProtectedFromScaleIn",
    "PlacementGroup",
    "TerminationPolicies",
)
USUAL_ROLE = "/AWSServiceRoleForAutoScaling"  # what a group has that names none
OF_ALARMS = ("StateValue", "StateReason", "StateReasonData", "EvaluationState", "AlarmArn")
AT_ONCE = 16  # calls under way that tell of one group each
SOME = 100  # names that DescribeAlarms takes

Items = list[dict[str, Any]]


@dataclass
class _Around:
    """What the other describe calls told; `by_name` are the Classic security groups."""

    configurations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    images: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    by_name: Mapping[str, str] = field(default_factory=dict)
    policies: Items = field(default_factory=list)
    alarms: Items = field(default_factory=list)
    scheduled: Items = field(default_factory=list)
    notifications: Items = field(default_factory=list)


async def discover(survey: Survey) -> list[Resource]:
    groups = await survey.all("autoscaling.describe_auto_scaling_groups", "AutoScalingGroups[]")
    items = [item for item in groups if survey.wants(item["AutoScalingGroupName"])]
    classic = [item for item in items if not item.get("VPCZoneIdentifier")]
    around = await _around(survey, items, classic)
    missed = bool(survey.gaps)
    hooks = dict(zip((item["AutoScalingGroupName"] for item in classic), await _hooks(survey, classic), strict=True))
    found = []
    for item in items:
        name = item["AutoScalingGroupName"]
        facts = _base(item, around)
        if name in hooks:
            facts |= _equipment(item, around) | {"hooks": hooks[name]}
            _tell_unresolved(survey, item, facts, around)
        whole = not missed and all(gap.ref != str(Ref(KIND_NAME, name)) for gap in survey.gaps)
        found.append(_resource(item, facts, whole))
    return found


async def _around(survey: Survey, items: Items, classic: Items) -> _Around:
    if not items:
        return _Around()
    made = await survey.all("autoscaling.describe_launch_configurations", "LaunchConfigurations[]")
    around = _Around({each["LaunchConfigurationName"]: each for each in made})
    if not classic:
        return around
    used = (around.configurations.get(item.get("LaunchConfigurationName", "")) for item in classic)
    wanted = sorted({each["ImageId"] for each in used if each})
    filters = [{"Name": "image-id", "Values": wanted}]  # by filter: an unknown id is then passed over
    images = await survey.all("ec2.describe_images", "Images[]", Filters=filters) if wanted else []
    around.images = {image["ImageId"]: image for image in images}
    groups = await survey.all("ec2.describe_security_groups", "SecurityGroups[]")
    around.by_name = {group["GroupName"]: group["GroupId"] for group in groups if not group.get("VpcId")}
    around.policies = await survey.all("autoscaling.describe_policies", "ScalingPolicies[]")
    around.scheduled = await survey.all("autoscaling.describe_scheduled_actions", "ScheduledUpdateGroupActions[]")
    around.notifications = await survey.all(
        "autoscaling.describe_notification_configurations", "NotificationConfigurations[]"
    )
    alarms = sorted({alarm["AlarmName"] for policy in around.policies for alarm in policy.get("Alarms", ())})
    for start in range(0, len(alarms), SOME):
        names = alarms[start : start + SOME]
        around.alarms += await survey.all("cloudwatch.describe_alarms", "MetricAlarms[]", AlarmNames=names)
    return around


async def _hooks(survey: Survey, groups: Items) -> list[list[Json]]:
    """Of each group, in their order: AWS tells them of one group a call."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def read(name: str) -> list[Json]:
        async with gate:
            answer = await survey.one(
                Ref(KIND_NAME, name), "autoscaling.describe_lifecycle_hooks", AutoScalingGroupName=name
            )
        hooks = [_without(hook, "AutoScalingGroupName") for hook in (answer or {}).get("LifecycleHooks", ())]
        return sorted(hooks, key=lambda hook: str(hook["LifecycleHookName"]))

    return await asyncio.gather(*(read(group["AutoScalingGroupName"]) for group in groups))


def _tell_unresolved(survey: Survey, item: Mapping[str, Any], facts: Mapping[str, Json], around: _Around) -> None:
    """A launch configuration that is not there, or names a group that is not, leaves the group unknown."""
    ref = str(Ref(KIND_NAME, item["AutoScalingGroupName"]))
    named = item.get("LaunchConfigurationName")
    if named and not facts["configuration"]:
        detail = f"The launch configuration {named} of {item['AutoScalingGroupName']} was not shown."
        survey.gaps.append(Gap(KIND_NAME, "LaunchConfigurationNotShown", detail, ref))
    unknown = [name for name in _named_groups(item, around) if _group_id(name, around) is None]
    if unknown:
        detail = f"The security group {unknown[0]} of {item['AutoScalingGroupName']} was not shown."
        survey.gaps.append(Gap(KIND_NAME, "SecurityGroupNotShown", detail, ref))


def _resource(item: Mapping[str, Any], facts: dict[str, Json], whole: bool) -> Resource:
    platform: Platform = "vpc" if item.get("VPCZoneIdentifier") else "classic" if whole else "unknown"
    refers = {Ref("security_group", group) for group in facts["groups"]}
    refers |= {Ref("load_balancer", name) for name in facts["load_balancers"]}
    refers |= {Ref("subnet", subnet) for subnet in facts["subnets"]}
    name = item["AutoScalingGroupName"]
    return Resource(Ref(KIND_NAME, name), name, platform, facts, frozenset(refers))


def _base(item: Mapping[str, Any], around: _Around) -> dict[str, Json]:
    configuration = around.configurations.get(item.get("LaunchConfigurationName", ""))
    image = around.images.get(configuration["ImageId"]) if configuration else None
    groups = {found for name in _named_groups(item, around) if (found := _group_id(name, around))}
    return {
        "holds": "instance",
        "state": "running" if item["MaxSize"] or item["DesiredCapacity"] else "stopped",
        "zones": sorted(item["AvailabilityZones"]),
        "subnets": sorted(filter(None, (item.get("VPCZoneIdentifier") or "").split(","))),
        "groups": sorted(groups),
        "load_balancers": sorted(item.get("LoadBalancerNames", ())),
        "configuration": configuration_facts(configuration, image) if configuration else {},
        "other_source": "" if configuration else _other_source(item),
        "warm_pool": bool(item.get("WarmPoolConfiguration")),
        "min": item["MinSize"],
        "max": item["MaxSize"],
        "desired": item["DesiredCapacity"],
        "members": sorted(member["InstanceId"] for member in item.get("Instances", ())),
        "settings": _settings(item),
        "suspended": sorted(process["ProcessName"] for process in item.get("SuspendedProcesses", ())),
        "metrics": sorted(metric["Metric"] for metric in item.get("EnabledMetrics", ())),
        "tags": tags_of(dict(item)),
        "propagated": sorted(tag["Key"] for tag in item.get("Tags", ()) if tag.get("PropagateAtLaunch")),
    }


def _other_source(item: Mapping[str, Any]) -> str:
    """From what else than a launch configuration it launches."""
    return "mixed instances" if item.get("MixedInstancesPolicy") else "a launch template"


def _named_groups(item: Mapping[str, Any], around: _Around) -> list[str]:
    """As the launch configuration names them; EC2-Classic takes `default` where none is named (aws-facts A2)."""
    configuration = around.configurations.get(item.get("LaunchConfigurationName", ""))
    if configuration is None:
        return []
    default = [] if item.get("VPCZoneIdentifier") else ["default"]
    return list(configuration.get("SecurityGroups") or default)


def _group_id(named: str, around: _Around) -> str | None:
    return named if named.startswith("sg-") else around.by_name.get(named)


def _settings(item: Mapping[str, Any]) -> dict[str, Json]:
    settings = {name: item[name] for name in SETTINGS if item.get(name) not in (None, "")}
    role = item.get("ServiceLinkedRoleARN", "")
    return settings | ({"ServiceLinkedRoleARN": role} if role and not role.endswith(USUAL_ROLE) else {})


def _equipment(item: Mapping[str, Any], around: _Around) -> dict[str, Json]:
    name = item["AutoScalingGroupName"]
    policies = [_policy(policy) for policy in around.policies if policy["AutoScalingGroupName"] == name]
    alarms = {alarm for policy in policies for alarm in policy["alarms"]}
    topics: dict[str, list[str]] = {}
    for each in around.notifications:
        if each["AutoScalingGroupName"] == name:
            topics.setdefault(each["TopicARN"], []).append(each["NotificationType"])
    scheduled = [_action(action) for action in around.scheduled if action["AutoScalingGroupName"] == name]
    return {
        "policies": sorted(policies, key=lambda policy: str(policy["name"])),
        "alarms": sorted(
            (_plain(_without(each, *OF_ALARMS)) for each in around.alarms if each["AlarmName"] in alarms),
            key=lambda alarm: str(alarm["AlarmName"]),
        ),
        "scheduled": sorted(scheduled, key=lambda action: str(action["ScheduledActionName"])),
        "notifications": {topic: sorted(types) for topic, types in sorted(topics.items())},
    }


def _policy(policy: Mapping[str, Any]) -> dict[str, Json]:
    """`alarms` are those that somebody made for it; what tracks a target makes its own (BC:PutScalingPolicy)."""
    own = policy.get("PolicyType", "SimpleScaling") in ("SimpleScaling", "StepScaling")
    request = _without(policy, "AutoScalingGroupName", "PolicyARN", "Alarms")
    return {
        "name": policy["PolicyName"],
        "arn": policy["PolicyARN"],
        "request": _plain(request),
        "alarms": sorted(alarm["AlarmName"] for alarm in policy.get("Alarms", ())) if own else [],
    }


def _action(action: Mapping[str, Any]) -> dict[str, Json]:
    """Without the start of what recurs: AWS sets that anew each time."""
    dropped = ["AutoScalingGroupName", "ScheduledActionARN", "Time"]
    return _plain(_without(action, *dropped, *(["StartTime"] if action.get("Recurrence") else [])))


def _without(item: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    empty: Iterable[Json] = (None, "", [], {})
    return {key: value for key, value in item.items() if key not in keys and value not in empty}


def _plain(item: Mapping[str, Any]) -> dict[str, Json]:
    """Without times of alarms, and with those of schedules as text."""
    return {
        key: value.isoformat() if isinstance(value, datetime) else value
        for key, value in sorted(item.items())
        if not key.endswith("Timestamp")
    }
