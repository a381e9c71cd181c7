"""DB snapshots and restores, from a snapshot and to a moment, onto either platform."""

from datetime import timedelta
from typing import Any

import pytest

from tests.sandbox.rds_account import Account, refused


@pytest.fixture
def account() -> Account:
    return Account()


def snapshot(account: Account, name: str = "before", of: str = "main") -> None:
    account.rds.create_db_snapshot(DBSnapshotIdentifier=name, DBInstanceIdentifier=of)
    account.wait()


def restore(account: Account, name: str = "twin", **more: Any) -> dict[str, Any]:
    account.rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier="before", **more)
    account.wait()
    return account.look(name)


def test_a_snapshot_takes_time_during_which_the_db_instance_answers(account: Account) -> None:
    account.created()
    account.rds.create_db_snapshot(DBSnapshotIdentifier="before", DBInstanceIdentifier="main")
    assert account.look()["DBInstanceStatus"] == "backing-up"
    assert account.answers()
    account.wait(account.world.durations.db_snapshot / 2)
    made = account.rds.describe_db_snapshots(DBSnapshotIdentifier="before")["DBSnapshots"][0]
    assert (made["Status"], made["PercentProgress"]) == ("creating", 50)
    for too_early in (restore, lambda account: account.rds.delete_db_snapshot(DBSnapshotIdentifier="before")):
        with refused("InvalidDBSnapshotState"):
            too_early(account)
    account.wait(account.world.durations.db_snapshot / 2)
    made = account.rds.describe_db_snapshots(DBSnapshotIdentifier="before")["DBSnapshots"][0]
    assert (made["Status"], made["PercentProgress"]) == ("available", 100)
    assert "VpcId" not in made
    assert account.look()["DBInstanceStatus"] == "available"


def test_snapshot_names_are_given_out_once(account: Account) -> None:
    account.created()
    snapshot(account)
    with refused("DBSnapshotAlreadyExists"):
        snapshot(account)
    with refused("DBSnapshotAlreadyExists"):
        account.rds.delete_db_instance(DBInstanceIdentifier="main", FinalDBSnapshotIdentifier="before")
    account.rds.delete_db_snapshot(DBSnapshotIdentifier="before")
    with refused("DBSnapshotNotFound"):
        account.rds.describe_db_snapshots(DBSnapshotIdentifier="before")
    snapshot(account)


def test_a_classic_snapshot_restores_into_a_vpc_behind_its_default_group(account: Account) -> None:
    vpc_id = account.subnet_group()
    account.created(Port=3307, EngineVersion="5.6", AllocatedStorage=77, Tags=[{"Key": "team", "Value": "shop"}])
    snapshot(account)
    twin = restore(account, DBSubnetGroupName="private", Tags=[{"Key": "made-by", "Value": "us"}])
    assert twin["DBSubnetGroup"]["VpcId"] == vpc_id
    assert len(twin["VpcSecurityGroups"]) == 1
    assert twin["DBSecurityGroups"] == []
    assert (twin["Endpoint"]["Port"], twin["EngineVersion"], twin["AllocatedStorage"]) == (3307, "5.6.51", 77)
    assert twin["TagList"] == [{"Key": "made-by", "Value": "us"}]
    assert twin["DbiResourceId"] != account.look()["DbiResourceId"]
    assert account.answers("twin")


def test_a_restore_takes_time(account: Account) -> None:
    account.created()
    snapshot(account)
    account.rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="twin", DBSnapshotIdentifier="before")
    account.wait(account.world.durations.db_restore - 1)
    assert account.look("twin")["DBInstanceStatus"] == "creating"
    assert not account.answers("twin")
    account.wait(1)
    assert account.answers("twin")


def test_a_vpc_snapshot_goes_back_to_classic_without_a_subnet_group(account: Account) -> None:
    account.subnet_group()
    account.created(DBSubnetGroupName="private")
    snapshot(account)
    assert "VpcId" in account.rds.describe_db_snapshots()["DBSnapshots"][0]
    twin = restore(account)
    assert "DBSubnetGroup" not in twin
    assert twin["DBSecurityGroups"] == [{"DBSecurityGroupName": "default", "Status": "active"}]
    assert twin["VpcSecurityGroups"] == []


