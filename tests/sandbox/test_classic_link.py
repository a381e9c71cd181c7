"""ClassicLink: which VPCs take it, which instances are linked, and what ends a link."""

from typing import Any

import pytest

from tests.sandbox.ec2_account import Account, refused


@pytest.fixture
def account() -> Account:
    return Account()


def linkable(account: Account, cidr: str = "172.20.0.0/16") -> tuple[str, str]:
    """A VPC with ClassicLink and a group in it."""
    vpc_id = account.vpc(cidr)
    account.ec2.enable_vpc_classic_link(VpcId=vpc_id)
    return vpc_id, account.group("link", vpc_id)


def link(account: Account, instance_id: str, vpc_id: str, *groups: str) -> None:
    account.ec2.attach_classic_link_vpc(InstanceId=instance_id, VpcId=vpc_id, Groups=list(groups))


def linked(account: Account, **more: Any) -> list[str]:
    return [each["InstanceId"] for each in account.ec2.describe_classic_link_instances(**more)["Instances"]]


def routes(account: Account, vpc_id: str) -> list[set[str]]:
    asked = [{"Name": "vpc-id", "Values": [vpc_id]}]
    tables = account.ec2.describe_route_tables(Filters=asked)["RouteTables"]
    return [{route["DestinationCidrBlock"] for route in table["Routes"]} for table in tables]


def test_enabling_adds_the_route_to_classic_to_every_table_and_disabling_takes_it_away(account: Account) -> None:
    vpc_id = account.vpc()
    account.ec2.create_route_table(VpcId=vpc_id)
    for _ in range(2):
        assert account.ec2.enable_vpc_classic_link(VpcId=vpc_id)["Return"] is True
    account.ec2.create_route_table(VpcId=vpc_id)
    assert routes(account, vpc_id) == [{"172.20.0.0/16", "10.0.0.0/8"}] * 3
    asked = [{"Name": "is-classic-link-enabled", "Values": ["true"]}]
    (found,) = account.ec2.describe_vpc_classic_link(Filters=asked)["Vpcs"]
    assert found["VpcId"] == vpc_id
    account.ec2.disable_vpc_classic_link(VpcId=vpc_id)
    assert routes(account, vpc_id) == [{"172.20.0.0/16"}] * 3


@pytest.mark.parametrize("cidr", ["10.2.0.0/16", "10.200.0.0/20"])
def test_a_vpc_inside_classics_range_conflicts(account: Account, cidr: str) -> None:
    with refused("VpcCidrConflict"):
        account.ec2.enable_vpc_classic_link(VpcId=account.vpc(cidr))


@pytest.mark.parametrize("cidr", ["10.0.0.0/16", "10.1.128.0/20", "192.168.0.0/16"])
def test_a_vpc_in_one_of_two_ranges_or_outside_does_not(account: Account, cidr: str) -> None:
    assert account.ec2.enable_vpc_classic_link(VpcId=account.vpc(cidr))["Return"] is True


def test_a_route_in_any_table_conflicts(account: Account) -> None:
    vpc_id = account.vpc()
    gateway_id = account.gateway(vpc_id)
    table_id = account.ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    for cidr in ("0.0.0.0/0", "10.9.0.0/16"):
        account.ec2.create_route(RouteTableId=table_id, DestinationCidrBlock=cidr, GatewayId=gateway_id)
    with refused("VpcCidrConflict"):
        account.ec2.enable_vpc_classic_link(VpcId=vpc_id)
    account.ec2.delete_route(RouteTableId=table_id, DestinationCidrBlock="10.9.0.0/16")
    account.ec2.enable_vpc_classic_link(VpcId=vpc_id)


def test_a_dedicated_vpc_is_refused(account: Account) -> None:
    with refused("DisallowedForDedicatedTenancyNetwork"):
        account.ec2.enable_vpc_classic_link(VpcId=account.vpc(InstanceTenancy="dedicated"))


def test_dns_support_needs_host_names_and_resolution(account: Account) -> None:
    vpc_id, _ = linkable(account)
    with refused("OperationNotPermitted"):
        account.ec2.enable_vpc_classic_link_dns_support(VpcId=vpc_id)
    account.ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    account.ec2.enable_vpc_classic_link_dns_support(VpcId=vpc_id)
    (found,) = account.ec2.describe_vpc_classic_link_dns_support(VpcIds=[vpc_id])["Vpcs"]
    assert found == {"VpcId": vpc_id, "ClassicLinkDnsSupported": True}
    account.ec2.disable_vpc_classic_link_dns_support(VpcId=vpc_id)
    (found,) = account.ec2.describe_vpc_classic_link_dns_support(VpcIds=[vpc_id])["Vpcs"]
    assert found["ClassicLinkDnsSupported"] is False


