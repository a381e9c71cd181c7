"""The way of a request through the sandbox: wire, validation, DryRun, counts, ids."""

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox import check, wire
from sandbox.errors import AwsError
from sandbox.world import World
from tests.sandbox.conftest import Refused


def test_every_answer_carries_a_request_id_of_its_own(ec2: Any, world: World) -> None:
    first = ec2.describe_vpcs()["ResponseMetadata"]["RequestId"]
    second = ec2.describe_vpcs()["ResponseMetadata"]["RequestId"]

    assert first != second
    assert [call.request_id for call in world.calls.latest] == [first, second]


def test_a_refusal_carries_code_message_status_and_request_id(ec2: Any) -> None:
    with pytest.raises(ClientError) as caught:
        ec2.describe_vpcs(VpcIds=["vpc-1"])

    response = caught.value.response
    assert response["Error"] == {
        "Code": "InvalidVpcID.NotFound",
        "Message": "The ID 'vpc-1' does not exist",
    }
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["ResponseMetadata"]["RequestId"]


def test_calls_are_counted_by_outcome(ec2: Any, world: World, refused: Refused) -> None:
    ec2.describe_vpcs()
    with refused("InvalidVpcID.NotFound"):
        ec2.describe_vpcs(VpcIds=["vpc-1"])

    count = world.calls.counts["ec2.DescribeVpcs"]
    assert (count.made, count.throttled, count.failed) == (2, 0, 1)


def test_a_dry_run_changes_nothing_and_is_no_failure(ec2: Any, world: World, refused: Refused) -> None:
    with refused("DryRunOperation"):
        ec2.create_vpc(CidrBlock="10.0.0.0/16", DryRun=True)

    assert ec2.describe_vpcs()["Vpcs"] == []
    assert world.calls.counts["ec2.CreateVpc"].failed == 0


def test_an_operation_the_sandbox_lacks_is_refused(ec2: Any, refused: Refused) -> None:
    with refused("InvalidAction"):
        ec2.describe_hosts()


def test_requests_are_held_against_the_model_also_when_the_client_did_not_look(
    session: boto3.Session, refused: Refused
) -> None:
    careless = session.client("ec2", config=Config(parameter_validation=False))

    with refused("MissingParameter"):
        careless.create_subnet(CidrBlock="10.0.0.0/24")
    with refused("InvalidParameterValue"):
        careless.create_vpc(CidrBlock="10.0.0.0/16", InstanceTenancy="rented")


def test_an_answer_that_aws_could_not_give_is_a_mistake_of_the_sandbox() -> None:
    asked = wire.Asked("ec2", "DescribeVpcs", "us-east-1", "AKIA")

    check.check_answer(asked, {"Vpcs": [{"VpcId": "vpc-1", "IsDefault": None}]})
    wrongs: list[dict[str, Any]] = [{"Vpc": []}, {"Vpcs": [{"VpcId": 1}]}, {"Vpcs": [{"State": "lost"}]}, {"Vpcs": {}}]
    for wrong in wrongs:
        with pytest.raises(AssertionError):
            check.check_answer(asked, wrong)


def test_an_unsigned_request_is_refused() -> None:
    with pytest.raises(AwsError) as caught:
        wire.understand(wire.HttpRequest("GET", "/", {}, b""), frozenset({"ec2"}))

    assert (caught.value.code, caught.value.status) == ("MissingAuthenticationToken", 403)


def test_a_number_that_is_none_is_refused() -> None:
    headers = {
        "Authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20210601/us-east-1/ec2/aws4_request, Signature=0",
        "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
    }
    request = wire.HttpRequest("POST", "/", headers, b"Action=DescribeVpcs&MaxResults=many")

    with pytest.raises(AwsError, match="many"):
        wire.understand(request, frozenset({"ec2"}))


def test_regions_are_separate(session: boto3.Session) -> None:
    east, west = (session.client("ec2", region_name=region) for region in ("us-east-1", "us-west-2"))
    east.create_vpc(CidrBlock="10.0.0.0/16")

    assert len(east.describe_vpcs()["Vpcs"]) == 1
    assert west.describe_vpcs()["Vpcs"] == []
    assert west.describe_availability_zones()["AvailabilityZones"][0]["ZoneName"] == "us-west-2a"


def test_the_same_seed_gives_the_same_history(refused: Refused) -> None:
    from sandbox.hook import connect

    def history() -> list[str]:
        ec2 = connect(World(seed=7)).client("ec2")
        return [ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"] for _ in range(3)]

    assert history() == history()
