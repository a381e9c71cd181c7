"""Classic load balancers on both platforms, as boto3 shows them."""

import pytest

from tests.sandbox.both_platforms import OTHER_ZONE, ZONE, BothPlatforms

LISTENER = {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}
CERTIFICATE = "arn:aws:iam::123456789012:server-certificate/c"


@pytest.fixture
def account() -> BothPlatforms:
    return BothPlatforms()


@pytest.fixture
def web(account: BothPlatforms) -> str:
    """A group of EC2-Classic that lets load balancers in."""
    group = account.builder.group("web", "w")
    account.builder.let_in_load_balancers(group, 80)
    return group


def test_zones_make_a_classic_one_and_subnets_one_in_their_vpc(account: BothPlatforms) -> None:
    vpc_id, subnets = account.vpc()
    account.balancer("old")
    account.balancer("new", Subnets=subnets)
    assert "VPCId" not in account.described("old")
    assert account.described("old")["SourceSecurityGroup"] == {
        "OwnerAlias": "amazon-elb",
        "GroupName": "amazon-elb-sg",
    }
    new = account.described("new")
    assert (new["VPCId"], sorted(new["AvailabilityZones"])) == (vpc_id, [ZONE, OTHER_ZONE])
    assert new["SourceSecurityGroup"] == {"OwnerAlias": "123456789012", "GroupName": "default"}


def test_a_name_is_taken_once_and_its_dns_name_never_comes_back(account: BothPlatforms) -> None:
    first = account.balancer()
    account.refused(
        "DuplicateLoadBalancerName",
        "elb",
        "CreateLoadBalancer",
        LoadBalancerName="web",
        Listeners=[LISTENER],
        AvailabilityZones=[ZONE],
    )
    for _ in range(2):
        account.call("elb", "DeleteLoadBalancer", LoadBalancerName="web")
    account.refused("LoadBalancerNotFound", "elb", "DescribeLoadBalancers", LoadBalancerNames=["web"])
    assert account.balancer() != first


@pytest.mark.parametrize("name", ["-web", "web-", "we_b", "w" * 33])
def test_names_that_aws_does_not_take(account: BothPlatforms, name: str) -> None:
    account.refused(
        "ValidationError",
        "elb",
        "CreateLoadBalancer",
        LoadBalancerName=name,
        Listeners=[LISTENER],
        AvailabilityZones=[ZONE],
    )


def test_two_subnets_of_a_zone_are_refused_and_so_is_an_internal_one_in_classic(account: BothPlatforms) -> None:
    vpc_id, subnets = account.vpc()
    more = account.call("ec2", "CreateSubnet", VpcId=vpc_id, CidrBlock="172.20.9.0/24", AvailabilityZone=ZONE)
    wanted = {"LoadBalancerName": "web", "Listeners": [LISTENER]}
    both = [subnets[0], more["Subnet"]["SubnetId"]]
    account.refused("InvalidConfigurationRequest", "elb", "CreateLoadBalancer", **wanted, Subnets=both)
    account.refused("SubnetNotFound", "elb", "CreateLoadBalancer", **wanted, Subnets=["subnet-0"])
    account.refused("InvalidScheme", "elb", "CreateLoadBalancer", **wanted, AvailabilityZones=[ZONE], Scheme="internal")


def test_they_are_listed_in_pages(account: BothPlatforms) -> None:
    for number in range(5):
        account.balancer(f"web-{number}")
    pages = (
        account.session.client("elb")
        .get_paginator("describe_load_balancers")
        .paginate(PaginationConfig={"PageSize": 2})
    )
    names = [[one["LoadBalancerName"] for one in page["LoadBalancerDescriptions"]] for page in pages]
    assert names == [["web-0", "web-1"], ["web-2", "web-3"], ["web-4"]]


def test_a_member_comes_into_service_after_as_many_checks_as_asked(account: BothPlatforms, web: str) -> None:
    instance = account.classic(web)
    account.balancer()
    account.register(instance)
    account.wait(5 + 29)
    assert account.health() == {instance: "OutOfService"}
    account.wait(2)
    assert account.health() == {instance: "InService"}


def test_a_member_that_cannot_be_reached_never_comes_into_service(account: BothPlatforms) -> None:
    instance = account.classic(account.builder.group("closed", "c"))
    account.balancer()
    account.register(instance)
    account.wait(3600)
    assert account.health() == {instance: "OutOfService"}


