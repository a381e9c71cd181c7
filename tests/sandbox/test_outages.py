"""Outages of declared flows, measured while things move."""

from typing import Any

import pytest

from sandbox.outages import Outages
from tests.sandbox.both_platforms import OTHER_ZONE, ZONE, BothPlatforms, cname


class Watched(BothPlatforms):
    def __init__(self) -> None:
        super().__init__()
        self.outages = Outages(self.world)

    def watch(self, sources: list[str], targets: list[str], port: int, **more: Any) -> None:
        flow = {"id": "flow", "sources": sources, "targets": targets, "port": port, "protocol": "tcp"}
        self.outages.declare([flow | more])

    @property
    def down(self) -> list[float]:
        """How long each outage so far was."""
        return [one["seconds"] for one in self.outages.since()[0]["down"]]

    @property
    def why(self) -> str:
        return str(self.outages.since()[0]["down"][-1]["why"])

    def tag_counterpart(self, instance_id: str, source: str) -> None:
        self.builder.tag(instance_id, {"landbridge:source": f"instance:{source}"})


@pytest.fixture
def account() -> Watched:
    return Watched()


def pair(account: Watched) -> tuple[str, str, str]:
    """A caller and somebody called on port 80, both Classic, and their group."""
    group = account.builder.group("g", "g")
    account.builder.let_in(group, 80, groups=[group])
    return account.classic(group), account.classic(group), group


def test_a_reboot_is_an_outage_as_long_as_the_reboot(account: Watched) -> None:
    caller, called, _ = pair(account)
    account.watch([f"instance:{caller}"], [f"instance:{called}"], 80)
    account.wait(100)
    account.call("ec2", "RebootInstances", InstanceIds=[called])
    account.wait(100)
    assert account.down == [account.world.durations.instance_reboot]
    assert "rebooting" in account.why


def test_an_outage_that_goes_on_has_no_end_and_counts_from_the_moment_asked(account: Watched) -> None:
    caller, called, _ = pair(account)
    account.watch([f"instance:{caller}"], [f"instance:{called}"], 80)
    account.call("ec2", "StopInstances", InstanceIds=[called])
    account.wait(100)
    moment = account.world.clock.now()
    account.wait(50)
    (found,) = account.outages.since(moment)
    assert "to" not in found["down"][0]
    assert found["total_seconds"] == 50
    assert account.down == [150]


def test_a_counterpart_takes_over_without_an_outage(account: Watched) -> None:
    vpc_id, subnets = account.vpc()
    new = account.vpc_group(vpc_id, "new")
    account.builder.let_in(new, 80, groups=[new])
    caller, called, _ = pair(account)
    account.watch([f"instance:{caller}"], [f"instance:{called}"], 80)
    account.link(caller, vpc_id, new)
    twin = account.in_vpc(subnets[0], new)
    account.tag_counterpart(twin, called)
    account.call("ec2", "StopInstances", InstanceIds=[called])
    account.wait(100)
    assert account.down == []


def test_a_counterpart_that_callers_cannot_reach_does_not_count(account: Watched) -> None:
    vpc_id, subnets = account.vpc()
    caller, called, _ = pair(account)
    account.watch([f"instance:{caller}"], [f"instance:{called}"], 80)
    twin = account.in_vpc(subnets[0], account.vpc_group(vpc_id, "new"))
    account.builder.tag(twin, {"landbridge:step": f"instance.launch/instance:{called}"})
    account.call("ec2", "StopInstances", InstanceIds=[called])
    account.wait(100)
    assert account.down == [100]


def test_a_source_that_is_stopped_before_its_counterpart_runs_calls_nobody(account: Watched) -> None:
    caller, called, _ = pair(account)
    account.watch([f"instance:{caller}"], [f"instance:{called}"], 80)
    account.call("ec2", "StopInstances", InstanceIds=[caller])
    account.wait(10)
    assert account.down == []


def test_a_client_may_tell_of_a_stand_in(account: Watched) -> None:
    caller, called, group = pair(account)
    twin = account.classic(group)
    account.watch([f"instance:{caller}"], [f"instance:{called}"], 80)
    account.outages.stand_in(f"instance:{called}", f"instance:{twin}")
    account.call("ec2", "StopInstances", InstanceIds=[called])
    account.wait(100)
    assert account.down == []


def test_declaring_a_flow_again_keeps_what_was_measured(account: Watched) -> None:
    caller, called, _ = pair(account)
    account.watch([f"instance:{caller}"], [f"instance:{called}"], 80)
    account.call("ec2", "RebootInstances", InstanceIds=[called])
    account.wait(100)
    account.watch([f"instance:{caller}"], [f"instance:{called}"], 80)
    assert len(account.down) == 1
    account.watch([f"instance:{caller}"], [f"instance:{called}"], 81)
    assert "port 81" in account.why


