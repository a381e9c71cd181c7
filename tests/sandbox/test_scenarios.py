"""The scenarios build, are what they say, and all their flows are up at the end."""

import boto3
import pytest

from sandbox.hook import connect
from sandbox.outages import Outages
from sandbox.scenarios import fleet, scenarios
from sandbox.world import World


def built(name: str) -> tuple[World, boto3.Session]:
    world = World()
    session = connect(world)
    scenarios()[name].build(session, world)
    return world, session


def by_name(session: boto3.Session) -> dict[str, str]:
    pages = session.client("ec2").get_paginator("describe_instances").paginate()
    found = [one for page in pages for reservation in page["Reservations"] for one in reservation["Instances"]]
    return {
        next(tag["Value"] for tag in one["Tags"] if tag["Key"] == "Name"): f"instance:{one['InstanceId']}"
        for one in found
    }


def test_all_scenarios_are_found_and_described() -> None:
    assert set(scenarios()) == {"elastic_shop", "fleet", "none", "shop"}
    assert all(scenario.description for scenario in scenarios().values())


def test_the_empty_account_still_has_classic() -> None:
    _, session = built("none")
    found = session.client("ec2").describe_account_attributes(AttributeNames=["supported-platforms"])
    values = [one["AttributeValue"] for one in found["AccountAttributes"][0]["AttributeValues"]]
    assert "EC2" in values


def test_every_flow_of_the_shop_is_up() -> None:
    world, session = built("shop")
    at = by_name(session)
    web, app = [at[f"web-{n}"] for n in (1, 2, 3)], [at[f"app-{n}"] for n in (1, 2, 3)]
    left, right, search, ftp = at["jobs-left"], at["jobs-right"], at["search"], at["ftp"]
    inside = [*web, *app, left, right, search]
    flows: list[tuple[list[str], list[str], int]] = [
        (["internet"], ["load_balancer:shop-web"], 80),
        (["internet"], ["load_balancer:shop-web"], 443),
        (["load_balancer:shop-web"], web, 80),
        (web, app, 8080),
        (app, web, 9000),
        (app, app, 7946),
        ([left], [right], 7000),
        ([right], [left], 7000),
        ([right], app, 8080),
        ([*app, left], [search], 9200),
        ([*app, left, right, at["reports"]], ["rds_instance:shop-db"], 3306),
        ([ftp], inside, 22),
        (["cidr:203.0.113.9/32"], [ftp], 22),
        (["cidr:198.51.100.24/32"], [ftp], 21),
        (["cidr:203.0.113.9/32"], [at["reports"]], 3389),
    ]
    outages = Outages(world)
    outages.declare(
        {"id": str(number), "sources": sources, "targets": targets, "port": port}
        for number, (sources, targets, port) in enumerate(flows)
    )
    world.clock.advance(60)
    assert [one for one in outages.since() if one["down"]] == []


def test_the_shop_has_what_a_lived_in_account_has() -> None:
    _, session = built("shop")
    ec2 = session.client("ec2")
    groups = ec2.describe_security_groups()["SecurityGroups"]
    names = {group["GroupName"] for group in groups if not group.get("VpcId")}
    assert {"default", "web|front-end", "App Servers <prod>", "search~new?"} <= names
    (address,) = ec2.describe_addresses()["Addresses"]
    assert (address["Domain"], bool(address.get("InstanceId"))) == ("standard", True)
    reservations = ec2.describe_instances()["Reservations"]
    instances = [one for reservation in reservations for one in reservation["Instances"]]
    assert all("VpcId" not in one for one in instances)
    assert [one.get("Platform") for one in instances].count("windows") == 1
    (database,) = session.client("rds").describe_db_instances()["DBInstances"]
    assert (database["DBInstanceStatus"], database["MultiAZ"]) == ("available", False)
    (vpc,) = ec2.describe_vpcs()["Vpcs"]
    assert vpc["CidrBlock"] == "172.20.0.0/16"


