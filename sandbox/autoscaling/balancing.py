"""Which zone the next member goes to, and which member goes next."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sandbox.autoscaling.groups import AutoScalingGroup
from sandbox.autoscaling.launch_configurations import LaunchConfiguration
from sandbox.autoscaling.members import Member
from sandbox.ec2.instances import Instance
from sandbox.ec2.subnets import Subnet
from sandbox.world import Place

POLICIES = (
    "AllocationStrategy",
    "ClosestToNextInstanceHour",
    "Default",
    "NewestInstance",
    "OldestInstance",
    "OldestLaunchConfiguration",
    "OldestLaunchTemplate",
)
_BY_TEMPLATE = ("Default", "OldestLaunchConfiguration", "OldestLaunchTemplate")


@dataclass(frozen=True)
class Spot:
    """Where a member can be: a zone of EC2-Classic, or a subnet."""

    zone: str
    subnet_id: str = ""


def spots(place: Place, group: AutoScalingGroup) -> list[Spot]:
    """Every place the group launches in; a subnet that was deleted is none."""
    if not group.subnets:
        return [Spot(zone) for zone in group.zones]
    table = place.table(Subnet)
    return [Spot(table[one].zone, one) for one in group.subnets if one in table]


def next_spot(place: Place, group: AutoScalingGroup) -> Spot | None:
    """The zone with the fewest members, in it the subnet with the fewest; zones that failed of late last."""
    counted = [member for member in group.members.values() if member.counts]
    zones = Counter(member.zone for member in counted)
    subnets = Counter(member.subnet_id for member in counted)
    return min(
        spots(place, group),
        key=lambda spot: (spot.zone in group.avoid, zones[spot.zone], subnets[spot.subnet_id]),
        default=None,
    )


def unbalanced(place: Place, group: AutoScalingGroup) -> bool:
    """Whether a zone has two members more than another, or a member is where the group no longer is.

    Only where a member may go: else a new one would go the way it came.
    """
    possible = spots(place, group)
    free = [member for member in group.in_service if not member.protected]
    if not possible or not free:
        return False
    if any(_stray(member, possible) for member in free):
        return True
    zones = Counter(member.zone for member in group.in_service)
    counts = [zones[spot.zone] for spot in possible if spot.zone not in group.avoid]
    return bool(counts) and max(zones[member.zone] for member in free) - min(counts) >= 2


def next_victim(place: Place, group: AutoScalingGroup, now: datetime) -> Member | None:
    """By AWS's order: the zone with the most members that has one that is not protected, then the
    termination policies one after the other. None where all are protected.
    """
    possible = spots(place, group)
    zones = Counter(member.zone for member in group.in_service)
    free = [member for member in group.in_service if not member.protected]
    if not free:
        return None
    strays = [member for member in free if _stray(member, possible)]
    fullest = max(zones[member.zone] for member in free)
    left = strays or [member for member in free if zones[member.zone] == fullest]
    for policy in group.termination_policies:
        left = _by_policy(place, group, left, policy, now)
    return left[0]


def _stray(member: Member, possible: Sequence[Spot]) -> bool:
    return Spot(member.zone, member.subnet_id) not in possible


def _by_policy(place: Place, group: AutoScalingGroup, left: list[Member], policy: str, now: datetime) -> list[Member]:
    if policy in _BY_TEMPLATE:
        left = _oldest_template(place, group, left)
    if policy in ("Default", "ClosestToNextInstanceHour"):
        ages = {one.instance_id: (now - launched(place, one)).total_seconds() % 3600 for one in left}
        closest = max(ages.values())
        return [one for one in left if ages[one.instance_id] == closest]
    if policy in ("OldestInstance", "NewestInstance"):
        choose = min if policy == "OldestInstance" else max
        wanted = choose(launched(place, one) for one in left)
        return [one for one in left if launched(place, one) == wanted]
    return left


def _oldest_template(place: Place, group: AutoScalingGroup, left: list[Member]) -> list[Member]:
    """Members of launch configurations before those of launch templates, of each the oldest."""
    configurations = place.table(LaunchConfiguration)

    def age(member: Member) -> tuple[int, float]:
        if member.launch_template:
            return 1, float(member.launch_template["Version"])
        made = configurations.get(member.launch_configuration or "")
        return 0, made.created.timestamp() if made else 0.0

    if not group.launch_template and all(not one.launch_template for one in left):
        others = [one for one in left if one.launch_configuration != group.launch_configuration]
        left = others or left
    oldest = min(age(one) for one in left)
    return [one for one in left if age(one) == oldest]


def launched(place: Place, member: Member) -> datetime:
    instance = place.table(Instance).get(member.instance_id)
    return instance.launch_time if instance else place.clock.now()
