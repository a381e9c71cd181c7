"""Modifying DB instances in place: at once, immediately or in the window; and the rename."""

import pytest

from tests.sandbox.rds_account import Account, refused


@pytest.fixture
def account() -> Account:
    return Account()


def test_what_waits_for_the_window_is_shown_as_pending(account: Account) -> None:
    account.created()
    told = account.modify(DBInstanceClass="db.r3.large", BackupRetentionPeriod=7, ApplyImmediately=False)
    assert told["PendingModifiedValues"] == {"DBInstanceClass": "db.r3.large", "BackupRetentionPeriod": 7}
    assert told["DBInstanceClass"] == "db.m3.medium"
    account.modify(DBInstanceClass="db.m3.medium", ApplyImmediately=False)
    assert account.look()["PendingModifiedValues"] == {"BackupRetentionPeriod": 7}
    account.wait(7 * 86400)
    assert account.look()["BackupRetentionPeriod"] == 7


def test_applying_immediately_applies_all_that_was_pending(account: Account) -> None:
    account.created()
    account.modify(DBInstanceClass="db.r3.large", ApplyImmediately=False)
    account.modify(AllocatedStorage=50)
    account.wait()
    db = account.look()
    assert (db["DBInstanceClass"], db["AllocatedStorage"]) == ("db.r3.large", 50)


def test_storage_grows_without_an_outage_and_never_shrinks(account: Account) -> None:
    account.created(AllocatedStorage=100)
    account.modify(AllocatedStorage=200)
    assert account.look()["DBInstanceStatus"] == "modifying"
    assert account.answers()
    account.wait()
    with refused("InvalidParameterValue"):
        account.modify(AllocatedStorage=50)


def test_security_groups_change_at_once(account: Account) -> None:
    account.created()
    account.rds.create_db_security_group(DBSecurityGroupName="web", DBSecurityGroupDescription="d")
    changed = account.modify(DBSecurityGroups=["web", "default"], ApplyImmediately=False)
    assert [each["DBSecurityGroupName"] for each in changed["DBSecurityGroups"]] == ["web", "default"]
    assert changed["DBInstanceStatus"] == "available"
    with refused("InvalidParameterCombination"):
        account.modify(VpcSecurityGroupIds=["sg-1"])


def test_a_new_major_version_must_be_meant_and_brings_its_default_groups(account: Account) -> None:
    account.created(EngineVersion="5.6")
    with refused("InvalidParameterCombination"):
        account.modify(EngineVersion="5.7")
    account.modify(EngineVersion="5.7", AllowMajorVersionUpgrade=True)
    account.wait()
    db = account.look()
    assert db["EngineVersion"] == "5.7.33"
    assert db["OptionGroupMemberships"][0]["OptionGroupName"] == "default:mysql-5-7"


def test_a_rename_frees_the_old_name_at_once_and_the_new_one_answers_later(account: Account) -> None:
    old = account.created()["Endpoint"]["Address"]
    account.modify(NewDBInstanceIdentifier="main-old")
    with refused("DBInstanceNotFound"):
        account.look("main")
    renaming = account.look("main-old")
    assert renaming["DBInstanceStatus"] == "renaming"
    assert "Endpoint" not in renaming
    assert not account.answers("main-old")
    account.wait(account.world.durations.db_rename)
    assert account.answers("main-old")
    assert account.look("main-old")["Endpoint"]["Address"] == old.replace("main.", "main-old.", 1)


def test_two_db_instances_swap_names_one_after_the_other(account: Account) -> None:
    classic = account.created("main")
    account.created("twin")
    with refused("DBInstanceAlreadyExists"):
        account.modify("twin", NewDBInstanceIdentifier="main")
    account.modify("main", NewDBInstanceIdentifier="main-old")
    account.modify("twin", NewDBInstanceIdentifier="main")
    account.wait()
    assert account.look("main")["Endpoint"]["Address"] == classic["Endpoint"]["Address"]
    assert account.look("main")["DbiResourceId"] != classic["DbiResourceId"]
    assert account.look("main-old")["DbiResourceId"] == classic["DbiResourceId"]


def test_replicas_follow_the_renamed_db_instance(account: Account) -> None:
    account.created()
    account.rds.create_db_instance_read_replica(DBInstanceIdentifier="copy", SourceDBInstanceIdentifier="main")
    account.wait()
    account.modify(NewDBInstanceIdentifier="main-old")
    assert account.look("copy")["ReadReplicaSourceDBInstanceIdentifier"] == "main-old"


def test_a_window_that_is_none_is_refused(account: Account) -> None:
    account.created()
    with refused("InvalidParameterValue"):
        account.modify(PreferredMaintenanceWindow="some day")