def test_members_of_a_group_need_not_call_themselves(account: Watched) -> None:
    one, other, _ = pair(account)
    refs = [f"instance:{one}", f"instance:{other}"]
    account.watch(refs, refs, 80)
    account.watch(refs[:1], refs[:1], 9999)
    assert account.down == []


def fronted(account: Watched) -> tuple[str, str, str, list[str], str]:
    """A Classic load balancer with one member behind www.shop.example, and a twin in a VPC without any."""
    web = account.builder.group("web", "w")
    account.builder.let_in_load_balancers(web, 80)
    member = account.classic(web)
    old_name = account.balancer("old")
    account.register(member, "old")
    zone = account.zone()
    account.record(zone, "CREATE", **cname("www.shop.example", old_name, ttl=60))
    account.wait(60)
    vpc_id, subnets = account.vpc()
    group = account.vpc_group(vpc_id, "web")
    account.builder.let_in(group, 80, groups=[group], cidrs=["0.0.0.0/0"])
    tags = [{"Key": "landbridge:source", "Value": "load_balancer:old"}]
    new_name = account.balancer("new", Subnets=subnets, SecurityGroups=[group])
    account.call("elb", "AddTags", LoadBalancerNames=["new"], Tags=tags)
    account.link(member, vpc_id, group)
    return member, zone, new_name, [group, *subnets], old_name


def test_names_shift_to_the_twin_without_an_outage_if_caches_are_waited_for(account: Watched) -> None:
    member, zone, new_name, _, _ = fronted(account)
    account.watch(["internet"], ["load_balancer:old"], 80)
    account.register(member, "new")
    account.wait(60)
    account.record(zone, "UPSERT", **cname("www.shop.example", new_name))
    account.wait(20 + 60)
    account.call("elb", "DeleteLoadBalancer", LoadBalancerName="old")
    account.wait(60)
    assert account.down == []


def test_deleting_the_old_one_while_caches_still_name_it_is_an_outage(account: Watched) -> None:
    member, zone, new_name, _, _ = fronted(account)
    account.watch(["internet"], ["load_balancer:old"], 80)
    account.register(member, "new")
    account.wait(60)
    account.record(zone, "UPSERT", **cname("www.shop.example", new_name))
    account.wait(20 + 25)
    account.call("elb", "DeleteLoadBalancer", LoadBalancerName="old")
    account.wait(100)
    assert account.down == [60 - 25]
    assert "leads nowhere" in account.why


def test_a_name_that_leads_to_a_twin_without_members_is_an_outage(account: Watched) -> None:
    _, zone, new_name, _, _ = fronted(account)
    account.watch(["internet"], ["load_balancer:old"], 80)
    account.record(zone, "UPSERT", **cname("www.shop.example", new_name))
    account.wait(50)
    assert account.down == [30]
    assert "no member in service" in account.why


def test_a_member_is_replaced_behind_the_load_balancer_without_an_outage(account: Watched) -> None:
    member, zone, new_name, network, _ = fronted(account)
    account.watch(["load_balancer:old"], [f"instance:{member}"], 80)
    account.register(member, "new")
    account.wait(60)
    account.record(zone, "UPSERT", **cname("www.shop.example", new_name))
    account.wait(20 + 60)
    twin = account.in_vpc(network[1], network[0])
    account.tag_counterpart(twin, member)
    account.register(twin, "new")
    account.wait(60)
    account.deregister(member, "new")
    account.deregister(member, "old")
    account.call("ec2", "StopInstances", InstanceIds=[member])
    account.wait(60)
    assert account.down == []


def test_draining_the_source_before_its_twin_is_in_service_is_an_outage(account: Watched) -> None:
    member, _, _, _, _ = fronted(account)
    account.watch(["load_balancer:old"], [f"instance:{member}"], 80)
    account.deregister(member, "old")
    account.wait(10)
    account.register(member, "old")
    account.wait(100)
    assert account.down == [10 + 5 + 30]


