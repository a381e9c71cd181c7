"""Scaling activities: what a group did, why, and how it ended."""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime

from sandbox.world import Place

ENDED = ("Successful", "Failed", "Cancelled")
MOST_CAUSE = 1023


@dataclass
class Activity:
    """As DescribeScalingActivities shows it; `order` tells apart what began in one moment."""

    id: str
    group_name: str
    group_arn: str
    description: str
    cause: str
    started: datetime
    visible_at: datetime
    order: int
    status: str = "InProgress"
    progress: int = 0
    message: str = ""
    ended: datetime | None = None
    details: str = "{}"

    @property
    def under_way(self) -> bool:
        return self.ended is None


def begin(place: Place, group_name: str, group_arn: str, description: str, cause: str, **details: str) -> Activity:
    """Record that the group has begun something; `details` with spaces for underscores."""
    now = place.clock.now()
    table = place.table(Activity)
    activity = Activity(
        id=str(uuid.UUID(int=place.world.random.getrandbits(128), version=4)),
        group_name=group_name,
        group_arn=group_arn,
        description=description,
        cause=cause[:MOST_CAUSE],
        started=now,
        visible_at=now,
        order=len(table),
        details=json.dumps({key.replace("_", " "): value for key, value in details.items()}),
    )
    table[activity.id] = activity
    return activity


def advance(activity: Activity | None, status: str, progress: int) -> None:
    if activity is not None and activity.under_way:
        activity.status, activity.progress = status, progress


def end(place: Place, activity: Activity | None, status: str, message: str = "") -> None:
    """`status` is one of ENDED; what has ended stays as it is."""
    if activity is not None and activity.under_way:
        activity.status, activity.message, activity.ended, activity.progress = status, message, place.clock.now(), 100


def at(moment: datetime) -> str:
    """How causes write a moment."""
    return f"At {moment:%Y-%m-%dT%H:%M:%SZ}"