def test_restoring_does_not_bring_the_sources_security_groups_or_parameter_group(account: Account) -> None:
    account.rds.create_db_security_group(DBSecurityGroupName="web", DBSecurityGroupDescription="d")
    account.rds.create_db_parameter_group(
        DBParameterGroupName="tuned", DBParameterGroupFamily="mysql5.7", Description="d"
    )
    account.created(DBSecurityGroups=["web"], DBParameterGroupName="tuned")
    snapshot(account)
    twin = restore(account)
    assert [each["DBSecurityGroupName"] for each in twin["DBSecurityGroups"]] == ["default"]
    assert twin["DBParameterGroups"][0]["DBParameterGroupName"] == "default.mysql5.7"
    assert account.look()["DBSecurityGroups"][0]["DBSecurityGroupName"] == "web"


def test_a_restore_is_refused_like_a_creation(account: Account) -> None:
    account.subnet_group()
    account.created(DBInstanceClass="db.m1.small")
    snapshot(account)
    with refused("DBInstanceAlreadyExists"):
        restore(account, "main")
    with refused("InvalidParameterCombination"):
        restore(account, DBSubnetGroupName="private")
    assert restore(account, DBSubnetGroupName="private", DBInstanceClass="db.m3.medium")


def test_a_custom_option_group_of_classic_keeps_a_restore_out_of_a_vpc(account: Account) -> None:
    account.subnet_group()
    account.rds.create_option_group(
        OptionGroupName="ours", EngineName="mysql", MajorEngineVersion="5.7", OptionGroupDescription="d"
    )
    account.created(OptionGroupName="ours")
    snapshot(account)
    with refused("InvalidParameterCombination"):
        restore(account, DBSubnetGroupName="private")
    restore(account, DBSubnetGroupName="private", OptionGroupName="default:mysql-5-7")


def test_a_copy_is_a_snapshot_of_its_own(account: Account) -> None:
    account.created(CopyTagsToSnapshot=True, Tags=[{"Key": "team", "Value": "shop"}])
    snapshot(account)
    account.rds.copy_db_snapshot(
        SourceDBSnapshotIdentifier="before", TargetDBSnapshotIdentifier="kept", CopyTags=True, KmsKeyId="key-1"
    )
    account.wait()
    account.rds.delete_db_snapshot(DBSnapshotIdentifier="before")
    kept = account.rds.describe_db_snapshots(DBSnapshotIdentifier="kept")["DBSnapshots"][0]
    assert (kept["Encrypted"], kept["Status"]) == (True, "available")
    assert kept["SourceDBSnapshotIdentifier"].endswith(":snapshot:before")
    assert kept["TagList"] == [{"Key": "team", "Value": "shop"}]


def test_a_moment_is_restored_within_what_was_backed_up(account: Account) -> None:
    account.subnet_group()
    account.created()
    latest = account.look()["LatestRestorableTime"]
    back = account.rds.restore_db_instance_to_point_in_time
    asked = {"SourceDBInstanceIdentifier": "main", "TargetDBInstanceIdentifier": "twin"}
    with refused("InvalidParameterCombination"):
        back(**asked)
    with refused("InvalidParameterValue"):
        back(**asked, RestoreTime=latest + timedelta(hours=1))
    back(**asked, RestoreTime=latest - timedelta(minutes=1), DBSubnetGroupName="private")
    account.wait()
    assert "DBSubnetGroup" in account.look("twin")
    back(**(asked | {"TargetDBInstanceIdentifier": "classic"}), UseLatestRestorableTime=True)
    assert account.look("classic")["DBSecurityGroups"][0]["DBSecurityGroupName"] == "default"


def test_without_backups_there_is_no_moment_to_restore(account: Account) -> None:
    account.created(BackupRetentionPeriod=0)
    with refused("PointInTimeRestoreNotEnabled"):
        account.rds.restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier="main", TargetDBInstanceIdentifier="twin", UseLatestRestorableTime=True
        )