def test_how_many_served_behind_a_load_balancer_at_least_is_told(account: Watched) -> None:
    member, _, _, _, _ = fronted(account)
    web = str(account.call("ec2", "DescribeSecurityGroups", GroupNames=["web"])["SecurityGroups"][0]["GroupId"])
    other = account.classic(web)
    account.register(other, "old")
    account.wait(60)
    account.watch(["load_balancer:old"], [f"instance:{member}", f"instance:{other}"], 80)
    account.wait(10)
    [told] = account.outages.since()
    assert told["least_in_service"] == 2
    for one in (member, other):
        account.call("ec2", "RebootInstances", InstanceIds=[one])
        account.wait(200)
    [told] = account.outages.since()
    assert (told["least_in_service"], len(told["down"])) == (1, 2)
    account.call("ec2", "StopInstances", InstanceIds=[member, other])
    account.wait(120)
    moment = account.world.clock.now()
    [told] = account.outages.since()
    assert told["least_in_service"] == 0
    account.call("ec2", "StartInstances", InstanceIds=[member, other])
    account.wait(120)
    for one in (member, other):
        account.deregister(one, "old")
        account.register(one, "old")
    account.wait(400)
    [told] = account.outages.since(account.world.clock.now())
    assert told["least_in_service"] == 2
    [told] = account.outages.since(moment)
    assert told["least_in_service"] == 0


def test_only_flows_from_a_load_balancer_tell_of_members(account: Watched) -> None:
    caller, called, _ = pair(account)
    account.watch([f"instance:{caller}"], [f"instance:{called}"], 80)
    assert "least_in_service" not in account.outages.since()[0]


def test_an_elastic_ip_is_what_outside_callers_know(account: Watched) -> None:
    group = account.builder.group("ftp", "f")
    account.builder.let_in(group, 21, cidrs=["0.0.0.0/0"])
    source, twin = account.classic(group), account.classic(group)
    address = account.call("ec2", "AllocateAddress", Domain="standard")["PublicIp"]
    account.call("ec2", "AssociateAddress", InstanceId=source, PublicIp=address)
    account.tag_counterpart(twin, source)
    account.watch(["internet"], [f"instance:{source}"], 21)
    account.call("ec2", "StopInstances", InstanceIds=[source])
    account.wait(45)
    account.call("ec2", "AssociateAddress", InstanceId=twin, PublicIp=address)
    account.wait(45)
    assert account.down == [45]


def test_a_database_is_called_by_its_identifier(account: Watched) -> None:
    group = account.builder.group("app", "a")
    caller = account.classic(group)
    account.call("rds", "CreateDBSecurityGroup", DBSecurityGroupName="d", DBSecurityGroupDescription="d")
    account.call(
        "rds",
        "AuthorizeDBSecurityGroupIngress",
        DBSecurityGroupName="d",
        EC2SecurityGroupId=group,
        EC2SecurityGroupOwnerId="123456789012",
    )
    for name in ("main", "other"):
        account.call(
            "rds",
            "CreateDBInstance",
            DBInstanceIdentifier=name,
            Engine="mysql",
            DBInstanceClass="db.m3.medium",
            AllocatedStorage=20,
            MasterUsername="admin",
            MasterUserPassword="correct-horse",
            DBSecurityGroups=["d"],
        )
    account.wait(3600)
    account.watch([f"instance:{caller}"], ["rds_instance:main"], 3306)
    rename = {"ApplyImmediately": True}
    account.call("rds", "ModifyDBInstance", DBInstanceIdentifier="main", NewDBInstanceIdentifier="old", **rename)
    account.wait(600)
    account.call("rds", "ModifyDBInstance", DBInstanceIdentifier="other", NewDBInstanceIdentifier="main", **rename)
    account.wait(600)
    assert len(account.down) == 1
    assert 600 < account.down[0] < 1200


def test_five_hundred_callers_of_five_hundred_are_looked_at_quickly(account: Watched) -> None:
    group = account.builder.group("g", "g")
    account.builder.let_in(group, 80, groups=[group])
    account.builder.let_in(group, 22, cidrs=["10.0.0.0/8", "203.0.113.0/24"])
    params = {"ImageId": account.image, "InstanceType": "m3.medium", "SecurityGroupIds": [group]}
    found = []
    for zone in (ZONE, OTHER_ZONE):
        made = account.call(
            "ec2", "RunInstances", MinCount=500, MaxCount=500, Placement={"AvailabilityZone": zone}, **params
        )
        found.append([f"instance:{one['InstanceId']}" for one in made["Instances"]])
    account.wait(60)
    account.watch(found[0], found[1], 80)
    assert account.down == []
    made_before = account.world.clock.now()
    account.call("ec2", "RebootInstances", InstanceIds=[found[1][-1].partition(":")[2]])
    account.wait(60)
    assert account.down == [account.world.durations.instance_reboot]
    assert account.outages.since(made_before)[0]["total_seconds"] == account.down[0]


@pytest.mark.parametrize("flow", [{"id": "x"}, {"id": "flow", "sources": ["volume:v"], "targets": [], "port": 1}])
def test_a_flow_that_cannot_be_watched_is_a_mistake(account: Watched, flow: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="flow"):
        account.outages.declare([flow])
