"""The sandbox as a process of its own: boto3 and the AWS CLI over HTTP, and the control door."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx2
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

READY_SECONDS = 60


def start(*options: str) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", "0", "--time-scale", "0", *options],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    return process, json.loads(process.stdout.readline())["aws"]


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    process, url = start()
    with process:
        yield url
        process.send_signal(signal.SIGTERM)
        assert process.wait(READY_SECONDS) == 0


@pytest.fixture
def door(aws: str) -> Iterator[httpx2.Client]:
    """The control door of an account that was just reset."""
    with httpx2.Client(base_url=f"{aws}/_sandbox", trust_env=False) as client:
        client.delete("/faults")
        client.post("/reset")
        yield client


@pytest.fixture
def far(aws: str) -> Any:
    return boto3.client(
        "ec2",
        endpoint_url=aws,
        region_name="us-east-1",
        aws_access_key_id="AKIASANDBOX",
        aws_secret_access_key="sandbox",
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


def test_boto3_works_against_it_unchanged(far: Any, door: httpx2.Client) -> None:
    vpc = far.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]

    assert [one["VpcId"] for one in far.describe_vpcs()["Vpcs"]] == [vpc]
    calls = door.get("/calls", params={"latest": 1}).json()
    assert calls["calls"]["ec2.CreateVpc"] == {"made": 1, "throttled": 0, "failed": 0}
    assert calls["latest"][0]["operation"] == "ec2.DescribeVpcs"


Cli = Callable[..., Any]


@pytest.fixture
def cli(aws: str, door: httpx2.Client) -> Cli:
    """The AWS CLI against it; what it prints, read."""
    environ = {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": aws,
        "AWS_ACCESS_KEY_ID": "AKIASANDBOX",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
    }

    def call(*words: str) -> Any:
        program = Path(sys.executable).parent / "aws"
        made = subprocess.run([program, *words], env=environ, capture_output=True, text=True, check=True)
        return json.loads(made.stdout or "null")

    return call


def test_the_aws_cli_makes_classic_things(cli: Cli) -> None:
    group = cli("ec2", "create-security-group", "--group-name", "web", "--description", "front")["GroupId"]
    found = cli("ec2", "describe-security-groups", "--group-names", "web")["SecurityGroups"][0]
    assert found["GroupId"] == group
    assert "VpcId" not in found


def test_the_aws_cli_makes_alarms(cli: Cli) -> None:
    words = "--namespace AWS/EC2 --metric-name CPUUtilization --statistic Average --period 60 --evaluation-periods 2"
    when = "--threshold 70 --comparison-operator GreaterThanThreshold"
    cli("cloudwatch", "put-metric-alarm", "--alarm-name", "busy", *words.split(), *when.split())
    (found,) = cli("cloudwatch", "describe-alarms", "--alarm-names", "busy")["MetricAlarms"]
    assert (found["Threshold"], found["StateValue"]) == (70.0, "INSUFFICIENT_DATA")


def test_a_lost_answer_closes_the_connection_after_the_effect(far: Any, door: httpx2.Client) -> None:
    door.post("/faults", json={"kind": "answer_lost", "operation": "CreateVpc", "times": 1})

    with pytest.raises(ConnectionClosedError):
        far.create_vpc(CidrBlock="10.0.0.0/16")

    assert len(far.describe_vpcs()["Vpcs"]) == 1
    assert door.get("/faults").json()["faults"][0]["hits"] == 1


def test_the_clock_can_be_stepped_and_run(door: httpx2.Client) -> None:
    assert door.get("/clock").json()["now"] == "2021-06-01T09:00:00+00:00"
    assert door.post("/clock", json={"advance_seconds": 90_000}).json()["now"] == "2021-06-02T10:00:00+00:00"
    assert door.post("/clock", json={"scale": 60}).json()["scale"] == 60


def test_requests_are_throttled_unless_that_is_switched_off(far: Any, door: httpx2.Client) -> None:
    def asked(times: int) -> int:
        for _ in range(times):
            far.describe_vpcs()
        return int(door.get("/calls").json()["calls"]["ec2.DescribeVpcs"]["made"])

    assert asked(100) == 100
    with pytest.raises(far.exceptions.ClientError, match="RequestLimitExceeded"):
        far.describe_vpcs()
    door.post("/throttle", json={"enabled": False})
    assert asked(20) == 121


def test_limits_and_roles_can_be_set(aws: str, far: Any, door: httpx2.Client) -> None:
    door.post("/limits", json={"elastic_ips_vpc": 50})
    (answer,) = far.describe_account_attributes(AttributeNames=["vpc-max-elastic-ips"])["AccountAttributes"]
    assert answer["AttributeValues"] == [{"AttributeValue": "50"}]

    role = "arn:aws:iam::999999999999:role/r"
    assert role in door.post("/roles", json={"arn": role, "external_id": "x"}).json()["roles"]


def test_reach_flows_and_outages_are_told(far: Any, door: httpx2.Client) -> None:
    image = far.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    made = far.run_instances(ImageId=image, InstanceType="m1.small", MinCount=1, MaxCount=1)
    ref = f"instance:{made['Instances'][0]['InstanceId']}"
    door.post("/clock", json={"advance_seconds": 600})

    answer = door.get("/reach", params={"source": "internet", "target": ref, "port": 80}).json()
    assert answer["ok"] is False
    assert answer["why"]
    flow = {"id": "in", "sources": ["internet"], "targets": [ref], "port": 80}
    assert door.post("/flows", json={"flows": [flow]}).json() == {"declared": 1}
    began = door.get("/clock").json()["now"]
    door.post("/clock", json={"advance_seconds": 10})
    (outage,) = door.get("/outages", params={"since": began}).json()["outages"]
    assert (outage["flow"], outage["total_seconds"]) == ("in", 10)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/clock", b'{"advance_seconds": -1}', 400),
        ("POST", "/clock", b'{"advance": 1}', 400),
        ("POST", "/clock", b"soon", 400),
        ("POST", "/clock", b"[1]", 400),
        ("POST", "/faults", b'{"kind": "flood"}', 400),
        ("POST", "/faults", b'{"faults": 3}', 400),
        ("POST", "/flows", b"{}", 400),
        ("POST", "/limits", b'{"patience": 3}', 400),
        ("POST", "/roles", b"{}", 400),
        ("GET", "/reach", b"", 400),
        ("GET", "/outages?since=yesterday", b"", 400),
        ("DELETE", "/clock", b"", 405),
        ("GET", "/window", b"", 404),
    ],
)
def test_the_door_says_what_is_wrong(door: httpx2.Client, method: str, path: str, body: bytes, status: int) -> None:
    answer = door.request(method, path, content=body)

    assert answer.status_code == status
    assert answer.json()["error"]


def test_an_unknown_scenario_ends_at_once() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "sandbox", "--scenario", "utopia"], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 2
    assert "no scenario 'utopia'" in ended.stderr
