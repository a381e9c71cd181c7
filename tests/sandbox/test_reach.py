"""Who can call whom on and across the platforms. aws-facts A1, A2"""

from typing import Any

import pytest

from sandbox.reach import reach
from tests.sandbox.both_platforms import BothPlatforms


@pytest.fixture
def account() -> BothPlatforms:
    return BothPlatforms()


def ok(account: BothPlatforms, source: str, target: str, port: int) -> bool:
    return reach(account.place, _ref(source), _ref(target), port).ok


def why(account: BothPlatforms, source: str, target: str, port: int) -> str:
    found = reach(account.place, _ref(source), _ref(target), port)
    assert not found.ok
    return found.why


def _ref(name: str) -> str:
    return f"instance:{name}" if name.startswith("i-") else name


def database(account: BothPlatforms, **params: Any) -> None:
    account.call(
        "rds",
        "CreateDBInstance",
        DBInstanceIdentifier="main",
        Engine="mysql",
        DBInstanceClass="db.m3.medium",
        AllocatedStorage=20,
        MasterUsername="admin",
        MasterUserPassword="correct-horse",
        **params,
    )
    account.wait(3600)


def test_classic_groups_name_groups_and_addresses(account: BothPlatforms) -> None:
    web, app = account.builder.group("web", "w"), account.builder.group("app", "a")
    account.builder.let_in(app, 8080, groups=[web])
    account.builder.let_in(app, 22, cidrs=["10.0.0.0/8"])
    caller, called = account.classic(web), account.classic(app)
    assert ok(account, caller, called, 8080)
    assert ok(account, caller, called, 22)
    assert not ok(account, caller, called, 9090)
    assert not ok(account, called, caller, 8080)
    assert not reach(account.place, _ref(caller), _ref(called), 8080, "udp").ok


def test_both_ends_must_be_up(account: BothPlatforms) -> None:
    group = account.builder.group("g", "g")
    account.builder.let_in(group, 80, groups=[group])
    one, other = account.classic(group), account.classic(group)
    account.call("ec2", "RebootInstances", InstanceIds=[other])
    assert "rebooting" in why(account, one, other, 80)
    account.wait(60)
    assert ok(account, one, other, 80)
    account.call("ec2", "StopInstances", InstanceIds=[one])
    assert "stopping" in why(account, one, other, 80)
    assert "does not exist" in why(account, "i-0", other, 80)


