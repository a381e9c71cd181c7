"""Security groups of both platforms, as stored: a group without a VPC is of EC2-Classic."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.errors import AwsError
from sandbox.service import in_every_place
from sandbox.world import Place

# The source group of load balancers in EC2-Classic: its owner is an alias, not an account (aws-facts A2).
ELB_OWNER, ELB_GROUP, ELB_GROUP_ID = "amazon-elb", "amazon-elb-sg", "sg-843f59ed"


@dataclass
class Permission:
    """One rule: one source (or, outbound, one destination). Ports are None for protocol "-1"."""

    id: str
    protocol: str
    from_port: int | None = None
    to_port: int | None = None
    cidr: str | None = None
    cidr_v6: str | None = None
    group_id: str | None = None
    group_owner: str | None = None
    group_name: str | None = None
    description: str | None = None

    @property
    def allows(self) -> tuple[Any, ...]:
        """What makes two rules the same rule."""
        source = (self.cidr, self.cidr_v6, self.group_id, self.group_owner)
        return (self.protocol, self.from_port, self.to_port, *source)


@dataclass
class SecurityGroup:
    id: str
    name: str
    description: str
    vpc_id: str | None
    owner_id: str
    visible_at: datetime
    ingress: list[Permission] = field(default_factory=list)
    egress: list[Permission] = field(default_factory=list)


def find_group(place: Place, group_id: str) -> SecurityGroup:
    """Raises InvalidGroup.NotFound, InvalidGroupId.Malformed."""
    group = place.seen(SecurityGroup).get(group_id)
    if group is None:
        if not group_id.startswith("sg-"):
            raise AwsError("InvalidGroupId.Malformed", f'Invalid id: "{group_id}" (expecting "sg-...")')
        raise AwsError("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")
    return group


def find_group_by_name(place: Place, name: str, vpc_id: str | None = None) -> SecurityGroup:
    """A group of EC2-Classic (or of `vpc_id`) by its name. Raises InvalidGroup.NotFound."""
    for group in place.seen(SecurityGroup).values():
        if group.vpc_id == vpc_id and group.name == name:
            return group
    raise AwsError("InvalidGroup.NotFound", f"The security group '{name}' does not exist")


def asked_group(place: Place, request: Mapping[str, Any]) -> SecurityGroup:
    """The group a request names: by id, or by name where that is a group of EC2-Classic (aws-facts A2)."""
    if request.get("GroupId"):
        return find_group(place, request["GroupId"])
    if request.get("GroupName"):
        return find_group_by_name(place, request["GroupName"], None if place.has_classic else default_vpc_id(place))
    raise AwsError("MissingParameter", "The request must contain the parameter groupName or groupId")


def default_group(place: Place, vpc_id: str | None) -> SecurityGroup:
    """The group called `default` that every VPC and EC2-Classic itself has."""
    return next(
        group for group in place.table(SecurityGroup).values() if group.vpc_id == vpc_id and group.name == "default"
    )


def make_default_group(place: Place, vpc_id: str | None) -> SecurityGroup:
    """Members may call each other; in a VPC they may also call anybody."""
    group = SecurityGroup(
        id=place.new_id("sg"),
        name="default",
        description="default VPC security group" if vpc_id else "default group",
        vpc_id=vpc_id,
        owner_id=place.account_id,
        visible_at=place.clock.now(),
    )
    if vpc_id:
        members = Permission(place.new_id("sgr"), "-1", group_id=group.id, group_owner=place.account_id)
        group.ingress.append(members)
        group.egress.append(allow_all(place))
    else:
        for protocol, first, last in (("tcp", 0, 65535), ("udp", 0, 65535), ("icmp", -1, -1)):
            rule = Permission(place.new_id("sgr"), protocol, first, last)
            rule.group_id, rule.group_owner, rule.group_name = group.id, place.account_id, group.name
            group.ingress.append(rule)
    place.table(SecurityGroup)[group.id] = group
    return group


def allow_all(place: Place) -> Permission:
    """The outbound rule that a new group of a VPC starts with."""
    return Permission(place.new_id("sgr"), "-1", cidr="0.0.0.0/0")


def rules_of(place: Place) -> Iterator[tuple[SecurityGroup, Permission, bool]]:
    """Every rule there is: its group, the rule, whether it is outbound."""
    for group in place.seen(SecurityGroup).values():
        yield from ((group, rule, False) for rule in group.ingress)
        yield from ((group, rule, True) for rule in group.egress)


def users_of(place: Place, group_id: str) -> Iterator[str]:
    """What keeps a group from being deleted: whatever is in it, and other groups whose rules name it.

    Anything counts that has `group_ids` or `vpc_security_group_ids` and is not terminated.
    """
    for thing in place.things():
        if isinstance(thing, SecurityGroup):
            rules = thing.ingress + thing.egress
            if thing.id != group_id and any(rule.group_id == group_id for rule in rules):
                yield thing.id
        elif getattr(thing, "state", "") != "terminated":
            held = [*getattr(thing, "group_ids", ()), *getattr(thing, "vpc_security_group_ids", ())]
            if group_id in held:
                yield type(thing).__name__


def default_vpc_id(place: Place) -> str:
    """Raises VPCIdNotSpecified where there is none."""
    for thing in place.things():
        if getattr(thing, "is_default", False):
            return str(thing.id)
    raise AwsError("VPCIdNotSpecified", "No default VPC for this user")


@in_every_place
def _classic_default(place: Place) -> None:
    make_default_group(place, None)
