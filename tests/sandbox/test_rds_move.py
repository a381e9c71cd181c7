"""The move of a DB instance into a VPC: its outage, and what AWS refuses."""

import pytest

from tests.sandbox.rds_account import Account, refused, statuses_of


@pytest.fixture
def account() -> Account:
    return Account()


def test_moving_from_classic_into_a_vpc_is_an_outage_of_known_length(account: Account) -> None:
    vpc_id = account.subnet_group()
    group_id = account.vpc_group(vpc_id)
    account.created()
    told = account.modify(DBSubnetGroupName="private", VpcSecurityGroupIds=[group_id])
    assert told["PendingModifiedValues"] == {"DBSubnetGroupName": "private"}
    assert told["DBInstanceStatus"] == "modifying"
    assert account.answers()
    account.wait(account.world.durations.db_modify)
    assert account.look()["DBInstanceStatus"] == "moving-to-vpc"
    assert not account.answers()
    account.wait(account.world.durations.db_move_to_vpc - 1)
    assert not account.answers()
    account.wait(1)
    db = account.look()
    assert db["DBInstanceStatus"] == "available"
    assert db["DBSubnetGroup"]["VpcId"] == vpc_id
    assert db["DBSecurityGroups"] == []
    assert db["VpcSecurityGroups"] == [{"VpcSecurityGroupId": group_id, "Status": "active"}]
    assert db["PendingModifiedValues"] == {}
    assert account.answers()


def test_its_endpoint_keeps_its_name(account: Account) -> None:
    account.subnet_group()
    before = account.created()["Endpoint"]["Address"]
    account.modify(DBSubnetGroupName="private")
    account.wait()
    assert account.look()["Endpoint"]["Address"] == before


def test_without_apply_immediately_it_moves_when_the_maintenance_window_opens(account: Account) -> None:
    account.subnet_group()
    account.created(PreferredMaintenanceWindow="wed:09:00-wed:09:30")  # the clock starts on a Tuesday at 09:00
    account.modify(DBSubnetGroupName="private", ApplyImmediately=False)
    assert account.look()["DBInstanceStatus"] == "available"
    account.wait(22 * 3600)
    assert account.look()["PendingModifiedValues"] == {"DBSubnetGroupName": "private"}
    account.wait(3600 + account.world.durations.db_modify)
    assert account.look()["DBInstanceStatus"] == "moving-to-vpc"


def test_a_vpc_instance_moves_to_another_vpc_and_not_within_its_own(account: Account) -> None:
    vpc_id, subnet_ids = account.vpc(zones="abc")
    for name, members in (("first", subnet_ids[:2]), ("second", [subnet_ids[0], subnet_ids[2]])):
        account.rds.create_db_subnet_group(DBSubnetGroupName=name, DBSubnetGroupDescription="d", SubnetIds=members)
    other = account.subnet_group("other", "172.22.0.0/16")
    account.created(DBSubnetGroupName="first")
    with refused("InvalidVPCNetworkStateFault"):
        account.modify(DBSubnetGroupName="second")
    account.modify(DBSubnetGroupName="other")
    account.wait()
    assert account.look()["DBSubnetGroup"]["VpcId"] == other != vpc_id


def test_multi_az_is_refused_until_it_is_single_az(account: Account) -> None:
    account.subnet_group()
    account.created(MultiAZ=True)
    with refused("InvalidParameterCombination"):
        account.modify(DBSubnetGroupName="private")
    account.modify(MultiAZ=False)
    assert account.answers()
    account.wait()
    account.modify(DBSubnetGroupName="private")
    account.wait()
    account.modify(MultiAZ=True)
    account.wait()
    assert account.look()["SecondaryAvailabilityZone"] == "us-east-1b"


def test_one_with_replicas_is_refused_and_so_is_a_replica(account: Account) -> None:
    account.subnet_group()
    account.created()
    account.rds.create_db_instance_read_replica(DBInstanceIdentifier="copy", SourceDBInstanceIdentifier="main")
    account.wait()
    for name in ("main", "copy"):
        with refused("InvalidVPCNetworkStateFault"):
            account.modify(name, DBSubnetGroupName="private")
    account.rds.promote_read_replica(DBInstanceIdentifier="copy")
    account.wait()
    account.modify("copy", DBSubnetGroupName="private")


def test_a_subnet_group_without_its_zone_is_refused(account: Account) -> None:
    account.subnet_group(zones="bc")
    account.created(AvailabilityZone="us-east-1a")
    with refused("InvalidVPCNetworkStateFault"):
        account.modify(DBSubnetGroupName="private")


def test_a_custom_option_group_of_classic_is_to_be_replaced(account: Account) -> None:
    account.subnet_group()
    account.rds.create_option_group(
        OptionGroupName="ours", EngineName="mysql", MajorEngineVersion="5.7", OptionGroupDescription="d"
    )
    account.created(OptionGroupName="ours")
    with refused("InvalidParameterCombination"):
        account.modify(DBSubnetGroupName="private")
    account.modify(DBSubnetGroupName="private", OptionGroupName="default:mysql-5-7")
    account.wait()
    assert account.look()["OptionGroupMemberships"] == [{"OptionGroupName": "default:mysql-5-7", "Status": "in-sync"}]


@pytest.mark.parametrize("old_class", ["db.t1.micro", "db.m1.small", "db.m2.xlarge"])
def test_an_old_class_is_to_be_changed_first(account: Account, old_class: str) -> None:
    account.subnet_group()
    account.created(DBInstanceClass=old_class)
    with refused("InvalidParameterCombination"):
        account.modify(DBSubnetGroupName="private")
    account.modify(DBInstanceClass="db.m3.medium")
    assert not account.answers()
    account.wait()
    account.modify(DBSubnetGroupName="private")


def test_groups_of_another_vpc_are_refused(account: Account) -> None:
    account.subnet_group()
    elsewhere = account.vpc_group(account.vpc("172.23.0.0/16")[0])
    account.created()
    with refused("InvalidParameterCombination"):
        account.modify(DBSubnetGroupName="private", VpcSecurityGroupIds=[elsewhere])
    assert account.look()["PendingModifiedValues"] == {}


def test_a_move_that_waited_is_given_up_if_it_has_become_impossible(account: Account) -> None:
    account.subnet_group()
    account.created()
    account.modify(DBSubnetGroupName="private", ApplyImmediately=False)
    account.rds.create_db_instance_read_replica(DBInstanceIdentifier="copy", SourceDBInstanceIdentifier="main")
    account.wait(7 * 86400)
    db = account.look()
    assert (db["DBInstanceStatus"], db["PendingModifiedValues"]) == ("available", {})
    assert "DBSubnetGroup" not in db


def test_seen_from_outside_it_is_modifying_then_moving_then_available(account: Account) -> None:
    account.subnet_group()
    account.created()
    account.modify(DBSubnetGroupName="private")
    seen = statuses_of(account, "main", 15, lambda status: status == "available")
    assert seen == ["modifying", "moving-to-vpc", "available"]
