"""DB security groups, DB subnet groups, option and parameter groups, and tags."""

import pytest

from tests.sandbox.rds_account import Account, refused

OWNER = "123456789012"


@pytest.fixture
def account() -> Account:
    return Account()


def make_db_group(account: Account, name: str = "web") -> None:
    account.rds.create_db_security_group(DBSecurityGroupName=name, DBSecurityGroupDescription="d")


def look(account: Account, name: str = "web") -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = account.rds.describe_db_security_groups(DBSecurityGroupName=name)[
        "DBSecurityGroups"
    ][0]
    return found


def test_a_rule_is_authorizing_and_then_in_force(account: Account) -> None:
    make_db_group(account)
    answer = account.rds.authorize_db_security_group_ingress(DBSecurityGroupName="web", CIDRIP="198.51.100.0/24")
    assert answer["DBSecurityGroup"]["IPRanges"] == [{"CIDRIP": "198.51.100.0/24", "Status": "authorizing"}]
    account.wait(60)
    assert look(account)["IPRanges"] == [{"CIDRIP": "198.51.100.0/24", "Status": "authorized"}]
    with refused("AuthorizationAlreadyExists"):
        account.rds.authorize_db_security_group_ingress(DBSecurityGroupName="web", CIDRIP="198.51.100.0/24")
    account.rds.revoke_db_security_group_ingress(DBSecurityGroupName="web", CIDRIP="198.51.100.0/24")
    account.wait(60)
    assert look(account)["IPRanges"] == []
    with refused("AuthorizationNotFound"):
        account.rds.revoke_db_security_group_ingress(DBSecurityGroupName="web", CIDRIP="198.51.100.0/24")


@pytest.mark.parametrize("by", ["EC2SecurityGroupName", "EC2SecurityGroupId"])
def test_a_rule_names_a_group_of_classic_by_name_or_id_and_owner(account: Account, by: str) -> None:
    make_db_group(account)
    group_id = account.ec2.create_security_group(GroupName="app", Description="d")["GroupId"]
    wanted = {by: "app" if by.endswith("Name") else group_id, "EC2SecurityGroupOwnerId": OWNER}
    account.rds.authorize_db_security_group_ingress(DBSecurityGroupName="web", **wanted)
    account.wait(60)
    assert look(account)["EC2SecurityGroups"] == [
        {
            "EC2SecurityGroupId": group_id,
            "EC2SecurityGroupName": "app",
            "EC2SecurityGroupOwnerId": OWNER,
            "Status": "authorized",
        }
    ]


def test_a_rule_cannot_name_a_vpcs_group_or_nothing_or_both(account: Account) -> None:
    make_db_group(account)
    vpc_group = account.vpc_group(account.vpc()[0])
    authorize = account.rds.authorize_db_security_group_ingress
    with refused("InvalidParameterValue"):
        authorize(DBSecurityGroupName="web", EC2SecurityGroupId=vpc_group, EC2SecurityGroupOwnerId=OWNER)
    with refused("InvalidParameterCombination"):
        authorize(DBSecurityGroupName="web")
    with refused("InvalidParameterCombination"):
        authorize(DBSecurityGroupName="web", EC2SecurityGroupName="default")
    with refused("InvalidParameterValue"):
        authorize(DBSecurityGroupName="web", CIDRIP="everywhere")


def test_a_db_security_group_in_use_cannot_be_deleted_nor_can_the_default(account: Account) -> None:
    make_db_group(account)
    account.created(DBSecurityGroups=["web"])
    for name in ("web", "default"):
        with refused("InvalidDBSecurityGroupState"):
            account.rds.delete_db_security_group(DBSecurityGroupName=name)
    account.modify(DBSecurityGroups=["default"])
    account.rds.delete_db_security_group(DBSecurityGroupName="web")
    with refused("DBSecurityGroupNotFound"):
        look(account)


def test_a_subnet_group_needs_two_zones_of_one_vpc(account: Account) -> None:
    create = account.rds.create_db_subnet_group
    _, here = account.vpc(zones="aab")
    _, there = account.vpc("172.21.0.0/16")
    with refused("DBSubnetGroupDoesNotCoverEnoughAZs"):
        create(DBSubnetGroupName="g", DBSubnetGroupDescription="d", SubnetIds=here[:2])
    with refused("InvalidSubnet"):
        create(DBSubnetGroupName="g", DBSubnetGroupDescription="d", SubnetIds=[here[0], there[1]])
    with refused("InvalidSubnet"):
        create(DBSubnetGroupName="g", DBSubnetGroupDescription="d", SubnetIds=["subnet-0123456789abcdef0"])
    create(DBSubnetGroupName="G", DBSubnetGroupDescription="d", SubnetIds=here)
    with refused("DBSubnetGroupAlreadyExists"):
        create(DBSubnetGroupName="g", DBSubnetGroupDescription="d", SubnetIds=here)