def test_the_shops_elastic_ip_may_move_at_once() -> None:
    _, session = built("shop")
    ec2 = session.client("ec2")
    (address,) = ec2.describe_addresses()["Addresses"]
    ec2.disassociate_address(PublicIp=address["PublicIp"])
    assert ec2.move_address_to_vpc(PublicIp=address["PublicIp"])["Status"] == "MoveInProgress"


def test_the_elastic_shops_web_tier_is_a_group_in_service_behind_its_load_balancer() -> None:
    world, session = built("elastic_shop")
    scaling = session.client("autoscaling")
    (group,) = scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    sizes = (group["MinSize"], group["DesiredCapacity"], group["MaxSize"])
    assert (sizes, group["VPCZoneIdentifier"], group["TerminationPolicies"]) == ((2, 3, 6), "", ["OldestInstance"])
    assert {one["LifecycleState"] for one in group["Instances"]} == {"InService"}
    members = {one["InstanceId"] for one in group["Instances"]}
    health = session.client("elb").describe_instance_health(LoadBalancerName="shop-web")["InstanceStates"]
    assert {one["InstanceId"] for one in health if one["State"] == "InService"} == members
    web = [f"instance:{instance_id}" for instance_id in sorted(members)]
    app = [by_name(session)[f"app-{n}"] for n in (1, 2, 3)]
    outages = Outages(world)
    outages.declare([
        {"id": "visitors", "sources": ["internet"], "targets": ["load_balancer:shop-web"], "port": 443},
        {"id": "front", "sources": ["load_balancer:shop-web"], "targets": web, "port": 80},
        {"id": "pages", "sources": web, "targets": app, "port": 8080},
    ])  # fmt: skip
    world.clock.advance(60)
    assert [one for one in outages.since() if one["down"]] == []


def test_the_elastic_shop_scales_by_its_alarms_and_hands_its_tags_on() -> None:
    world, session = built("elastic_shop")
    scaling, watch = session.client("autoscaling"), session.client("cloudwatch")
    called = {
        one["PolicyName"]: one["Alarms"][0]["AlarmName"] for one in scaling.describe_policies()["ScalingPolicies"]
    }
    assert called == {"web-in": "web-idle", "web-out": "web-busy"}
    watch.set_alarm_state(AlarmName="web-busy", StateValue="ALARM", StateReason="a drill")
    world.clock.advance(900)
    (group,) = scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert [one["LifecycleState"] for one in group["Instances"]] == ["InService"] * 4
    ids = [one["InstanceId"] for one in group["Instances"]]
    reservations = session.client("ec2").describe_instances(InstanceIds=ids)["Reservations"]
    for instance in [one for reservation in reservations for one in reservation["Instances"]]:
        tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
        assert (tags["Name"], tags["role"], "owner" in tags) == ("web", "web", False)
        assert instance["Monitoring"]["State"] == "enabled"
        assert "/dev/sdf" in {device["DeviceName"] for device in instance["BlockDeviceMappings"]}


def test_the_fleet_is_of_the_size_asked_and_its_chains_are_up() -> None:
    world = World()
    session = connect(world)
    fleet.build(session, world, size=24, groups=8)
    at = by_name(session)
    assert len(at) == 24
    tiers = [[ref for name, ref in at.items() if name.startswith(f"tier-{n:03}")] for n in range(8)]
    flows = [(tiers[n], tiers[n + 1], 8000) for n in (0, 1, 2, 4, 5, 6)]
    flows += [(["load_balancer:chain-00"], tiers[0], 8000), (["load_balancer:chain-01"], tiers[4], 8000)]
    flows += [(tiers[3], ["rds_instance:fleet"], 5432), (tiers[7], ["rds_instance:fleet"], 5432)]
    outages = Outages(world)
    outages.declare(
        {"id": str(number), "sources": sources, "targets": targets, "port": port}
        for number, (sources, targets, port) in enumerate(flows)
    )
    assert [one for one in outages.since() if one["down"]] == []


@pytest.mark.parametrize("name", ["shop", "elastic_shop", "fleet"])
def test_a_scenario_can_be_built_again_the_same(name: str) -> None:
    (_, first), (_, second) = built(name), built(name)
    assert by_name(first) == by_name(second)
