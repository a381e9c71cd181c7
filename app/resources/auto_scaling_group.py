"""Auto Scaling groups: their members are linked while the application moves, then each gets a twin in the VPC.

A group stands for its members, which come and go at any time; whether one could be switched to another network in
place has no source (aws-facts A6), so a new one is scaled up beside it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from app.planning.context import Context
from app.planning.effects import Effect, Joins
from app.planning.inventory import Inventory, Json, Resource
from app.planning.plan import Finding
from app.resources.auto_scaling_configuration import LinkConfiguration, SwitchConfiguration
from app.resources.auto_scaling_deletion import Delete
from app.resources.auto_scaling_discovery import discover
from app.resources.auto_scaling_draining import Drain
from app.resources.auto_scaling_equipment import Equip
from app.resources.auto_scaling_findings import findings
from app.resources.auto_scaling_freezing import Freeze, Thaw
from app.resources.auto_scaling_linking import LinkMembers
from app.resources.auto_scaling_registering import RegisterMembers
from app.resources.auto_scaling_scaling import ScaleUp
from app.resources.auto_scaling_template import CreateTemplate
from app.resources.auto_scaling_twin import Create
from app.resources.kind import ABSENT, Kind, Survey

# What changes by itself: by policies, by scheduled actions, by members that fail.
RESTLESS = frozenset({"state", "desired", "members"})
BOUNDS = frozenset({"min", "max"})


class AutoScalingGroups(Kind):
    name = "auto_scaling_group"
    linkable = True
    maker = Create.action
    steps = (
        LinkConfiguration(),
        SwitchConfiguration(),
        LinkMembers(),
        RegisterMembers(),
        CreateTemplate(),
        Create(),
        Equip(),
        Freeze(),
        ScaleUp(),
        Drain(),
        Thaw(),
        Delete(),
    )
    reads = frozenset(
        {
            "autoscaling.describe_auto_scaling_groups",
            "autoscaling.describe_launch_configurations",
            "autoscaling.describe_lifecycle_hooks",
            "autoscaling.describe_notification_configurations",
            "autoscaling.describe_policies",
            "autoscaling.describe_scheduled_actions",
            "cloudwatch.describe_alarms",
            "ec2.describe_images",
            "ec2.describe_security_groups",
        }
    )
    probes: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "autoscaling.describe_auto_scaling_groups": {"MaxRecords": 1},
        "autoscaling.describe_launch_configurations": {"MaxRecords": 1},
        "autoscaling.describe_notification_configurations": {"MaxRecords": 1},
        "autoscaling.describe_policies": {"MaxRecords": 1},
        "autoscaling.describe_scheduled_actions": {"MaxRecords": 1},
        "autoscaling.describe_lifecycle_hooks": {"AutoScalingGroupName": ABSENT},
        "cloudwatch.describe_alarms": {"MaxRecords": 1},
        "cloudwatch.list_tags_for_resource": {
            "ResourceARN": f"arn:aws:cloudwatch:{{region}}:{{account}}:alarm:{ABSENT}"
        },
    }

    async def discover(self, survey: Survey) -> list[Resource]:
        """Facts: holds, state, zones, subnets, groups, load_balancers, configuration (the launch configuration
        but for its user data; {} where it launches from an `other_source`), min, max, desired, members, settings,
        suspended, metrics, tags, propagated, warm_pool. Of Classic ones also hooks, policies, alarms, scheduled,
        notifications, much as AWS shows them; where those could not be read the platform is unknown."""
        return await discover(survey)

    def steady(self, resource: Resource, inventory: Inventory) -> Mapping[str, Json]:
        """Scheduled actions set bounds too."""
        restless = RESTLESS | (BOUNDS if resource.facts.get("scheduled") else frozenset())
        return {name: fact for name, fact in resource.facts.items() if name not in restless}

    def present(self, resource: Resource, inventory: Inventory) -> Iterator[Effect]:
        yield Joins(str(resource.ref), tuple(resource.facts["groups"]))

    def findings(self, ctx: Context) -> Iterable[Finding]:
        return findings(ctx)


KIND = AutoScalingGroups()
