"""Security groups of EC2-Classic and of VPCs, by the rules of aws-facts A2."""

from typing import Any

import pytest

from sandbox.ec2.groups import SecurityGroup
from sandbox.world import World
from tests.sandbox.conftest import Refused

WEB = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


@pytest.fixture
def vpc(ec2: Any) -> str:
    return str(ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])


def make(ec2: Any, name: str, vpc: str | None = None) -> str:
    where = {"VpcId": vpc} if vpc else {}
    return str(ec2.create_security_group(GroupName=name, Description=name, **where)["GroupId"])


def group(ec2: Any, group_id: str) -> dict[str, Any]:
    found: dict[str, Any] = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0]
    return found


def from_group(**source: str) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [source]}


def cidrs(first: int, last: int) -> list[dict[str, Any]]:
    return [{**WEB, "IpRanges": [{"CidrIp": f"192.0.2.{index}/32"} for index in range(first, last)]}]


def test_classic_and_every_vpc_have_a_default_group(ec2: Any, vpc: str, refused: Refused) -> None:
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])["SecurityGroups"]

    assert [one.get("VpcId") for one in groups] == [None, vpc]
    assert [len(one["IpPermissions"]) for one in groups] == [3, 1]
    assert groups[0]["IpPermissionsEgress"] == []
    for one in groups:
        with refused("CannotDelete"):
            ec2.delete_security_group(GroupId=one["GroupId"])


