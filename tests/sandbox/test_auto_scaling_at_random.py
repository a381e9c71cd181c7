"""Whatever happens to a group and its members, left alone it comes back to what it should be."""

import random
from collections.abc import Callable
from contextlib import suppress

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.auto_scaling_account import SETTLED, Fleet
from tests.sandbox.both_platforms import OTHER_ZONE, ZONE

HOOKS = ("autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING")
PROCESSES = ["Launch", "Terminate", "HealthCheck", "ReplaceUnhealthy", "AZRebalance"]


class Unruly(Fleet):
    """A linked group behind a load balancer that drains, and everything that may happen to it."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.chance = random.Random(seed)
        self.builder.let_in_load_balancers(self.group, 80)
        self.balancer("web", AvailabilityZones=[ZONE, OTHER_ZONE])
        self.call(
            "elb",
            "ModifyLoadBalancerAttributes",
            LoadBalancerName="web",
            LoadBalancerAttributes={"ConnectionDraining": {"Enabled": True, "Timeout": 300}},
        )
        vpc_id, _ = self.vpc()
        link = {"ClassicLinkVPCId": vpc_id, "ClassicLinkVPCSecurityGroups": [self.vpc_group(vpc_id, "link")]}
        for name in ("one", "two"):
            self.configuration(name, **link)
        self.fleet(
            3,
            LaunchConfigurationName="one",
            LoadBalancerNames=["web"],
            HealthCheckType="ELB",
            HealthCheckGracePeriod=120,
            MaxSize=8,
        )

    def something(self) -> None:
        """May be refused: not everything is possible at every moment."""
        members = list(self.states())
        member = self.chance.choice(members) if members else "i-0"
        everything: list[Callable[[], object]] = [
            lambda: self.terminate(member),
            lambda: self.call("ec2", "StopInstances", InstanceIds=[member]),
            lambda: self.resize(self.chance.randrange(9)),
            lambda: self.scaling("SetInstanceHealth", InstanceId=member, HealthStatus="Unhealthy"),
            lambda: self.scaling(
                "TerminateInstanceInAutoScalingGroup", InstanceId=member, ShouldDecrementDesiredCapacity=True
            ),
            lambda: self.web("EnterStandby", InstanceIds=[member], ShouldDecrementDesiredCapacity=True),
            lambda: self.web("ExitStandby", InstanceIds=[member]),
            lambda: self.web("DetachInstances", InstanceIds=[member], ShouldDecrementDesiredCapacity=False),
            lambda: self.web("SetInstanceProtection", InstanceIds=[member], ProtectedFromScaleIn=True),
            lambda: self.web("SuspendProcesses", ScalingProcesses=[self.chance.choice(PROCESSES)]),
            lambda: self.web("ResumeProcesses"),
            lambda: self.web("UpdateAutoScalingGroup", LaunchConfigurationName=self.chance.choice(["one", "two"])),
            lambda: self.web("UpdateAutoScalingGroup", AvailabilityZones=[self.chance.choice([ZONE, OTHER_ZONE])]),
            lambda: self.web(
                "PutLifecycleHook",
                LifecycleHookName="wait",
                LifecycleTransition=self.chance.choice(HOOKS),
                HeartbeatTimeout=60,
                DefaultResult=self.chance.choice(["CONTINUE", "ABANDON"]),
            ),
            lambda: self.web("DeleteLifecycleHook", LifecycleHookName="wait"),
        ]
        happens = self.chance.choice(everything)
        with suppress(ClientError):
            happens()

    def left_alone(self) -> None:
        """Nothing holds it any more, and nothing happens for a good while."""
        self.web("ResumeProcesses")
        self.web("UpdateAutoScalingGroup", AvailabilityZones=[ZONE, OTHER_ZONE])
        with suppress(ClientError):
            self.web("DeleteLifecycleHook", LifecycleHookName="wait")
        self.wait(5 * SETTLED)


@pytest.mark.parametrize("seed", range(4))
def test_a_group_left_alone_comes_back_to_its_size_linked_and_registered(seed: int) -> None:
    account = Unruly(seed)
    for _ in range(60):
        account.something()
        account.wait(account.chance.choice([0, 1, 7, 40, 200]))
    account.left_alone()
    standby = {one for one, state in account.states().items() if state == "Standby"}
    members = set(account.in_service())
    assert set(account.states()) == members | standby
    protected = sum(one["ProtectedFromScaleIn"] for one in account.look()["Instances"])
    assert account.look()["DesiredCapacity"] <= len(members) <= max(account.look()["DesiredCapacity"], protected)
    assert members <= account.linked().keys()
    assert {one for one, state in account.health().items() if state == "InService"} == members
    assert all(one["StatusCode"] in ("Successful", "Failed", "Cancelled") for one in account.activities())
