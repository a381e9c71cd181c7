"""GetMetricStatistics, of what the sandbox measures: calls of load balancers and connections of databases.

The callers of each declared flow call a load balancer every `durations.between_calls`, and keep one connection to
a database open. Nothing else is measured, and of nothing that is not declared is anything known.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from sandbox.elb.load_balancers import LoadBalancer
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.traffic import Spell, spells
from sandbox.world import Place

MOST_POINTS = 1_440
MINUTE = 60
_WEB = ("HTTP", "HTTPS")
_STATISTICS = ("Average", "Maximum", "Minimum", "SampleCount", "Sum")

# The values of a metric's minutes in [start, end), by the end of a metric's dimension.
Measured = Callable[[Place, str, datetime], float | None]


@operation("cloudwatch", "GetMetricStatistics")
def get_metric_statistics(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Points of whole periods, in no order that AWS promises; a period without a value has no point."""
    period, start, end = request["Period"], request["StartTime"], request["EndTime"]
    _check(request)
    start = start.replace(second=0, microsecond=0)
    metric = _metric(request)
    points = []
    while metric and start < min(end, place.clock.now()):
        values = list(_values(place, metric, start, period))
        if values:
            points.append(_point(start, values, request.get("Statistics") or (), metric[2]))
        start += timedelta(seconds=period)
    return {"Label": request["MetricName"], "Datapoints": points}


def _check(request: Mapping[str, Any]) -> None:
    """Raises the codes that CloudWatch has for what does not fit together."""
    period, start, end = request["Period"], request["StartTime"], request["EndTime"]
    if period < MINUTE or period % MINUTE:
        raise AwsError("InvalidParameterValue", f"Period {period} is not a multiple of 60")
    if not start < end:
        raise AwsError("InvalidParameterValue", "The parameter StartTime must be less than the parameter EndTime.")
    if (end - start).total_seconds() / period > MOST_POINTS:
        raise AwsError(
            "InvalidParameterCombination", f"You have requested more than {MOST_POINTS} datapoints: use a longer Period"
        )
    if bool(request.get("Statistics")) == bool(request.get("ExtendedStatistics")):
        raise AwsError("InvalidParameterCombination", "Specify either Statistics or ExtendedStatistics")


def _metric(request: Mapping[str, Any]) -> tuple[Measured, str, str] | None:
    """How it is measured, of what, and in which unit; None for what nobody measures."""
    dimensions = {each["Name"]: each["Value"] for each in request.get("Dimensions") or ()}
    known = _METRICS.get((request["Namespace"], request["MetricName"]))
    if known is None or set(dimensions) != {known[0]}:
        return None
    return known[1], dimensions[known[0]], "Count"


def _values(place: Place, metric: tuple[Measured, str, str], start: datetime, period: int) -> Iterator[float]:
    """One a minute, of minutes that have begun."""
    for minute in range(0, period, MINUTE):
        value = metric[0](place, metric[1], start + timedelta(seconds=minute))
        if value is not None:
            yield value


def _point(start: datetime, values: list[float], wanted: list[str] | tuple[()], unit: str) -> dict[str, Any]:
    told = (sum(values) / len(values), max(values), min(values), float(len(values)), sum(values))
    of = dict(zip(_STATISTICS, told, strict=True))
    return {"Timestamp": start, "Unit": unit, **{name: of[name] for name in wanted}}


def _during(place: Place, ref: str, minute: datetime) -> Iterator[tuple[Spell, float]]:
    """The spells that took up some of the minute, and how many seconds of it."""
    until = min(minute + timedelta(seconds=MINUTE), place.clock.now())
    for spell in spells(place, ref):
        if seconds := spell.seconds(minute, until):
            yield spell, seconds


def _requests(place: Place, name: str, minute: datetime) -> float | None:
    """Those that were handed to a member. A minute without any is not reported."""
    served = sum(seconds for spell, seconds in _during(place, f"load_balancer:{name}", minute) if spell.served)
    return served // place.durations.between_calls or None


def _refusals(place: Place, name: str, minute: datetime) -> float | None:
    """Requests that the load balancer answered itself, having nobody to hand them to; of HTTP alone."""
    balancer = place.table(LoadBalancer).get(name)
    web = {each.port for each in balancer.listeners if each.protocol in _WEB} if balancer else set()
    found = _during(place, f"load_balancer:{name}", minute)
    refused = sum(seconds for spell, seconds in found if not spell.served and spell.port in web)
    return refused // place.durations.between_calls or None


def _connections(place: Place, name: str, minute: datetime) -> float | None:
    """Open at some time of the minute; 0 is reported, too."""
    flows = {spell.flow for spell, _ in _during(place, f"rds_instance:{name}", minute) if spell.served}
    return float(len(flows))


_METRICS: dict[tuple[str, str], tuple[str, Measured]] = {
    ("AWS/ELB", "RequestCount"): ("LoadBalancerName", _requests),
    ("AWS/ELB", "HTTPCode_ELB_5XX"): ("LoadBalancerName", _refusals),
    ("AWS/RDS", "DatabaseConnections"): ("DBInstanceIdentifier", _connections),
}
