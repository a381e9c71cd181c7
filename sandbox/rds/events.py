"""What happened to RDS things, as DescribeEvents tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.rds.listing import DEFAULT_PAGE
from sandbox.rds.refusals import invalid_combination, invalid_value
from sandbox.service import operation
from sandbox.world import Place

KEPT = timedelta(days=14)
DEFAULT_MINUTES = 60


@dataclass
class RdsEvent:
    source: str
    source_type: str
    source_arn: str
    message: str
    categories: list[str]
    happened_at: datetime
    visible_at: datetime


def record(place: Place, db_name: str, db_arn: str, message: str, category: str) -> None:
    """Note that something happened to a DB instance."""
    now = place.clock.now()
    events = place.table(RdsEvent)
    events[f"{len(events):09d}"] = RdsEvent(db_name, "db-instance", db_arn, message, [category], now, now)


@operation("rds", "DescribeEvents")
def describe_events(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Of the last hour unless told; at most 14 days back. Oldest first."""
    if request.get("SourceIdentifier") and not request.get("SourceType"):
        raise invalid_combination("SourceType must be given with SourceIdentifier.")
    now = place.clock.now()
    end = request.get("EndTime") or now
    start = request.get("StartTime") or end - timedelta(minutes=request.get("Duration") or DEFAULT_MINUTES)
    chosen = [
        (key, event)
        for key, event in sorted(place.seen(RdsEvent).items())
        if max(start, now - KEPT) <= event.happened_at <= end
        and request.get("SourceIdentifier") in (None, event.source)
        and request.get("SourceType") in (None, event.source_type)
        and key > (request.get("Marker") or "")
        and (not request.get("EventCategories") or set(request["EventCategories"]) & set(event.categories))
    ]
    return _page(chosen, request)


def _page(chosen: list[tuple[str, RdsEvent]], request: Mapping[str, Any]) -> dict[str, Any]:
    size = request.get("MaxRecords") or DEFAULT_PAGE
    if size < 1:
        raise invalid_value(f"Invalid value {size} for MaxRecords.")
    answer: dict[str, Any] = {
        "Events": [
            {
                "SourceIdentifier": event.source,
                "SourceType": event.source_type,
                "SourceArn": event.source_arn,
                "Message": event.message,
                "EventCategories": event.categories,
                "Date": event.happened_at,
            }
            for _, event in chosen[:size]
        ]
    }
    if len(chosen) > size:
        answer["Marker"] = chosen[size - 1][0]
    return answer
