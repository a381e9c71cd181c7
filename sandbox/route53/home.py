"""Hosted zones as Route 53 keeps them: globally, whatever region a caller signs for."""

from dataclasses import dataclass, field
from datetime import datetime

from sandbox.errors import AwsError
from sandbox.world import Place

GLOBAL = "aws-global"


@dataclass
class HostedZone:
    id: str
    name: str  # in lower case, with the final dot
    caller_reference: str
    comment: str
    vpcs: list[tuple[str, str]]  # region and id; a zone with VPCs is private
    visible_at: datetime
    tags: dict[str, str] = field(default_factory=dict)


def everywhere(place: Place) -> Place:
    """The place where an account's Route 53 state is kept."""
    return place.world.place(place.account_id, GLOBAL)


def full_name(name: str) -> str:
    """A domain name as Route 53 keeps it: lower case, `\\052` for a wildcard, a final dot."""
    return name.lower().rstrip(".").replace("*", "\\052") + "."


def by_label(name: str) -> list[str]:
    """The key by which Route 53 orders names: from the last label to the first."""
    return name.rstrip(".").split(".")[::-1]


def bare_id(zone_id: str) -> str:
    return zone_id.removeprefix("/hostedzone/")


def find_zone(place: Place, zone_id: str) -> HostedZone:
    """Raises NoSuchHostedZone."""
    zone = everywhere(place).seen(HostedZone).get(bare_id(zone_id))
    if zone is None:
        raise AwsError("NoSuchHostedZone", f"No hosted zone found with ID: {bare_id(zone_id)}", 404)
    return zone