def test_a_classic_member_that_was_stopped_and_started_returns_when_it_is_registered_anew(
    account: BothPlatforms, web: str
) -> None:
    instance = account.classic(web)
    account.balancer()
    account.register(instance)
    account.wait(60)
    account.call("ec2", "StopInstances", InstanceIds=[instance])
    account.wait(60)
    assert account.health() == {instance: "OutOfService"}
    account.call("ec2", "StartInstances", InstanceIds=[instance])
    account.wait(120)
    account.register(instance)  # it is registered already, by another address
    account.wait(120)
    assert account.health() == {instance: "OutOfService"}
    account.deregister(instance)
    account.register(instance)
    account.wait(120)
    assert account.health() == {instance: "InService"}


def test_a_member_in_a_vpc_keeps_its_address_and_returns_by_itself(account: BothPlatforms) -> None:
    vpc_id, subnets = account.vpc()
    group = account.vpc_group(vpc_id, "web")
    account.builder.let_in(group, 80, cidrs=["0.0.0.0/0"])
    instance = account.in_vpc(subnets[0], group)
    account.balancer(Subnets=subnets, SecurityGroups=[group])
    account.register(instance)
    account.wait(60)
    assert account.health() == {instance: "InService"}
    account.call("ec2", "StopInstances", InstanceIds=[instance])
    account.wait(60)
    account.call("ec2", "StartInstances", InstanceIds=[instance])
    account.wait(120)
    assert account.health() == {instance: "InService"}


def test_a_revoked_rule_takes_members_out_after_the_unhealthy_threshold(account: BothPlatforms, web: str) -> None:
    instance = account.classic(web)
    account.balancer()
    account.register(instance)
    account.wait(60)
    rules = account.call("ec2", "DescribeSecurityGroups", GroupIds=[web])["SecurityGroups"][0]["IpPermissions"]
    account.call("ec2", "RevokeSecurityGroupIngress", GroupId=web, IpPermissions=rules)
    account.wait(19)
    assert account.health() == {instance: "InService"}
    account.wait(2)
    assert account.health() == {instance: "OutOfService"}


def test_a_classic_one_takes_classic_instances_alone(account: BothPlatforms) -> None:
    vpc_id, subnets = account.vpc()
    stranger = account.in_vpc(subnets[0], account.vpc_group(vpc_id, "g"))
    account.balancer()
    account.refused(
        "InvalidInstance",
        "elb",
        "RegisterInstancesWithLoadBalancer",
        LoadBalancerName="web",
        Instances=[{"InstanceId": stranger}],
    )


def test_one_in_a_vpc_takes_linked_instances_where_it_has_a_subnet(account: BothPlatforms, web: str) -> None:
    vpc_id, subnets = account.vpc()
    group = account.vpc_group(vpc_id, "web")
    account.builder.let_in(group, 80, groups=[group])
    near, far = account.classic(web), account.classic(web, OTHER_ZONE)
    account.balancer("web", Subnets=subnets[:1], SecurityGroups=[group])
    ask = ("InvalidInstance", "elb", "RegisterInstancesWithLoadBalancer")
    account.refused(*ask, LoadBalancerName="web", Instances=[{"InstanceId": near}])
    account.link(near, vpc_id, group)
    account.link(far, vpc_id, group)
    account.refused(*ask, LoadBalancerName="web", Instances=[{"InstanceId": far}])
    account.register(near)
    account.wait(60)
    assert account.health() == {near: "InService"}
    account.call("ec2", "StopInstances", InstanceIds=[near])
    account.wait(60)
    account.call("ec2", "StartInstances", InstanceIds=[near])
    account.wait(600)
    assert account.health() == {near: "OutOfService"}, "stopping unlinked it"


def test_deregistering_drains_and_passes_over_what_is_not_registered(account: BothPlatforms, web: str) -> None:
    instance = account.classic(web)
    account.balancer()
    draining = {"ConnectionDraining": {"Enabled": True, "Timeout": 60}}
    account.call("elb", "ModifyLoadBalancerAttributes", LoadBalancerName="web", LoadBalancerAttributes=draining)
    account.register(instance)
    account.wait(60)
    account.deregister(instance)
    account.deregister(instance)
    assert account.described()["Instances"] == []
    assert account.health() == {instance: "InService"}
    account.wait(61)
    assert account.health() == {}


