"""CloudWatch's alarms, over the protocols that its clients speak."""

import json
from typing import Any

import boto3
import pytest

from sandbox.dispatch import answer
from sandbox.wire import HttpRequest
from sandbox.world import World
from tests.sandbox.conftest import Refused

CPU: dict[str, Any] = {
    "AlarmName": "web-busy",
    "Namespace": "AWS/EC2",
    "MetricName": "CPUUtilization",
    "Dimensions": [{"Name": "AutoScalingGroupName", "Value": "web"}],
    "Statistic": "Average",
    "Period": 60,
    "EvaluationPeriods": 2,
    "Threshold": 70.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "AlarmActions": ["arn:aws:sns:us-east-1:123456789012:ops"],
}


@pytest.fixture
def watch(session: boto3.Session, once: Any) -> Any:
    return session.client("cloudwatch", config=once)


def described(watch: Any, name: str = "web-busy") -> dict[str, Any]:
    (found,) = watch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return dict(found)


def test_an_alarm_is_described_as_it_was_put(watch: Any) -> None:
    watch.put_metric_alarm(**CPU)
    found = described(watch)
    assert {key: found[key] for key in CPU} == CPU
    assert (found["StateValue"], found["ActionsEnabled"], found["OKActions"]) == ("INSUFFICIENT_DATA", True, [])


def test_putting_an_alarm_again_keeps_its_state_and_tags(watch: Any) -> None:
    watch.put_metric_alarm(**CPU, Tags=[{"Key": "app", "Value": "shop"}])
    watch.set_alarm_state(AlarmName="web-busy", StateValue="ALARM", StateReason="a drill")
    watch.put_metric_alarm(**{**CPU, "Threshold": 80.0}, Tags=[{"Key": "app", "Value": "other"}])
    found = described(watch)
    assert (found["Threshold"], found["StateValue"], found["StateReason"]) == (80.0, "ALARM", "a drill")
    assert watch.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"] == [{"Key": "app", "Value": "shop"}]


def test_alarms_are_listed_in_pages_and_by_prefix_state_and_action(watch: Any) -> None:
    for number in range(5):
        watch.put_metric_alarm(**{**CPU, "AlarmName": f"web-{number}"})
    watch.put_metric_alarm(**{**CPU, "AlarmName": "app", "AlarmActions": []})
    watch.set_alarm_state(AlarmName="web-3", StateValue="OK", StateReason="fine")

    def names(**asked: Any) -> list[str]:
        pages = watch.get_paginator("describe_alarms").paginate(**asked, PaginationConfig={"PageSize": 2})
        return [each["AlarmName"] for page in pages for each in page["MetricAlarms"]]

    assert names() == ["app", "web-0", "web-1", "web-2", "web-3", "web-4"]
    assert names(AlarmNamePrefix="web-") == ["web-0", "web-1", "web-2", "web-3", "web-4"]
    assert names(StateValue="OK") == ["web-3"]
    assert names(ActionPrefix="arn:aws:sns", AlarmNamePrefix="a") == []
    assert names(AlarmTypes=["CompositeAlarm"]) == []


def test_alarms_are_found_by_their_metric(watch: Any) -> None:
    watch.put_metric_alarm(**CPU)
    metric = {key: CPU[key] for key in ("Namespace", "MetricName", "Dimensions")}
    assert len(watch.describe_alarms_for_metric(**metric, Period=60)["MetricAlarms"]) == 1
    assert watch.describe_alarms_for_metric(**metric, Period=300)["MetricAlarms"] == []
    assert watch.describe_alarms_for_metric(Namespace="AWS/EC2", MetricName="CPUUtilization")["MetricAlarms"] == []


def test_actions_can_be_switched_off_and_on(watch: Any) -> None:
    watch.put_metric_alarm(**CPU)
    watch.disable_alarm_actions(AlarmNames=["web-busy", "nobody"])
    assert not described(watch)["ActionsEnabled"]
    watch.enable_alarm_actions(AlarmNames=["web-busy"])
    assert described(watch)["ActionsEnabled"]


def test_alarms_are_deleted_together_or_not_at_all(watch: Any, refused: Refused) -> None:
    watch.put_metric_alarm(**CPU)
    with refused("ResourceNotFound"):
        watch.delete_alarms(AlarmNames=["web-busy", "nobody"])
    described(watch)
    watch.delete_alarms(AlarmNames=["web-busy"])
    assert watch.describe_alarms()["MetricAlarms"] == []


def test_what_aws_refuses_is_refused(watch: Any, world: World, refused: Refused) -> None:
    with refused("ResourceNotFound"):
        watch.set_alarm_state(AlarmName="nobody", StateValue="OK", StateReason="r")
    with refused("InvalidParameterCombination"):
        watch.put_metric_alarm(**CPU, ExtendedStatistic="p90")
    with refused("InvalidParameterValue"):
        watch.put_metric_alarm(**{**CPU, "Period": 61})
    with refused("ResourceNotFoundException"):
        watch.list_tags_for_resource(ResourceARN="arn:aws:cloudwatch:us-east-1:123456789012:alarm:nobody")
    world.place().limits.alarms = 0
    with refused("LimitExceeded"):
        watch.put_metric_alarm(**CPU)


def test_alarms_carry_tags(watch: Any) -> None:
    watch.put_metric_alarm(**CPU)
    arn = described(watch)["AlarmArn"]
    watch.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    watch.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert watch.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "2"}]


AUTHORIZATION = "AWS4-HMAC-SHA256 Credential=AKIASANDBOX/20210601/us-east-1/monitoring/aws4_request, Signature=x"


def test_older_clients_speak_the_query_protocol(watch: Any, world: World) -> None:
    watch.put_metric_alarm(**CPU)
    headers = {"Authorization": AUTHORIZATION, "Content-Type": "application/x-www-form-urlencoded"}
    body = b"Action=DescribeAlarms&Version=2010-08-01&AlarmNames.member.1=web-busy"
    reply = answer(world, HttpRequest("POST", "/", headers, body))
    assert (reply.status, b"<AlarmName>web-busy</AlarmName>" in reply.body) == (200, True)
    refusal = answer(world, HttpRequest("POST", "/", headers, body.replace(b"DescribeAlarms", b"Nonsense")))
    assert b"<Code>InvalidAction</Code>" in refusal.body


def test_a_refusal_of_a_json_request_is_json(world: World) -> None:
    headers = {"Authorization": AUTHORIZATION, "X-Amz-Target": "GraniteServiceVersion20100801.Nonsense"}
    reply = answer(world, HttpRequest("POST", "/", headers, b"{}"))
    assert json.loads(reply.body)["__type"] == "InvalidAction"
    assert reply.headers["x-amzn-query-error"] == "InvalidAction;Sender"