def test_a_subnet_group_changes_within_its_vpc_and_keeps_the_zones_in_use(account: Account) -> None:
    vpc_id, subnet_ids = account.vpc(zones="abc")
    account.rds.create_db_subnet_group(DBSubnetGroupName="g", DBSubnetGroupDescription="d", SubnetIds=subnet_ids)
    account.created(DBSubnetGroupName="g", AvailabilityZone="us-east-1a")
    with refused("SubnetAlreadyInUse"):
        account.rds.modify_db_subnet_group(DBSubnetGroupName="g", SubnetIds=subnet_ids[1:])
    with refused("InvalidParameterValue"):
        account.rds.modify_db_subnet_group(DBSubnetGroupName="g", SubnetIds=account.vpc("172.21.0.0/16")[1])
    group = account.rds.modify_db_subnet_group(DBSubnetGroupName="g", SubnetIds=subnet_ids[:2])["DBSubnetGroup"]
    assert group["VpcId"] == vpc_id
    assert [each["SubnetIdentifier"] for each in group["Subnets"]] == subnet_ids[:2]
    with refused("InvalidDBSubnetGroupStateFault"):
        account.rds.delete_db_subnet_group(DBSubnetGroupName="g")


def test_an_unused_subnet_group_can_be_deleted(account: Account) -> None:
    account.subnet_group()
    account.rds.delete_db_subnet_group(DBSubnetGroupName="private")
    with refused("DBSubnetGroupNotFoundFault"):
        account.rds.describe_db_subnet_groups(DBSubnetGroupName="private")


def test_a_custom_option_group_is_bound_to_the_platform_of_its_first_db_instance(account: Account) -> None:
    vpc_id = account.subnet_group()
    account.rds.create_option_group(
        OptionGroupName="ours", EngineName="mysql", MajorEngineVersion="5.7", OptionGroupDescription="d"
    )
    account.create("first", OptionGroupName="ours", DBSubnetGroupName="private")
    group = account.rds.describe_option_groups(OptionGroupName="ours")["OptionGroupsList"][0]
    assert (group["VpcId"], group["AllowsVpcAndNonVpcInstanceMemberships"]) == (vpc_id, False)
    with refused("InvalidParameterCombination"):
        account.create("second", OptionGroupName="ours")
    with refused("InvalidOptionGroupStateFault"):
        account.rds.delete_option_group(OptionGroupName="ours")


def test_default_groups_are_listed_and_cannot_be_changed(account: Account) -> None:
    listed = account.rds.describe_option_groups(EngineName="mysql", MajorEngineVersion="5.6")["OptionGroupsList"]
    assert [group["OptionGroupName"] for group in listed] == ["default:mysql-5-6"]
    names = [group["DBParameterGroupName"] for group in account.rds.describe_db_parameter_groups()["DBParameterGroups"]]
    assert {"default.mysql5.6", "default.postgres12"} <= set(names)
    with refused("InvalidDBParameterGroupState"):
        account.rds.delete_db_parameter_group(DBParameterGroupName="default.mysql5.6")


def test_a_parameter_group_keeps_what_was_set_and_serves_its_family_only(account: Account) -> None:
    account.rds.create_db_parameter_group(
        DBParameterGroupName="tuned", DBParameterGroupFamily="mysql5.6", Description="d"
    )
    setting = {"ParameterName": "max_connections", "ParameterValue": "500", "ApplyMethod": "immediate"}
    account.rds.modify_db_parameter_group(DBParameterGroupName="tuned", Parameters=[setting])
    kept = account.rds.describe_db_parameters(DBParameterGroupName="tuned", Source="user")["Parameters"]
    assert [(each["ParameterName"], each["ParameterValue"]) for each in kept] == [("max_connections", "500")]
    with refused("InvalidParameterCombination"):
        account.create(EngineVersion="5.7", DBParameterGroupName="tuned")


def test_tags_are_kept_by_arn_and_follow_a_rename(account: Account) -> None:
    old = account.created(Tags=[{"Key": "team", "Value": "shop"}])["DBInstanceArn"]
    account.rds.add_tags_to_resource(ResourceName=old, Tags=[{"Key": "tier", "Value": "data"}])
    account.modify(NewDBInstanceIdentifier="renamed")
    new = account.look("renamed")["DBInstanceArn"]
    account.rds.remove_tags_from_resource(ResourceName=new, TagKeys=["team"])
    assert account.rds.list_tags_for_resource(ResourceName=new)["TagList"] == [{"Key": "tier", "Value": "data"}]
    with refused("DBInstanceNotFound"):
        account.rds.list_tags_for_resource(ResourceName=old)
    with refused("InvalidParameterValue"):
        account.rds.list_tags_for_resource(ResourceName="renamed")


def test_every_kind_of_group_can_be_tagged(account: Account) -> None:
    make_db_group(account)
    account.subnet_group()
    arns = [
        account.rds.describe_db_security_groups(DBSecurityGroupName="web")["DBSecurityGroups"][0]["DBSecurityGroupArn"],
        account.rds.describe_db_subnet_groups()["DBSubnetGroups"][0]["DBSubnetGroupArn"],
        account.rds.describe_option_groups()["OptionGroupsList"][0]["OptionGroupArn"],
        account.rds.describe_db_parameter_groups()["DBParameterGroups"][0]["DBParameterGroupArn"],
    ]
    for arn in arns:
        account.rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "a", "Value": "b"}])
        assert account.rds.list_tags_for_resource(ResourceName=arn)["TagList"] == [{"Key": "a", "Value": "b"}]
