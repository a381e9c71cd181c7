"""Auto Scaling groups: what one is, finding one, and changing its size."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox.autoscaling.activities import at
from sandbox.autoscaling.hooks import LifecycleHook
from sandbox.autoscaling.members import Member
from sandbox.clock import Timer
from sandbox.errors import AwsError
from sandbox.world import Place

PROCESSES = (
    "Launch",
    "Terminate",
    "AddToLoadBalancer",
    "AlarmNotification",
    "AZRebalance",
    "HealthCheck",
    "InstanceRefresh",
    "ReplaceUnhealthy",
    "ScheduledActions",
)


@dataclass
class GroupTag:
    value: str
    propagate: bool


@dataclass
class AutoScalingGroup:
    """`subnets` is empty in EC2-Classic, where `zones` are chosen; `network` is the VPC of the subnets.

    `plain` holds what the group stores and shows and nothing here obeys, by AWS's names. `state` is
    "" or AWS's Status.
    """

    name: str
    arn: str
    created: datetime
    visible_at: datetime
    minimum: int
    maximum: int
    desired: int
    cooldown: int = 300
    zones: list[str] = field(default_factory=list)
    subnets: list[str] = field(default_factory=list)
    network: str | None = None
    launch_configuration: str | None = None
    launch_template: dict[str, str] | None = None
    load_balancers: dict[str, str] = field(default_factory=dict)  # name -> "" | "Removing"
    health_check_type: str = "EC2"
    grace: int = 0
    termination_policies: list[str] = field(default_factory=lambda: ["Default"])
    protects_new: bool = False
    tags: dict[str, GroupTag] = field(default_factory=dict)
    suspended: dict[str, str] = field(default_factory=dict)  # process -> reason
    hooks: dict[str, LifecycleHook] = field(default_factory=dict)
    metrics: set[str] = field(default_factory=set)
    plain: dict[str, Any] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)  # by instance id
    state: str = ""
    causes: list[str] = field(default_factory=list)  # sentences for the next activity
    cooling_until: datetime | None = None
    policy_cooldown: float | None = None  # of the policy that changed the size last, instead of the group's
    next_launch: Timer | None = None
    to_replace: int = 0  # members lost to bad health whose successors are not launched yet
    failures: int = 0  # launches that failed in a row
    avoid: set[str] = field(default_factory=set)  # zones where launches failed of late

    def runs(self, process: str) -> bool:
        """Whether a process (one of PROCESSES) is not suspended."""
        return process not in self.suspended

    def cools(self, now: datetime) -> bool:
        """Whether the cooldown of an earlier scaling activity is not over."""
        return self.cooling_until is not None and now < self.cooling_until

    def cool_down(self, now: datetime) -> None:
        """Begin a cooldown: the group's own, or that of the policy that changed the size last."""
        own = self.policy_cooldown
        self.cooling_until = now + timedelta(seconds=self.cooldown if own is None else own)

    @property
    def in_service(self) -> list[Member]:
        return [member for member in self.members.values() if member.state == "InService"]

    @property
    def deleting(self) -> bool:
        return bool(self.state)


Deleted = Callable[[Place, AutoScalingGroup], None]
_when_deleted: list[Deleted] = []


def when_deleted(action: Deleted) -> Deleted:
    """Register what has to go with a group: its policies, scheduled actions and the like."""
    _when_deleted.append(action)
    return action


def forget(place: Place, group: AutoScalingGroup) -> None:
    """The group is gone, with whatever was only of it."""
    place.table(AutoScalingGroup).pop(group.name, None)
    if group.next_launch:
        group.next_launch.cancel()
    for action in _when_deleted:
        action(place, group)
    place.changed()


def find_group(place: Place, name: str) -> AutoScalingGroup:
    """The group a caller named, by name or ARN. Raises ValidationError."""
    groups = place.seen(AutoScalingGroup)
    found = groups.get(name) or next((one for one in groups.values() if one.arn == name), None)
    if found is None:
        raise AwsError("ValidationError", f"AutoScalingGroup name not found - AutoScalingGroup {name} not found")
    return found


def group_of(place: Place, instance_id: str) -> AutoScalingGroup | None:
    """The group whose member an instance is."""
    return next((one for one in place.table(AutoScalingGroup).values() if instance_id in one.members), None)


def set_capacity(place: Place, group: AutoScalingGroup, desired: int, cause: str) -> None:
    """Have the group be of this size, kept within its minimum and maximum; members follow as time goes by.

    `cause` is what AWS says after the moment: "a user request explicitly set group desired capacity",
    "an alarm triggered policy up". Nothing happens if it is of this size already.
    """
    wanted = max(group.minimum, min(group.maximum, desired))
    if wanted == group.desired:
        return
    group.causes.append(
        f"{at(place.clock.now())} {cause} changing the desired capacity from {group.desired} to {wanted}."
    )
    group.desired, group.policy_cooldown = wanted, None
    place.changed()
