"""Members of Auto Scaling groups behind load balancers, and linked to a VPC as they start."""

import pytest

from tests.sandbox.auto_scaling_account import SETTLED, Fleet
from tests.sandbox.both_platforms import OTHER_ZONE, ZONE


@pytest.fixture
def account() -> Fleet:
    made = Fleet()
    made.builder.let_in_load_balancers(made.group, 80)
    made.balancer("web", AvailabilityZones=[ZONE, OTHER_ZONE])
    return made


def drain(account: Fleet, name: str = "web") -> None:
    account.call(
        "elb",
        "ModifyLoadBalancerAttributes",
        LoadBalancerName=name,
        LoadBalancerAttributes={"ConnectionDraining": {"Enabled": True, "Timeout": 300}},
    )


def test_members_are_registered_and_deregistered(account: Fleet) -> None:
    account.fleet(2, LoadBalancerNames=["web"])
    assert account.health() == dict.fromkeys(account.in_service(), "InService")
    assert account.web("DescribeLoadBalancers")["LoadBalancers"] == [{"LoadBalancerName": "web", "State": "InService"}]
    account.resize(1)
    account.wait(SETTLED)
    assert list(account.health()) == account.in_service()
    assert len(account.health()) == 1


def test_a_terminating_member_is_drained_before_it_ends(account: Fleet) -> None:
    drain(account)
    account.fleet(1, LoadBalancerNames=["web"])
    (member,) = account.in_service()
    account.resize(0)
    assert account.states() == {member: "Terminating"}
    assert account.activities()[-1]["StatusCode"] == "WaitingForELBConnectionDraining"
    account.wait(account.world.durations.elb_drain - 1)
    assert account.instance(member)["State"]["Name"] == "running"
    account.wait(1)
    assert account.instance(member)["State"]["Name"] == "shutting-down"
    account.wait(account.world.durations.instance_terminate)
    assert account.states() == {}


def test_a_member_that_fails_the_load_balancers_checks_is_replaced_after_the_grace_period(account: Fleet) -> None:
    account.fleet(1, LoadBalancerNames=["web"], HealthCheckType="ELB", HealthCheckGracePeriod=2000)
    (member,) = account.in_service()
    amazon = {"UserId": "amazon-elb", "GroupName": "amazon-elb-sg"}
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [amazon]}
    account.call("ec2", "RevokeSecurityGroupIngress", GroupId=account.group, IpPermissions=[rule])
    account.wait(600)
    assert account.health() == {member: "OutOfService"}
    assert account.in_service() == [member]
    account.call("ec2", "AuthorizeSecurityGroupIngress", GroupId=account.group, IpPermissions=[rule])
    account.wait(600)
    assert account.in_service() == [member]
    account.call("ec2", "RevokeSecurityGroupIngress", GroupId=account.group, IpPermissions=[rule])
    account.wait(1200)
    assert member not in account.states()
    assert any("an ELB system health check failure" in one["Cause"] for one in account.activities())


def test_members_that_started_while_adding_was_suspended_are_not_registered_later(account: Fleet) -> None:
    account.fleet(1, LoadBalancerNames=["web"])
    account.web("SuspendProcesses", ScalingProcesses=["AddToLoadBalancer"])
    account.resize(2)
    account.wait(SETTLED)
    account.web("ResumeProcesses", ScalingProcesses=["AddToLoadBalancer"])
    account.wait(SETTLED)
    assert len(account.in_service()) == 2
    assert len(account.health()) == 1


def test_load_balancers_can_be_attached_and_detached(account: Fleet) -> None:
    drain(account)
    account.fleet(2)
    account.web("AttachLoadBalancers", LoadBalancerNames=["web"])
    assert account.web("DescribeLoadBalancers")["LoadBalancers"][0]["State"] == "Adding"
    account.wait(SETTLED)
    assert account.health() == dict.fromkeys(account.in_service(), "InService")
    account.web("DetachLoadBalancers", LoadBalancerNames=["web"])
    assert account.web("DescribeLoadBalancers")["LoadBalancers"][0]["State"] == "Removing"
    assert account.look()["LoadBalancerNames"] == []
    account.wait(SETTLED)
    assert account.web("DescribeLoadBalancers")["LoadBalancers"] == []
    assert account.health() == {}


def test_a_group_takes_load_balancers_of_its_own_network_only(account: Fleet) -> None:
    _, subnets = account.vpc()
    account.balancer("new", Subnets=subnets)
    account.configuration()
    asked = {
        "AutoScalingGroupName": "web",
        "LaunchConfigurationName": "web-1",
        "MinSize": 0,
        "MaxSize": 1,
    }
    for where, name in (
        ({"AvailabilityZones": [ZONE]}, "new"),
        ({"VPCZoneIdentifier": ",".join(subnets)}, "web"),
    ):
        ask = {**asked, **where, "LoadBalancerNames": [name]}
        account.refused("ValidationError", "autoscaling", "CreateAutoScalingGroup", **ask)
    account.fleet(0)
    account.refused(
        "ValidationError", "autoscaling", "AttachLoadBalancers", AutoScalingGroupName="web", LoadBalancerNames=["new"]
    )


def test_nothing_is_launched_behind_a_load_balancer_that_was_deleted(account: Fleet) -> None:
    account.fleet(0, LoadBalancerNames=["web"])
    account.call("elb", "DeleteLoadBalancer", LoadBalancerName="web")
    account.resize(1)
    account.wait(SETTLED)
    assert "There is no ACTIVE Load Balancer named 'web'" in account.activities()[-1]["StatusMessage"]


def linking(account: Fleet) -> str:
    """A launch configuration that links; returns the VPC."""
    vpc_id, _ = account.vpc()
    link = account.vpc_group(vpc_id, "link")
    account.configuration("linking", ClassicLinkVPCId=vpc_id, ClassicLinkVPCSecurityGroups=[link])
    return vpc_id


def test_members_are_linked_before_they_are_in_service(account: Fleet) -> None:
    vpc_id = linking(account)
    account.fleet(2)
    assert account.linked() == {}
    account.web("UpdateAutoScalingGroup", LaunchConfigurationName="linking")
    account.terminate(account.in_service()[0])
    seen: list[bool] = []
    old = set(account.in_service())
    for _ in range(120):
        account.wait(1)
        seen += [one in account.linked() for one in account.in_service() if one not in old]
    assert seen
    assert all(seen)
    (new,) = set(account.in_service()) - old
    assert account.linked() == {new: vpc_id}


def test_a_link_that_cannot_be_made_fails_the_launch(account: Fleet) -> None:
    vpc_id = linking(account)
    account.fleet(0, LaunchConfigurationName="linking")
    account.resize(1)
    account.wait(10)
    account.call("ec2", "DisableVpcClassicLink", VpcId=vpc_id)
    account.wait(SETTLED)
    assert account.in_service() == []
    failed = [one for one in account.activities() if one["StatusCode"] == "Failed"]
    assert "ClassicLink is not enabled" in failed[0]["StatusMessage"]
    assert "is not enabled for ClassicLink" in failed[1]["StatusMessage"]
    account.call("ec2", "EnableVpcClassicLink", VpcId=vpc_id)
    account.wait(SETTLED)
    assert set(account.linked()) == set(account.in_service()) != set()


def test_both_parameters_of_a_link_belong_together(account: Fleet) -> None:
    account.refused(
        "ValidationError",
        "autoscaling",
        "CreateLaunchConfiguration",
        LaunchConfigurationName="x",
        ImageId=account.image,
        InstanceType="m3.medium",
        ClassicLinkVPCId="vpc-1",
    )
