"""Groups as callers and called: their members in service at each moment, whoever they are."""

from typing import Any

import pytest

from sandbox.outages import Outages
from sandbox.reach import reach
from tests.sandbox.auto_scaling_account import SETTLED, Fleet
from tests.sandbox.both_platforms import OTHER_ZONE, ZONE

WEB = "auto_scaling_group:web"


class Watched(Fleet):
    def __init__(self) -> None:
        super().__init__()
        self.outages = Outages(self.world)
        self.builder.let_in(self.group, 80, groups=[self.group])
        self.other = self.classic(self.group)

    def watch(self, sources: list[str], targets: list[str], port: int = 80) -> None:
        self.outages.declare([{"id": "flow", "sources": sources, "targets": targets, "port": port}])

    @property
    def down(self) -> list[float]:
        return [one["seconds"] for one in self.outages.since()[0]["down"]]

    @property
    def why(self) -> str:
        return str(self.outages.since()[0]["down"][-1]["why"])

    def fleet_in_vpc(self, subnets: list[str], group: str, **params: Any) -> None:
        """A counterpart of the group, called web-vpc, with two members in service."""
        self.configuration("in-vpc", InstanceType="m4.large", SecurityGroups=[group])
        self.scaling(
            "CreateAutoScalingGroup",
            AutoScalingGroupName="web-vpc",
            LaunchConfigurationName="in-vpc",
            VPCZoneIdentifier=",".join(subnets),
            MinSize=2,
            MaxSize=4,
            Tags=[{"Key": "landbridge:source", "Value": WEB, "PropagateAtLaunch": True}],
            **params,
        )
        self.wait(SETTLED)


@pytest.fixture
def account() -> Watched:
    return Watched()


def test_all_members_in_service_must_reach_and_any_may_be_reached(account: Watched) -> None:
    other = f"instance:{account.other}"
    assert "does not exist" in reach(account.place, other, "instance:i-1", 80).why
    assert "no member of auto_scaling_group:web is in service" in reach(account.place, WEB, other, 80).why
    account.fleet(2)
    assert reach(account.place, WEB, other, 80).ok
    assert reach(account.place, other, WEB, 80).ok
    assert not reach(account.place, other, WEB, 81).ok
    account.call("ec2", "StopInstances", InstanceIds=[account.in_service()[0]])
    assert reach(account.place, other, WEB, 80).ok
    assert not reach(account.place, WEB, other, 80).ok
    with pytest.raises(ValueError, match="auto_scaling_group:"):
        reach(account.place, "auto_scaling:web", other, 80)


def test_a_called_group_is_down_while_nobody_of_it_is_in_service(account: Watched) -> None:
    account.fleet(2)
    account.watch([f"instance:{account.other}"], [WEB])
    account.terminate(account.in_service()[0])
    account.wait(SETTLED)
    assert account.down == []
    account.terminate(*account.in_service())
    account.wait(SETTLED)
    durations = account.world.durations
    assert account.down == [durations.scaling_notice + durations.scaling_launch + durations.instance_start]
    assert "no stand-in of auto_scaling_group:web" in account.why or "shutting-down" in account.why


def test_a_member_that_starts_and_cannot_call_is_an_outage_of_the_group(account: Watched) -> None:
    alone = account.builder.group("alone", "alone")
    account.configuration("other-group", SecurityGroups=[alone])
    account.fleet(1)
    account.watch([WEB], [f"instance:{account.other}"])
    account.web("UpdateAutoScalingGroup", LaunchConfigurationName="other-group")
    account.wait(SETTLED)
    assert account.down == []
    account.resize(2)
    account.wait(30)
    assert account.down == []
    account.wait(70)
    assert account.down == [55]
    assert "no rule of a security group of EC2-Classic" in account.why


def test_a_group_without_members_calls_nobody(account: Watched) -> None:
    account.fleet(1)
    account.watch([WEB], [f"instance:{account.other}"], port=81)
    account.wait(10)
    account.resize(0)
    account.wait(SETTLED)
    assert account.down == [10]


def test_members_of_a_counterpart_take_over(account: Watched) -> None:
    vpc_id, subnets = account.vpc()
    new = account.vpc_group(vpc_id, "new")
    account.builder.let_in(new, 80, groups=[new])
    account.link(account.other, vpc_id, new)
    account.fleet(2)
    account.watch([f"instance:{account.other}"], [WEB])
    account.fleet_in_vpc(subnets, new)
    account.resize(0)
    account.wait(SETTLED)
    assert account.states() == {}
    assert account.down == []
    account.scaling("DeleteAutoScalingGroup", AutoScalingGroupName="web-vpc", ForceDelete=True)
    account.wait(100)
    assert account.down == [100]


def test_a_counterparts_members_must_reach_what_the_group_calls(account: Watched) -> None:
    vpc_id, subnets = account.vpc()
    new = account.vpc_group(vpc_id, "new")
    account.fleet(2)
    account.watch([WEB], [f"instance:{account.other}"])
    account.fleet_in_vpc(subnets, new)
    assert len(account.down) == 1
    assert "not linked" in account.why


def test_behind_load_balancers_only_members_that_get_traffic_count(account: Watched) -> None:
    account.builder.let_in_load_balancers(account.group, 80)
    account.balancer("web", AvailabilityZones=[ZONE, OTHER_ZONE])
    account.fleet(1, LoadBalancerNames=["web"])
    account.watch([WEB], [f"instance:{account.other}"])
    alone = account.builder.group("alone", "alone")
    account.configuration("other-group", SecurityGroups=[alone])
    account.web("UpdateAutoScalingGroup", LaunchConfigurationName="other-group")
    account.resize(2)
    account.wait(SETTLED)
    assert sorted(account.health().values()) == ["InService", "OutOfService"]
    assert account.down == []


def test_a_draining_member_serves_until_it_is_drained(account: Watched) -> None:
    account.builder.let_in_load_balancers(account.group, 80)
    account.balancer("web", AvailabilityZones=[ZONE, OTHER_ZONE])
    draining = {"ConnectionDraining": {"Enabled": True, "Timeout": 300}}
    account.call("elb", "ModifyLoadBalancerAttributes", LoadBalancerName="web", LoadBalancerAttributes=draining)
    account.fleet(1, LoadBalancerNames=["web"])
    account.watch([WEB], [f"instance:{account.other}"])
    account.resize(0)
    account.wait(5)
    account.call("ec2", "StopInstances", InstanceIds=[account.other])
    account.wait(SETTLED)
    assert account.down == [account.world.durations.elb_drain - 5]


def test_a_load_balancer_calls_the_members_behind_it(account: Watched) -> None:
    account.builder.let_in_load_balancers(account.group, 80)
    account.balancer("web", AvailabilityZones=[ZONE, OTHER_ZONE])
    account.fleet(2, LoadBalancerNames=["web"])
    account.watch(["load_balancer:web"], [WEB])
    account.terminate(account.in_service()[0])
    account.wait(SETTLED)
    assert account.down == []
    account.web("EnterStandby", InstanceIds=account.in_service(), ShouldDecrementDesiredCapacity=True)
    account.wait(100)
    assert account.down == [100]
