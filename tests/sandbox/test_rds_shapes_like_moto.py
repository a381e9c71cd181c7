"""In a VPC, where moto knows RDS too, the sandbox's answers have the members and types that moto's have."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from sandbox.hook import connect
from sandbox.world import World

# What moto answers and the sandbox leaves out: parts of RDS that it does not model.
NOT_MODELLED = {
    "AssociatedRoles",
    "CACertificateIdentifier",
    "DomainMemberships",
    "EnabledCloudwatchLogsExports",
    "IAMDatabaseAuthenticationEnabled",
}
INSTANCE = {
    "DBInstanceIdentifier": "main",
    "DBInstanceClass": "db.m3.medium",
    "Engine": "mysql",
    "EngineVersion": "8.0.23",
    "AllocatedStorage": 20,
    "MasterUsername": "admin",
    "MasterUserPassword": "correct-horse",
    "DBSubnetGroupName": "private",
    "Tags": [{"Key": "team", "Value": "shop"}],
}
Answers = dict[str, Any]


def play(session: boto3.Session, wait: Callable[[], None]) -> Answers:
    """One story told to whichever account the session speaks to: each answer, by what was asked."""
    ec2, rds = session.client("ec2"), session.client("rds")
    vpc_id = ec2.create_vpc(CidrBlock="172.20.0.0/16")["Vpc"]["VpcId"]
    subnet_ids = [
        ec2.create_subnet(VpcId=vpc_id, CidrBlock=f"172.20.{n}.0/24", AvailabilityZone=f"us-east-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("ab")
    ]
    told: Answers = {
        "subnet group": rds.create_db_subnet_group(
            DBSubnetGroupName="private", DBSubnetGroupDescription="d", SubnetIds=subnet_ids
        ),
        "parameter group": rds.create_db_parameter_group(
            DBParameterGroupName="tuned", DBParameterGroupFamily="mysql8.0", Description="d"
        ),
        "option group": rds.create_option_group(
            OptionGroupName="ours", EngineName="mysql", MajorEngineVersion="8.0", OptionGroupDescription="d"
        ),
    }
    rds.create_db_instance(**INSTANCE)
    wait()
    told["instance"] = rds.describe_db_instances(DBInstanceIdentifier="main")
    rds.create_db_snapshot(DBSnapshotIdentifier="before", DBInstanceIdentifier="main")
    wait()
    told["snapshot"] = rds.describe_db_snapshots(DBSnapshotIdentifier="before")
    rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier="twin", DBSnapshotIdentifier="before", DBSubnetGroupName="private"
    )
    wait()
    told["restored"] = rds.describe_db_instances(DBInstanceIdentifier="twin")
    told["tags"] = rds.list_tags_for_resource(ResourceName=told["instance"]["DBInstances"][0]["DBInstanceArn"])
    told["refusals"] = [
        refusal_of(rds.describe_db_instances, DBInstanceIdentifier="gone"),
        refusal_of(rds.create_db_instance, **INSTANCE),
        refusal_of(rds.create_db_snapshot, DBSnapshotIdentifier="before", DBInstanceIdentifier="main"),
        refusal_of(rds.describe_db_subnet_groups, DBSubnetGroupName="gone"),
    ]
    return told


def refusal_of(call: Callable[..., Any], **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value.response["Error"]["Code"])


@pytest.fixture(scope="module")
def both() -> tuple[Answers, Answers]:
    """Moto's answers and the sandbox's."""
    with mock_aws():
        session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
        theirs = play(session, lambda: None)  # nothing takes time in moto
    world = World()
    ours = play(connect(world), lambda: world.clock.advance(3600))
    return theirs, ours


def differences(theirs: Any, ours: Any, where: str) -> list[str]:
    """Members of theirs that ours lacks, and types that are not the same; the first of a list stands for all."""
    if isinstance(theirs, dict):
        found = []
        for name in theirs.keys() - NOT_MODELLED - {"ResponseMetadata"}:
            at = f"{where}.{name}"
            found += differences(theirs[name], ours[name], at) if name in ours else [f"{at} is missing"]
        return found
    if isinstance(theirs, list) and isinstance(ours, list):
        return differences(theirs[0], ours[0], f"{where}[]") if theirs and ours else []
    if type(theirs) is not type(ours):
        return [f"{where}: {type(theirs).__name__} became {type(ours).__name__}"]
    return []


@pytest.mark.parametrize(
    "asked", ["subnet group", "parameter group", "option group", "instance", "snapshot", "restored", "tags"]
)
def test_what_moto_answers_the_sandbox_answers_too(both: tuple[Answers, Answers], asked: str) -> None:
    theirs, ours = both
    assert differences(theirs[asked], ours[asked], asked) == []


def test_refusals_have_the_same_codes(both: tuple[Answers, Answers]) -> None:
    theirs, ours = both
    assert ours["refusals"] == theirs["refusals"]


def test_defaults_are_the_same(both: tuple[Answers, Answers]) -> None:
    theirs, ours = (told["instance"]["DBInstances"][0] for told in both)
    for name in ("DBParameterGroups", "OptionGroupMemberships", "LicenseModel", "StorageType", "MultiAZ", "TagList"):
        assert ours[name] == theirs[name], name
    assert ours["Endpoint"]["Port"] == theirs["Endpoint"]["Port"]