def test_a_group_without_a_vpc_is_of_classic(ec2: Any, vpc: str) -> None:
    classic, inside = group(ec2, make(ec2, "web")), group(ec2, make(ec2, "web", vpc))

    assert "VpcId" not in classic
    assert classic["IpPermissionsEgress"] == []
    assert inside["VpcId"] == vpc
    assert inside["IpPermissionsEgress"][0]["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}]


def test_without_classic_and_default_vpc_a_group_needs_a_vpc(ec2: Any, world: World, refused: Refused) -> None:
    world.place().has_classic = False

    with refused("VPCIdNotSpecified"):
        make(ec2, "web")
    default = ec2.create_default_vpc()["Vpc"]["VpcId"]
    assert group(ec2, make(ec2, "web"))["VpcId"] == default


@pytest.mark.parametrize(("first", "second"), [("web", "web"), ("web", "WEB")])
def test_names_are_unique_per_platform_without_regard_to_case(
    ec2: Any, vpc: str, refused: Refused, first: str, second: str
) -> None:
    for where in (None, vpc):
        make(ec2, first, where)
        with refused("InvalidGroup.Duplicate"):
            make(ec2, second, where)


def test_names_obey_the_platforms_character_sets(ec2: Any, vpc: str, refused: Refused) -> None:
    make(ec2, "café?".replace("é", "e") + '"quoted"')
    for name, where in (("café", None), ("what?", vpc), ("x" * 256, None), ("sg-abc", vpc)):
        with refused("InvalidParameterValue"):
            make(ec2, name, where)
    for where in (None, vpc):
        with refused("InvalidGroup.Reserved"):
            make(ec2, "default", where)


def test_classic_groups_are_named_by_name_or_id_and_vpc_groups_by_id_only(ec2: Any, vpc: str, refused: Refused) -> None:
    make(ec2, "web")
    make(ec2, "inner", vpc)

    ec2.authorize_security_group_ingress(GroupName="web", IpPermissions=[WEB])
    assert len(ec2.describe_security_groups(GroupNames=["web"])["SecurityGroups"]) == 1
    with refused("InvalidGroup.NotFound"):
        ec2.authorize_security_group_ingress(GroupName="inner", IpPermissions=[WEB])
    with refused("InvalidGroup.NotFound"):
        ec2.describe_security_groups(GroupNames=["inner"])
    with refused("MissingParameter"):
        ec2.authorize_security_group_ingress(IpPermissions=[WEB])


def test_the_two_platforms_cannot_name_each_other(ec2: Any, vpc: str, refused: Refused) -> None:
    classic, inside = make(ec2, "web"), make(ec2, "inner", vpc)

    for target, source in ((classic, inside), (inside, classic)):
        with refused("InvalidGroup.NotFound"):
            ec2.authorize_security_group_ingress(GroupId=target, IpPermissions=[from_group(GroupId=source)])


def test_a_rule_that_is_there_is_refused_with_all_that_came_with_it(ec2: Any, vpc: str, refused: Refused) -> None:
    web = make(ec2, "web", vpc)
    ec2.authorize_security_group_ingress(GroupId=web, IpPermissions=[WEB])

    with refused("InvalidPermission.Duplicate"):
        ec2.authorize_security_group_ingress(GroupId=web, IpPermissions=[{**WEB, "FromPort": 70}, WEB])
    assert [one["FromPort"] for one in group(ec2, web)["IpPermissions"]] == [80]


def test_classic_takes_100_rules_and_a_vpc_60_each_way(ec2: Any, vpc: str, refused: Refused) -> None:
    classic, inside = make(ec2, "web"), make(ec2, "web", vpc)
    ec2.authorize_security_group_ingress(GroupId=classic, IpPermissions=cidrs(0, 100))
    ec2.authorize_security_group_ingress(GroupId=inside, IpPermissions=cidrs(0, 60))
    ec2.authorize_security_group_egress(GroupId=inside, IpPermissions=cidrs(0, 59))
    v6 = {**WEB, "IpRanges": [], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
    ec2.authorize_security_group_ingress(GroupId=inside, IpPermissions=[v6])

    for one in (classic, inside):
        with refused("RulesPerSecurityGroupLimitExceeded"):
            ec2.authorize_security_group_ingress(GroupId=one, IpPermissions=cidrs(200, 201))
    with refused("RulesPerSecurityGroupLimitExceeded"):
        ec2.authorize_security_group_egress(GroupId=inside, IpPermissions=cidrs(200, 201))


def test_the_number_of_groups_is_limited_per_platform(ec2: Any, vpc: str, world: World, refused: Refused) -> None:
    assert (world.place().limits.groups_classic, world.place().limits.groups_vpc) == (500, 2_500)
    world.place().limits.groups_classic = 2
    make(ec2, "one")

    with refused("SecurityGroupLimitExceeded"):
        make(ec2, "two")
    make(ec2, "two", vpc)


def test_classic_knows_no_outbound_rules_and_no_ipv6(ec2: Any, refused: Refused) -> None:
    web = make(ec2, "web")

    with refused("InvalidParameterValue"):
        ec2.authorize_security_group_egress(GroupId=web, IpPermissions=[WEB])
    with refused("InvalidParameterValue"):
        ec2.authorize_security_group_ingress(
            GroupId=web, IpPermissions=[{**WEB, "IpRanges": [], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]
        )


def test_protocol_may_be_left_out_in_classic_only(ec2: Any, vpc: str, refused: Refused) -> None:
    web, inside = make(ec2, "web"), make(ec2, "inner", vpc)

    ec2.authorize_security_group_ingress(GroupName="web", SourceSecurityGroupName="web")
    protocols = {one["IpProtocol"] for one in group(ec2, web)["IpPermissions"]}
    assert protocols == {"tcp", "udp", "icmp"}
    with refused("InvalidPermission.Malformed"):
        ec2.authorize_security_group_ingress(GroupId=web, IpProtocol="-1", CidrIp="0.0.0.0/0")
    ec2.authorize_security_group_ingress(GroupId=inside, IpProtocol="-1", CidrIp="0.0.0.0/0")
    with refused("MissingParameter"):
        ec2.authorize_security_group_ingress(GroupId=inside, CidrIp="0.0.0.0/0")


@pytest.mark.parametrize(
    "rule",
    [
        {**WEB, "FromPort": 90},
        {**WEB, "ToPort": 65536},
        {**WEB, "IpRanges": [{"CidrIp": "10.0.0.0/33"}]},
        {**WEB, "IpRanges": [{"CidrIp": "10.0.0.1"}]},
        {**WEB, "IpProtocol": "carrier-pigeon"},
    ],
)
def test_rules_that_make_no_sense_are_refused(ec2: Any, vpc: str, refused: Refused, rule: dict[str, Any]) -> None:
    web = make(ec2, "web", vpc)

    with refused("InvalidParameterValue"):
        ec2.authorize_security_group_ingress(GroupId=web, IpPermissions=[rule])


def test_classic_takes_other_accounts_groups_and_the_load_balancers(ec2: Any, vpc: str, refused: Refused) -> None:
    web, inside = make(ec2, "web"), make(ec2, "inner", vpc)
    partner = from_group(UserId="111122223333", GroupId="sg-0123456789abcdef0")
    balancers = from_group(UserId="amazon-elb", GroupName="amazon-elb-sg")

    ec2.authorize_security_group_ingress(GroupId=web, IpPermissions=[partner, balancers])

    pairs = group(ec2, web)["IpPermissions"][0]["UserIdGroupPairs"]
    assert pairs[0] == {"UserId": "111122223333", "GroupId": "sg-0123456789abcdef0"}
    assert (pairs[1]["UserId"], pairs[1]["GroupName"]) == ("amazon-elb", "amazon-elb-sg")
    for foreign in (partner, balancers):
        with refused("InvalidGroup.NotFound"):
            ec2.authorize_security_group_ingress(GroupId=inside, IpPermissions=[foreign])


def test_groups_that_name_each_other_keep_each_other(ec2: Any, vpc: str, refused: Refused) -> None:
    for where, code in ((None, "InvalidGroup.InUse"), (vpc, "DependencyViolation")):
        one, other = make(ec2, "one", where), make(ec2, "other", where)
        ec2.authorize_security_group_ingress(GroupId=one, IpPermissions=[from_group(GroupId=one)])
        ec2.authorize_security_group_ingress(GroupId=one, IpPermissions=[from_group(GroupId=other)])
        with refused(code):
            ec2.delete_security_group(GroupId=other)
        ec2.delete_security_group(GroupId=one)  # naming itself does not matter
        ec2.delete_security_group(GroupId=other)


def test_revoking_what_is_not_there_fails_except_in_a_default_vpc(ec2: Any, vpc: str, refused: Refused) -> None:
    default = ec2.create_default_vpc()["Vpc"]["VpcId"]
    for where in (None, vpc):
        with refused("InvalidPermission.NotFound"):
            ec2.revoke_security_group_ingress(GroupId=make(ec2, "web", where), IpPermissions=[WEB])
    answer = ec2.revoke_security_group_ingress(GroupId=make(ec2, "web", default), IpPermissions=[WEB])
    assert answer["UnknownIpPermissions"][0]["FromPort"] == 80


def test_rules_have_ids_descriptions_and_tags(ec2: Any, vpc: str, refused: Refused) -> None:
    web = make(ec2, "web", vpc)
    made = ec2.authorize_security_group_ingress(
        GroupId=web,
        IpPermissions=[{**WEB, "IpRanges": [{"CidrIp": "192.0.2.0/24", "Description": "office"}]}],
        TagSpecifications=[{"ResourceType": "security-group-rule", "Tags": [{"Key": "who", "Value": "us"}]}],
    )["SecurityGroupRules"][0]
    by_tag = [{"Name": "tag:who", "Values": ["us"]}]

    found = ec2.describe_security_group_rules(Filters=by_tag)["SecurityGroupRules"]
    assert [one["SecurityGroupRuleId"] for one in found] == [made["SecurityGroupRuleId"]]
    assert (found[0]["Description"], found[0]["IsEgress"], found[0]["CidrIpv4"]) == ("office", False, "192.0.2.0/24")

    ec2.update_security_group_rule_descriptions_ingress(
        GroupId=web, IpPermissions=[{**WEB, "IpRanges": [{"CidrIp": "192.0.2.0/24", "Description": "home"}]}]
    )
    assert group(ec2, web)["IpPermissions"][0]["IpRanges"][0]["Description"] == "home"
    ec2.create_tags(Resources=[made["SecurityGroupRuleId"]], Tags=[{"Key": "more", "Value": ""}])
    ec2.revoke_security_group_ingress(GroupId=web, SecurityGroupRuleIds=[made["SecurityGroupRuleId"]])
    assert ec2.describe_security_group_rules(Filters=by_tag)["SecurityGroupRules"] == []
    with refused("InvalidSecurityGroupRuleId.NotFound"):
        ec2.create_tags(Resources=[made["SecurityGroupRuleId"]], Tags=[{"Key": "a", "Value": ""}])


def test_groups_are_found_by_what_their_rules_say(ec2: Any, vpc: str) -> None:
    web, data = make(ec2, "web", vpc), make(ec2, "data", vpc)
    ec2.authorize_security_group_ingress(GroupId=web, IpPermissions=[WEB])
    ec2.authorize_security_group_ingress(GroupId=data, IpPermissions=[from_group(GroupId=web)])

    def found(name: str, value: str) -> list[str]:
        answer = ec2.describe_security_groups(Filters=[{"Name": name, "Values": [value]}])
        return [one["GroupId"] for one in answer["SecurityGroups"]]

    assert found("ip-permission.from-port", "80") == [web]
    assert found("ip-permission.group-id", web) == [data]
    assert found("ip-permission.cidr", "0.0.0.*") == [web]
    assert found("group-id", data) == [data]


def test_a_group_in_use_stays(ec2: Any, world: World, refused: Refused) -> None:
    web = make(ec2, "web")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    made = ec2.run_instances(ImageId=image, InstanceType="m1.small", MinCount=1, MaxCount=1, SecurityGroupIds=[web])[
        "Instances"
    ][0]["InstanceId"]

    with refused("InvalidGroup.InUse"):
        ec2.delete_security_group(GroupId=web)
    ec2.terminate_instances(InstanceIds=[made])
    world.clock.advance(3600)
    ec2.delete_security_group(GroupId=web)

    assert web not in world.place().table(SecurityGroup)


def test_a_group_of_a_link_or_a_load_balancer_stays(
    ec2: Any, session: Any, vpc: str, world: World, refused: Refused
) -> None:
    linked, balancing = make(ec2, "linked", vpc), make(ec2, "balancing", vpc)
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    classic = ec2.run_instances(ImageId=image, InstanceType="m1.small", MinCount=1, MaxCount=1)
    world.clock.advance(600)
    ec2.enable_vpc_classic_link(VpcId=vpc)
    instance = classic["Instances"][0]["InstanceId"]
    ec2.attach_classic_link_vpc(InstanceId=instance, VpcId=vpc, Groups=[linked])
    inside = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    listener = {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}
    elb = session.client("elb")
    elb.create_load_balancer(
        LoadBalancerName="front", Listeners=[listener], Subnets=[inside], SecurityGroups=[balancing]
    )

    for group_id in (linked, balancing):
        with refused("DependencyViolation"):
            ec2.delete_security_group(GroupId=group_id)
    with refused("DependencyViolation"):
        ec2.delete_subnet(SubnetId=inside)
    ec2.detach_classic_link_vpc(InstanceId=instance, VpcId=vpc)
    elb.delete_load_balancer(LoadBalancerName="front")
    world.clock.advance(60)
    for group_id in (linked, balancing):
        ec2.delete_security_group(GroupId=group_id)