def test_listeners_and_policies_are_kept_as_they_were_made(account: BothPlatforms) -> None:
    account.balancer()
    secure = {"Protocol": "HTTPS", "LoadBalancerPort": 443, "InstancePort": 80, "SSLCertificateId": CERTIFICATE}
    name = {"LoadBalancerName": "web"}
    account.call("elb", "CreateLoadBalancerListeners", **name, Listeners=[secure])
    account.call("elb", "CreateLoadBalancerListeners", **name, Listeners=[secure])
    other = [{**secure, "InstancePort": 81}]
    account.refused("DuplicateListener", "elb", "CreateLoadBalancerListeners", **name, Listeners=other)
    account.call("elb", "CreateAppCookieStickinessPolicy", **name, PolicyName="basket", CookieName="B")
    account.call("elb", "CreateLBCookieStickinessPolicy", **name, PolicyName="browse", CookieExpirationPeriod=60)
    attributes = [{"AttributeName": "ProxyProtocol", "AttributeValue": "true"}]
    proxy = {"PolicyName": "proxy", "PolicyTypeName": "ProxyProtocolPolicyType", "PolicyAttributes": attributes}
    account.call("elb", "CreateLoadBalancerPolicy", **name, **proxy)
    account.call("elb", "SetLoadBalancerPoliciesOfListener", **name, LoadBalancerPort=443, PolicyNames=["basket"])
    account.call("elb", "SetLoadBalancerPoliciesForBackendServer", **name, InstancePort=80, PolicyNames=["proxy"])
    shown = account.described()
    assert [one["PolicyNames"] for one in shown["ListenerDescriptions"]] == [[], ["basket"]]
    assert shown["Policies"]["AppCookieStickinessPolicies"] == [{"PolicyName": "basket", "CookieName": "B"}]
    assert shown["Policies"]["LBCookieStickinessPolicies"] == [{"PolicyName": "browse", "CookieExpirationPeriod": 60}]
    assert shown["BackendServerDescriptions"] == [{"InstancePort": 80, "PolicyNames": ["proxy"]}]
    found = account.call("elb", "DescribeLoadBalancerPolicies", **name, PolicyNames=["proxy"])
    assert found["PolicyDescriptions"][0]["PolicyAttributeDescriptions"] == attributes
    account.refused("InvalidConfigurationRequest", "elb", "DeleteLoadBalancerPolicy", **name, PolicyName="basket")
    account.call("elb", "DeleteLoadBalancerListeners", **name, LoadBalancerPorts=[443])
    account.call("elb", "DeleteLoadBalancerPolicy", **name, PolicyName="basket")


def test_attributes_change_only_where_they_are_named(account: BothPlatforms) -> None:
    account.balancer()
    wanted = {"CrossZoneLoadBalancing": {"Enabled": True}, "ConnectionSettings": {"IdleTimeout": 120}}
    account.call("elb", "ModifyLoadBalancerAttributes", LoadBalancerName="web", LoadBalancerAttributes=wanted)
    found = account.call("elb", "DescribeLoadBalancerAttributes", LoadBalancerName="web")["LoadBalancerAttributes"]
    assert found["CrossZoneLoadBalancing"] == {"Enabled": True}
    assert found["ConnectionSettings"] == {"IdleTimeout": 120}
    assert found["ConnectionDraining"]["Enabled"] is False


def test_a_timeout_as_long_as_the_interval_is_refused(account: BothPlatforms) -> None:
    account.balancer()
    check = {"Target": "TCP:80", "Interval": 5, "Timeout": 5, "UnhealthyThreshold": 2, "HealthyThreshold": 2}
    account.refused("ValidationError", "elb", "ConfigureHealthCheck", LoadBalancerName="web", HealthCheck=check)


def test_subnets_groups_zones_and_tags_change(account: BothPlatforms) -> None:
    vpc_id, subnets = account.vpc()
    group = account.vpc_group(vpc_id, "web")
    account.balancer("new", Subnets=subnets[:1])
    name = {"LoadBalancerName": "new"}
    account.call("elb", "AttachLoadBalancerToSubnets", **name, Subnets=subnets[1:])
    account.call("elb", "DetachLoadBalancerFromSubnets", **name, Subnets=subnets[:1])
    account.call("elb", "ApplySecurityGroupsToLoadBalancer", **name, SecurityGroups=[group])
    shown = account.described("new")
    assert (shown["Subnets"], shown["SecurityGroups"]) == (subnets[1:], [group])
    account.balancer("old")
    account.call(
        "elb", "EnableAvailabilityZonesForLoadBalancer", LoadBalancerName="old", AvailabilityZones=[OTHER_ZONE]
    )
    assert account.described("old")["AvailabilityZones"] == [ZONE, OTHER_ZONE]
    account.call("elb", "AddTags", LoadBalancerNames=["old"], Tags=[{"Key": "a", "Value": "1"}, {"Key": "b"}])
    account.call("elb", "RemoveTags", LoadBalancerNames=["old"], Tags=[{"Key": "b"}])
    tags = account.call("elb", "DescribeTags", LoadBalancerNames=["old"])["TagDescriptions"][0]["Tags"]
    assert tags == [{"Key": "a", "Value": "1"}]
