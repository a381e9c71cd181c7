"""What CloudWatch has counted of late: whether somebody still uses what is about to be destroyed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.execution.step import Run

# How long nobody may have called. CloudWatch tells a minute's numbers some minutes late, and resolvers that do not
# keep to a TTL of a minute are known to keep an answer for some minutes more.
QUIET_MINUTES = 15
# A connection is seen once a minute for as long as it is open: the newest number is what counts, if it is not old.
CONNECTED_MINUTES = 5
PERIOD = 60  # seconds; both services report every minute


@dataclass(frozen=True)
class Metric:
    """What is counted, of what sort of thing, and how a minute's numbers become one."""

    namespace: str
    name: str
    dimension: str
    statistic: str


# What a load balancer answers itself, having no member in service, is not counted among its requests [K].
CALLS = (
    Metric("AWS/ELB", "RequestCount", "LoadBalancerName", "Sum"),
    Metric("AWS/ELB", "HTTPCode_ELB_5XX", "LoadBalancerName", "Sum"),
)
CONNECTIONS = Metric("AWS/RDS", "DatabaseConnections", "DBInstanceIdentifier", "Maximum")


async def calls_of(run: Run, name: str, now: datetime) -> int:
    """How often a load balancer was called in QUIET_MINUTES. Callers by TCP are not told of while it has nobody in
    service."""
    found = [point for metric in CALLS for point in await _points(run, metric, name, now, QUIET_MINUTES)]
    return int(sum(point["Sum"] for point in found))


async def connections_of(run: Run, name: str, now: datetime) -> int:
    """How many connections a database had when it was last looked at."""
    points = await _points(run, CONNECTIONS, name, now, CONNECTED_MINUTES)
    newest = max(points, key=lambda point: point["Timestamp"], default={"Maximum": 0})
    return int(newest["Maximum"])


async def _points(run: Run, metric: Metric, name: str, now: datetime, minutes: int) -> list[Mapping[str, Any]]:
    """Those of the last `minutes`; what was never reported has none."""
    answer = await run.cloud.call(
        "cloudwatch.get_metric_statistics",
        Namespace=metric.namespace,
        MetricName=metric.name,
        Dimensions=[{"Name": metric.dimension, "Value": name}],
        StartTime=now - timedelta(minutes=minutes),
        EndTime=now,
        Period=PERIOD,
        Statistics=[metric.statistic],
    )
    found: list[Mapping[str, Any]] = answer["Datapoints"]
    return found
