"""DB instances in the sandbox: made, listed, restarted, stopped, promoted and deleted."""

from typing import Any

import pytest

from tests.sandbox.rds_account import Account, refused, statuses_of


@pytest.fixture
def account() -> Account:
    return Account()


def test_without_a_subnet_group_a_db_instance_is_in_classic_behind_the_default_db_security_group(
    account: Account,
) -> None:
    made = account.create()
    assert made["DBInstanceStatus"] == "creating"
    assert "Endpoint" not in made
    assert not account.answers()
    account.wait(account.world.durations.db_create)
    db = account.look()
    assert db["DBInstanceStatus"] == "available"
    assert db["DBSecurityGroups"] == [{"DBSecurityGroupName": "default", "Status": "active"}]
    assert db["VpcSecurityGroups"] == []
    assert "DBSubnetGroup" not in db
    assert db["Endpoint"]["Port"] == 3306
    assert account.answers()


def test_with_a_subnet_group_it_is_in_the_vpc_behind_its_default_group(account: Account) -> None:
    vpc_id = account.subnet_group(zones="bc")
    db = account.created(DBSubnetGroupName="private", Engine="postgres")
    groups = account.ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["SecurityGroups"]
    assert [each["VpcSecurityGroupId"] for each in db["VpcSecurityGroups"]] == [groups[0]["GroupId"]]
    assert db["DBSubnetGroup"]["VpcId"] == vpc_id
    assert db["AvailabilityZone"] == "us-east-1b"
    assert db["DBSecurityGroups"] == []
    assert db["Endpoint"]["Port"] == 5432
    assert db["PubliclyAccessible"] is False


def test_what_is_asked_for_is_what_is_described(account: Account) -> None:
    db = account.created(
        Engine="mysql",
        EngineVersion="5.6",
        Port=3307,
        MultiAZ=True,
        Iops=1000,
        AllocatedStorage=100,
        DBName="shop",
        BackupRetentionPeriod=7,
        PreferredMaintenanceWindow="mon:01:00-mon:01:30",
        AutoMinorVersionUpgrade=False,
        CopyTagsToSnapshot=True,
        Tags=[{"Key": "team", "Value": "shop"}],
    )
    assert db["EngineVersion"] == "5.6.51"
    assert db["DBParameterGroups"][0]["DBParameterGroupName"] == "default.mysql5.6"
    assert db["OptionGroupMemberships"][0]["OptionGroupName"] == "default:mysql-5-6"
    assert (db["Endpoint"]["Port"], db["StorageType"], db["Iops"]) == (3307, "io1", 1000)
    assert db["MultiAZ"] is True
    assert db["SecondaryAvailabilityZone"] != db["AvailabilityZone"]
    assert (db["DBName"], db["BackupRetentionPeriod"], db["CopyTagsToSnapshot"]) == ("shop", 7, True)
    assert db["TagList"] == [{"Key": "team", "Value": "shop"}]