def test_a_running_classic_instance_is_linked_and_shown_in_no_vpc(account: Account) -> None:
    vpc_id, group_id = linkable(account)
    instance_id = account.launched()
    link(account, instance_id, vpc_id, group_id)
    (found,) = account.ec2.describe_classic_link_instances()["Instances"]
    assert (found["InstanceId"], found["VpcId"]) == (instance_id, vpc_id)
    assert found["Groups"] == [{"GroupId": group_id, "GroupName": "link"}]
    assert account.found(vpc_id=vpc_id) == []
    account.ec2.detach_classic_link_vpc(InstanceId=instance_id, VpcId=vpc_id)
    assert linked(account) == []
    with refused("InvalidInstanceID.NotLinked"):
        account.ec2.detach_classic_link_vpc(InstanceId=instance_id, VpcId=vpc_id)


def test_what_is_not_a_running_classic_instance_is_not_linkable(account: Account) -> None:
    vpc_id, group_id = linkable(account)
    inside = account.launched(SubnetId=account.subnet(vpc_id))
    pending = account.launch()["InstanceId"]
    for instance_id in (inside, pending):
        with refused("InvalidInstanceID.NotLinkable"):
            link(account, instance_id, vpc_id, group_id)
    other = account.vpc("172.21.0.0/16")
    account.wait()
    with refused("InvalidInstanceID.NotLinkable"):
        link(account, pending, other, account.group("link", other))
    link(account, pending, vpc_id, group_id)


def test_a_linked_instance_is_not_linked_again_not_even_the_same_way(account: Account) -> None:
    vpc_id, group_id = linkable(account)
    other_vpc, other_group = linkable(account, "172.21.0.0/16")
    instance_id = account.launched()
    link(account, instance_id, vpc_id, group_id)
    for target, group in ((vpc_id, group_id), (other_vpc, other_group)):
        with refused("InstanceAlreadyLinked"):
            link(account, instance_id, target, group)


def test_the_groups_are_the_vpcs_and_not_too_many(account: Account) -> None:
    vpc_id, group_id = linkable(account)
    instance_id = account.launched()
    with refused("InvalidGroup.NotFound"):
        link(account, instance_id, vpc_id, group_id, account.group("classic"))
    account.place.limits.groups_per_interface = 1
    with refused("SecurityGroupsPerInterfaceLimitExceeded"):
        link(account, instance_id, vpc_id, group_id, account.group("more", vpc_id))
    assert linked(account) == []


def test_stopping_unlinks_and_rebooting_does_not(account: Account) -> None:
    vpc_id, group_id = linkable(account)
    instance_id = account.launched()
    link(account, instance_id, vpc_id, group_id)
    account.ec2.reboot_instances(InstanceIds=[instance_id])
    account.ec2.create_image(InstanceId=instance_id, Name="web-1")
    account.wait()
    assert linked(account) == [instance_id]
    account.ec2.stop_instances(InstanceIds=[instance_id])
    assert linked(account) == []
    account.wait()
    account.start(instance_id)
    assert linked(account) == []


def test_a_vpc_with_linked_instances_keeps_its_link(account: Account) -> None:
    vpc_id, group_id = linkable(account)
    instance_id = account.launched()
    link(account, instance_id, vpc_id, group_id)
    with refused("DependencyViolation"):
        account.ec2.disable_vpc_classic_link(VpcId=vpc_id)
    with refused("DependencyViolation"):
        account.ec2.delete_security_group(GroupId=group_id)
    account.ec2.terminate_instances(InstanceIds=[instance_id])
    account.ec2.disable_vpc_classic_link(VpcId=vpc_id)


def test_linked_instances_are_found_by_group_vpc_tag_and_id_and_come_in_pages(account: Account) -> None:
    vpc_id, group_id = linkable(account)
    answer = account.ec2.run_instances(
        ImageId=account.image(), InstanceType="m3.medium", MinCount=7, MaxCount=7, ClientToken="seven"
    )
    account.wait()
    ids = [each["InstanceId"] for each in answer["Instances"]]
    for instance_id in ids[1:]:
        link(account, instance_id, vpc_id, group_id)
        account.wait(1)
    account.ec2.create_tags(Resources=ids[:3], Tags=[{"Key": "tier", "Value": "web"}])
    assert linked(account, Filters=[{"Name": "group-id", "Values": [group_id]}]) == ids[1:]
    assert linked(account, Filters=[{"Name": "vpc-id", "Values": ["vpc-none"]}]) == []
    assert linked(account, Filters=[{"Name": "tag:tier", "Values": ["web"]}]) == ids[1:3]
    assert linked(account, InstanceIds=ids[:2]) == ids[1:2]
    pages = account.ec2.get_paginator("describe_classic_link_instances").paginate(PaginationConfig={"PageSize": 5})
    assert [len(page["Instances"]) for page in pages] == [5, 1]


def test_a_region_without_classic_has_no_classic_link(account: Account) -> None:
    vpc_id = account.vpc()
    account.place.has_classic = False
    with refused("UnsupportedOperation"):
        account.ec2.enable_vpc_classic_link(VpcId=vpc_id)