def test_vpc_groups_rule_both_ends(account: BothPlatforms) -> None:
    vpc_id, subnets = account.vpc()
    web, app = account.vpc_group(vpc_id, "web"), account.vpc_group(vpc_id, "app")
    account.builder.let_in(app, 8080, groups=[web])
    caller, called = account.in_vpc(subnets[0], web), account.in_vpc(subnets[1], app)
    assert ok(account, caller, called, 8080)
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    account.call("ec2", "RevokeSecurityGroupEgress", GroupId=web, IpPermissions=everything)
    assert "outbound" in why(account, caller, called, 8080)
    narrow = [{"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "UserIdGroupPairs": [{"GroupId": app}]}]
    account.call("ec2", "AuthorizeSecurityGroupEgress", GroupId=web, IpPermissions=narrow)
    assert ok(account, caller, called, 8080)


def test_a_link_joins_a_classic_instance_and_the_vpc_both_ways(account: BothPlatforms) -> None:
    vpc_id, subnets = account.vpc()
    old, new = account.builder.group("old", "o"), account.vpc_group(vpc_id, "new")
    account.builder.let_in(new, 80, groups=[new])
    classic, moved = account.classic(old), account.in_vpc(subnets[0], new)
    assert "not linked" in why(account, classic, moved, 80)
    account.link(classic, vpc_id, new)
    assert ok(account, classic, moved, 80)
    assert ok(account, moved, classic, 80)


def test_two_linked_instances_do_not_talk_through_the_vpc(account: BothPlatforms) -> None:
    vpc_id, _ = account.vpc()
    old, new = account.builder.group("old", "o"), account.vpc_group(vpc_id, "new")
    account.builder.let_in(new, 80, groups=[new])
    one, other = account.classic(old), account.classic(old)
    for instance in (one, other):
        account.link(instance, vpc_id, new)
    assert not ok(account, one, other, 80)
    account.builder.let_in(old, 80, groups=[old])
    assert ok(account, one, other, 80)


def test_a_classic_database_admits_groups_and_addresses_of_classic_alone(account: BothPlatforms) -> None:
    vpc_id, subnets = account.vpc()
    old, new = account.builder.group("old", "o"), account.vpc_group(vpc_id, "new")
    account.call("rds", "CreateDBSecurityGroup", DBSecurityGroupName="d", DBSecurityGroupDescription="d")
    account.call(
        "rds",
        "AuthorizeDBSecurityGroupIngress",
        DBSecurityGroupName="d",
        EC2SecurityGroupId=old,
        EC2SecurityGroupOwnerId="123456789012",
    )
    account.call("rds", "AuthorizeDBSecurityGroupIngress", DBSecurityGroupName="d", CIDRIP="203.0.113.0/24")
    database(account, DBSecurityGroups=["d"])
    caller, stranger = account.classic(old), account.classic(account.builder.group("other", "o"))
    moved = account.in_vpc(subnets[0], new)
    assert ok(account, caller, "rds_instance:main", 3306)
    assert not ok(account, caller, "rds_instance:main", 5432)
    assert not ok(account, stranger, "rds_instance:main", 3306)
    assert ok(account, "cidr:203.0.113.7/32", "rds_instance:main", 3306)
    assert not ok(account, "internet", "rds_instance:main", 3306)
    assert "managed service" in why(account, moved, "rds_instance:main", 3306)


def test_a_linked_instance_reaches_a_database_in_the_vpc(account: BothPlatforms) -> None:
    vpc_id, subnets = account.vpc()
    new, db = account.vpc_group(vpc_id, "new"), account.vpc_group(vpc_id, "db")
    account.builder.let_in(db, 3306, groups=[new])
    account.call("rds", "CreateDBSubnetGroup", DBSubnetGroupName="s", DBSubnetGroupDescription="s", SubnetIds=subnets)
    database(account, DBSubnetGroupName="s", VpcSecurityGroupIds=[db])
    classic = account.classic(account.builder.group("old", "o"))
    assert not ok(account, classic, "rds_instance:main", 3306)
    account.link(classic, vpc_id, new)
    assert ok(account, classic, "rds_instance:main", 3306)
    assert ok(account, account.in_vpc(subnets[0], new), "rds_instance:main", 3306)


def test_the_internet_needs_a_rule_for_addresses_and_a_public_address(account: BothPlatforms) -> None:
    vpc_id, subnets = account.vpc()
    old, new = account.builder.group("old", "o"), account.vpc_group(vpc_id, "new")
    for group in (old, new):
        account.builder.let_in(group, 80, cidrs=["0.0.0.0/0"])
        account.builder.let_in(group, 22, cidrs=["203.0.113.0/24"])
    public = account.in_vpc(subnets[0], new)
    private = {"MapPublicIpOnLaunch": {"Value": False}}
    account.call("ec2", "ModifySubnetAttribute", SubnetId=subnets[1], **private)
    hidden = account.in_vpc(subnets[1], new)
    for instance in (account.classic(old), public):
        assert ok(account, "internet", instance, 80)
        assert not ok(account, "internet", instance, 22)
        assert ok(account, "cidr:203.0.113.7/32", instance, 22)
    assert "from the internet" in why(account, "internet", hidden, 80)
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}]
    table = account.call("ec2", "DescribeRouteTables", Filters=filters)["RouteTables"][0]["RouteTableId"]
    account.call("ec2", "DeleteRoute", RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    assert not ok(account, "internet", public, 80)


def test_a_load_balancer_calls_its_members_and_is_called_by_everybody(account: BothPlatforms) -> None:
    web = account.builder.group("web", "w")
    account.builder.let_in_load_balancers(web, 80)
    member, other = account.classic(web), account.classic(web)
    account.balancer()
    account.register(member)
    assert "in service" in why(account, "internet", "load_balancer:web", 80)
    account.wait(60)
    assert ok(account, "internet", "load_balancer:web", 80)
    assert ok(account, other, "load_balancer:web", 80)
    assert not ok(account, "internet", "load_balancer:web", 443)
    assert ok(account, "load_balancer:web", member, 80)
    assert "not registered" in why(account, "load_balancer:web", other, 80)


def test_a_load_balancer_in_a_vpc_is_ruled_by_its_groups(account: BothPlatforms) -> None:
    vpc_id, subnets = account.vpc()
    front, back = account.vpc_group(vpc_id, "front"), account.vpc_group(vpc_id, "back")
    account.builder.let_in(back, 80, groups=[front])
    member, linked = account.in_vpc(subnets[0], back), account.classic(account.builder.group("old", "o"))
    account.link(linked, vpc_id, back)
    account.balancer("web", Subnets=subnets, SecurityGroups=[front])
    for instance in (member, linked):
        account.register(instance)
    account.wait(60)
    assert ok(account, "load_balancer:web", member, 80)
    assert ok(account, "load_balancer:web", linked, 80)
    assert not ok(account, "internet", "load_balancer:web", 80)
    account.builder.let_in(front, 80, cidrs=["0.0.0.0/0"])
    assert ok(account, "internet", "load_balancer:web", 80)
    assert ok(account, account.classic(account.builder.group("far", "f")), "load_balancer:web", 80)


def test_an_internal_load_balancer_is_called_from_its_vpc_and_by_linked_instances(account: BothPlatforms) -> None:
    vpc_id, subnets = account.vpc()
    group = account.vpc_group(vpc_id, "web")
    account.builder.let_in(group, 80, groups=[group])
    member = account.in_vpc(subnets[0], group)
    account.balancer("web", Subnets=subnets, SecurityGroups=[group], Scheme="internal")
    account.register(member)
    account.wait(60)
    classic = account.classic(account.builder.group("old", "o"))
    assert not ok(account, "internet", "load_balancer:web", 80)
    assert not ok(account, classic, "load_balancer:web", 80)
    account.link(classic, vpc_id, group)
    assert ok(account, classic, "load_balancer:web", 80)
    assert ok(account, member, "load_balancer:web", 80)


def test_a_ref_of_no_kind_is_a_mistake(account: BothPlatforms) -> None:
    with pytest.raises(ValueError, match="volume:vol-1"):
        reach(account.place, "volume:vol-1", "internet", 80)


def test_behind_a_nat_gateway_one_can_call_out_but_not_be_called(account: BothPlatforms) -> None:
    vpc_id, subnets = account.vpc()
    group = account.vpc_group(vpc_id, "g")
    account.builder.let_in(group, 80, cidrs=["0.0.0.0/0"])
    allocation = account.call("ec2", "AllocateAddress", Domain="vpc")["AllocationId"]
    nat = account.call("ec2", "CreateNatGateway", SubnetId=subnets[0], AllocationId=allocation)["NatGateway"]
    table = account.call("ec2", "CreateRouteTable", VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    account.call("ec2", "AssociateRouteTable", RouteTableId=table, SubnetId=subnets[1])
    everywhere = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": nat["NatGatewayId"]}
    account.wait(600)
    account.call("ec2", "CreateRoute", RouteTableId=table, **everywhere)
    hidden = account.in_vpc(subnets[1], group)
    member = account.classic(account.builder.group("web", "w"))
    group_of_member = account.call("ec2", "DescribeInstances", InstanceIds=[member])
    web = group_of_member["Reservations"][0]["Instances"][0]["SecurityGroups"][0]["GroupId"]
    account.builder.let_in_load_balancers(web, 80)
    account.balancer()
    account.register(member)
    account.wait(60)
    assert ok(account, hidden, "load_balancer:web", 80), "a load balancer in EC2-Classic is on the internet"
    assert not ok(account, "internet", hidden, 80)