def test_names_are_kept_in_lower_case_and_given_out_once(account: Account) -> None:
    assert account.create("Main")["DBInstanceIdentifier"] == "main"
    with refused("DBInstanceAlreadyExists"):
        account.create("MAIN")
    with refused("InvalidParameterValue"):
        account.create("bad--name")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"Engine": "dbase"}, "InvalidParameterValue"),
        ({"EngineVersion": "4.1"}, "InvalidParameterCombination"),
        ({"MasterUserPassword": "short"}, "InvalidParameterValue"),
        ({"PreferredMaintenanceWindow": "sunday"}, "InvalidParameterValue"),
        ({"DBSecurityGroups": ["nobody"]}, "DBSecurityGroupNotFound"),
        ({"DBSubnetGroupName": "nowhere"}, "DBSubnetGroupNotFoundFault"),
        ({"DBParameterGroupName": "none"}, "DBParameterGroupNotFound"),
        ({"OptionGroupName": "none"}, "OptionGroupNotFoundFault"),
        ({"VpcSecurityGroupIds": ["sg-1"]}, "InvalidParameterCombination"),
        ({"MultiAZ": True, "AvailabilityZone": "us-east-1a"}, "InvalidParameterCombination"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(account: Account, wrong: dict[str, Any], code: str) -> None:
    with refused(code):
        account.create(**wrong)
    assert account.rds.describe_db_instances()["DBInstances"] == []


def test_in_a_vpc_groups_must_be_of_that_vpc(account: Account) -> None:
    account.subnet_group()
    elsewhere = account.vpc_group(account.vpc("172.21.0.0/16")[0])
    with refused("InvalidParameterCombination"):
        account.create(DBSubnetGroupName="private", VpcSecurityGroupIds=[elsewhere])
    with refused("InvalidParameterValue"):
        account.create(DBSubnetGroupName="private", VpcSecurityGroupIds=["sg-0123456789abcdef0"])
    with refused("InvalidParameterCombination"):
        account.create(DBSubnetGroupName="private", DBSecurityGroups=["default"])
    with refused("InvalidVPCNetworkStateFault"):
        account.create(DBSubnetGroupName="private", AvailabilityZone="us-east-1d")


def test_old_classes_are_not_to_be_had_in_a_vpc(account: Account) -> None:
    account.subnet_group()
    account.create("classic", DBInstanceClass="db.m1.small")
    with refused("InvalidParameterCombination"):
        account.create("vpc", DBInstanceClass="db.m1.small", DBSubnetGroupName="private")


def test_an_account_without_classic_needs_a_default_vpc(account: Account) -> None:
    account.place.has_classic = False
    with refused("DBSubnetGroupNotFoundFault"):
        account.create()
    with refused("DBSecurityGroupNotSupported"):
        account.rds.create_db_security_group(DBSecurityGroupName="web", DBSecurityGroupDescription="d")


def test_pages_show_each_db_instance_once(account: Account) -> None:
    names = [f"db-{n:02d}" for n in range(45)]
    for name in names:
        account.create(name)
    first = account.rds.describe_db_instances(MaxRecords=20)
    assert len(first["DBInstances"]) == 20
    pages = account.rds.get_paginator("describe_db_instances").paginate(PaginationConfig={"PageSize": 20})
    assert [db["DBInstanceIdentifier"] for page in pages for db in page["DBInstances"]] == names
    with refused("InvalidParameterValue"):
        account.rds.describe_db_instances(MaxRecords=5)


def test_a_filter_by_id_takes_many_and_an_unknown_id_is_not_found(account: Account) -> None:
    for name in ("one", "two", "three"):
        account.create(name)
    asked = [{"Name": "db-instance-id", "Values": ["one", "three", "gone"]}]
    found = account.rds.describe_db_instances(Filters=asked)["DBInstances"]
    assert [db["DBInstanceIdentifier"] for db in found] == ["one", "three"]
    with refused("DBInstanceNotFound"):
        account.look("gone")
    with refused("InvalidParameterValue"):
        account.rds.describe_db_instances(Filters=[{"Name": "colour", "Values": ["red"]}])


def test_a_created_db_instance_may_be_hidden_for_a_while_but_its_name_is_taken(account: Account) -> None:
    account.world.hide_created_for = 60
    account.create()
    with refused("DBInstanceNotFound"):
        account.look()
    with refused("DBInstanceAlreadyExists"):
        account.create()
    account.wait(61)
    assert account.look()["DBInstanceStatus"] == "creating"


def test_a_reboot_is_an_outage_and_brings_a_parameter_group_into_force(account: Account) -> None:
    account.created()
    account.rds.create_db_parameter_group(
        DBParameterGroupName="tuned", DBParameterGroupFamily="mysql5.7", Description="d"
    )
    changed = account.modify(DBParameterGroupName="tuned")
    assert changed["DBParameterGroups"] == [{"DBParameterGroupName": "tuned", "ParameterApplyStatus": "pending-reboot"}]
    account.rds.reboot_db_instance(DBInstanceIdentifier="main")
    assert not account.answers()
    assert statuses_of(account, "main", 10, lambda status: status == "available") == ["rebooting", "available"]
    assert account.look()["DBParameterGroups"][0]["ParameterApplyStatus"] == "in-sync"


def test_nothing_changes_while_another_change_runs(account: Account) -> None:
    account.create()
    for change in (account.rds.reboot_db_instance, account.rds.stop_db_instance, account.rds.modify_db_instance):
        with refused("InvalidDBInstanceState"):
            change(DBInstanceIdentifier="main")
    with refused("InvalidDBInstanceState"):
        account.rds.create_db_snapshot(DBInstanceIdentifier="main", DBSnapshotIdentifier="s")


def test_stopped_it_does_not_answer_and_started_it_does(account: Account) -> None:
    account.created()
    account.rds.stop_db_instance(DBInstanceIdentifier="main")
    assert statuses_of(account, "main", 60, lambda status: status == "stopped") == ["stopping", "stopped"]
    assert not account.answers()
    account.rds.start_db_instance(DBInstanceIdentifier="main")
    account.wait()
    assert account.answers()


def test_a_replica_stands_alone_once_promoted(account: Account) -> None:
    account.created()
    account.rds.create_db_instance_read_replica(DBInstanceIdentifier="copy", SourceDBInstanceIdentifier="main")
    assert account.look("copy")["ReadReplicaSourceDBInstanceIdentifier"] == "main"
    assert account.look()["ReadReplicaDBInstanceIdentifiers"] == ["copy"]
    account.wait()
    account.rds.promote_read_replica(DBInstanceIdentifier="copy")
    account.wait()
    assert "ReadReplicaSourceDBInstanceIdentifier" not in account.look("copy")
    assert account.look()["ReadReplicaDBInstanceIdentifiers"] == []
    with refused("InvalidDBInstanceState"):
        account.rds.promote_read_replica(DBInstanceIdentifier="copy")


def test_a_replica_is_where_its_source_is(account: Account) -> None:
    vpc_id = account.subnet_group()
    account.created(DBSubnetGroupName="private")
    replicate = account.rds.create_db_instance_read_replica
    with refused("DBSubnetGroupNotAllowedFault"):
        replicate(DBInstanceIdentifier="copy", SourceDBInstanceIdentifier="main", DBSubnetGroupName="private")
    replicate(DBInstanceIdentifier="copy", SourceDBInstanceIdentifier="main")
    copy = account.look("copy")
    assert copy["DBSubnetGroup"]["VpcId"] == vpc_id
    assert copy["VpcSecurityGroups"] == account.look()["VpcSecurityGroups"]


def test_an_arn_names_a_db_instance_of_its_own_region_only(account: Account) -> None:
    arn = account.create()["DBInstanceArn"]
    assert account.look(arn)["DBInstanceIdentifier"] == "main"
    with refused("DBInstanceNotFound"):
        account.look(arn.replace("us-east-1", "eu-west-1"))


def test_a_replica_needs_backups_of_its_source(account: Account) -> None:
    account.created(BackupRetentionPeriod=0)
    with refused("InvalidDBInstanceState"):
        account.rds.create_db_instance_read_replica(DBInstanceIdentifier="copy", SourceDBInstanceIdentifier="main")


def test_deleting_takes_a_final_snapshot_unless_told_not_to(account: Account) -> None:
    account.created()
    with refused("InvalidParameterCombination"):
        account.rds.delete_db_instance(DBInstanceIdentifier="main")
    account.rds.delete_db_instance(DBInstanceIdentifier="main", FinalDBSnapshotIdentifier="last")
    assert account.look()["DBInstanceStatus"] == "deleting"
    assert not account.answers()
    with refused("InvalidDBInstanceState"):
        account.rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    account.wait()
    with refused("DBInstanceNotFound"):
        account.look()
    snapshots = account.rds.describe_db_snapshots(DBInstanceIdentifier="main")["DBSnapshots"]
    assert [(each["DBSnapshotIdentifier"], each["Status"]) for each in snapshots] == [("last", "available")]


def test_one_that_is_being_created_can_be_deleted_and_does_not_come_back(account: Account) -> None:
    account.create()
    account.rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    account.wait()
    assert account.rds.describe_db_instances()["DBInstances"] == []


def test_deletion_protection_is_to_be_lifted_first(account: Account) -> None:
    account.created(DeletionProtection=True)
    with refused("InvalidParameterCombination"):
        account.rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    account.modify(DeletionProtection=False)
    account.rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)


def test_events_tell_what_happened(account: Account) -> None:
    account.create()
    account.wait(600)
    events = account.rds.describe_events(SourceIdentifier="main", SourceType="db-instance")["Events"]
    assert [(event["Message"], event["EventCategories"]) for event in events] == [("DB instance created", ["creation"])]
    account.wait(4000)
    assert account.rds.describe_events()["Events"] == []
