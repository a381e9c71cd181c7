"""GetMetricStatistics: what was called, and when, as CloudWatch tells it."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.outages import Outages
from tests.scenarios.shop_account import Shop

FRONT = "load_balancer:front"


@pytest.fixture
def shop() -> Shop:
    return Shop()


def points(shop: Shop, metric: str, name: str, minutes: int = 10, **more: Any) -> list[float]:
    """In order; by default the sums of single minutes."""
    now = shop.bench.world.clock.now()
    of = "LoadBalancerName" if metric != "DatabaseConnections" else "DBInstanceIdentifier"
    asked = {"Period": 60, "Statistics": ["Sum"], **more}
    answer = shop.bench.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/ELB" if of == "LoadBalancerName" else "AWS/RDS",
        MetricName=metric,
        Dimensions=[{"Name": of, "Value": name}],
        StartTime=now - timedelta(minutes=minutes),
        EndTime=now,
        **asked,
    )
    found = sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])
    return [point[asked["Statistics"][0]] for point in found]


def watched(shop: Shop, source: str = "internet", target: str = FRONT, port: int = 80) -> Outages:
    outages = Outages(shop.bench.world)
    outages.declare([{"id": "f", "sources": [source], "targets": [target], "port": port}])
    return outages


def test_what_nobody_calls_has_no_numbers(shop: Shop) -> None:
    shop.balancer()
    shop.passes(600)
    assert points(shop, "RequestCount", "front") == points(shop, "RequestCount", "nobody") == []


def test_callers_of_a_load_balancer_are_counted_minute_by_minute(shop: Shop) -> None:
    shop.balancer()
    watched(shop)
    shop.passes(180)
    counted = points(shop, "RequestCount", "front")
    assert sum(counted) == pytest.approx(180, abs=len(counted))
    assert max(counted) == 60
    assert points(shop, "HTTPCode_ELB_5XX", "front") == []


def test_callers_are_turned_away_where_no_member_is_in_service(shop: Shop) -> None:
    shop.balancer()
    watched(shop)
    shop.ec2.stop_instances(InstanceIds=shop.web)
    shop.passes(600)
    assert points(shop, "RequestCount", "front", 5) == []
    assert max(points(shop, "HTTPCode_ELB_5XX", "front", 5)) == 60


def test_a_flow_that_is_declared_otherwise_calls_there_no_more(shop: Shop) -> None:
    shop.balancer()
    shop.balancer("back")
    outages = watched(shop)
    shop.passes(120)
    outages.declare([{"id": "f", "sources": ["internet"], "targets": ["load_balancer:back"], "port": 80}])
    shop.passes(600)
    assert points(shop, "RequestCount", "front", 5) == []
    assert max(points(shop, "RequestCount", "back", 5)) == 60


def test_a_database_tells_how_many_are_connected_and_also_that_nobody_is(shop: Shop) -> None:
    shop.database()
    maximum: dict[str, Any] = {"Statistics": ["Maximum"]}
    assert set(points(shop, "DatabaseConnections", "main", **maximum)) == {0}
    watched(shop, f"instance:{shop.web[0]}", "rds_instance:main", 3306)
    shop.passes(120)
    assert points(shop, "DatabaseConnections", "main", **maximum)[-1] == 1
    shop.ec2.stop_instances(InstanceIds=shop.web)
    shop.passes(300)
    assert points(shop, "DatabaseConnections", "main", **maximum)[-1] == 0


def test_minutes_are_summed_up_over_longer_periods(shop: Shop) -> None:
    shop.balancer()
    watched(shop)
    shop.passes(1_800)
    assert max(points(shop, "RequestCount", "front", 20, Period=300)) == 300
    assert max(points(shop, "RequestCount", "front", 20, Period=300, Statistics=["Average"])) == 60


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"Period": 61}, "InvalidParameterValue"),
        ({"minutes": 0}, "InvalidParameterValue"),
        ({"minutes": 3_000}, "InvalidParameterCombination"),
        ({"ExtendedStatistics": ["p99"]}, "InvalidParameterCombination"),
    ],
)
def test_what_does_not_fit_together_is_refused(shop: Shop, asked: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as refused:
        points(shop, "RequestCount", "front", **asked)
    assert refused.value.response["Error"]["Code"] == code


def test_answers_tell_the_sandboxs_time(shop: Shop) -> None:
    headers = shop.ec2.describe_vpcs()["ResponseMetadata"]["HTTPHeaders"]
    assert headers["date"] == f"{shop.bench.world.clock.now():%a, %d %b %Y %H:%M:%S GMT}"
