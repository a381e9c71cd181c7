"""Who calls, and taking on a role."""

from datetime import UTC, datetime

import boto3

from sandbox.hook import connect
from sandbox.world import World
from tests.sandbox.conftest import Refused

ROLE = "arn:aws:iam::999999999999:role/path/migrator"


def test_a_plain_key_is_the_users(session: boto3.Session) -> None:
    identity = session.client("sts").get_caller_identity()

    assert identity["Account"] == "123456789012"
    assert identity["Arn"] == "arn:aws:iam::123456789012:user/sandbox"


def test_a_role_leads_to_its_own_account(world: World, session: boto3.Session) -> None:
    world.roles[ROLE] = "between-us"
    answer = session.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="job", ExternalId="between-us")
    keys = answer["Credentials"]
    assumed = connect(
        world,
        boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "us-east-1"),
    )

    identity = assumed.client("sts").get_caller_identity()
    assert identity["Account"] == "999999999999"
    assert identity["Arn"] == "arn:aws:sts::999999999999:assumed-role/migrator/job"
    session.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
    assert assumed.client("ec2").describe_vpcs()["Vpcs"] == []
    assert 3590 < (keys["Expiration"] - datetime.now(UTC)).total_seconds() <= 3600


def test_without_its_external_id_a_role_is_denied(world: World, session: boto3.Session, refused: Refused) -> None:
    world.roles[ROLE] = "between-us"
    sts = session.client("sts")

    with refused("AccessDenied"):
        sts.assume_role(RoleArn=ROLE, RoleSessionName="job")
    with refused("AccessDenied"):
        sts.assume_role(RoleArn=ROLE, RoleSessionName="job", ExternalId="a guess")
    with refused("AccessDenied"):
        sts.assume_role(RoleArn=ROLE + "-other", RoleSessionName="job", ExternalId="between-us")
