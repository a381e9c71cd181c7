"""Members on their way in: running, linked, held by hooks, registered, and in service at last."""

from datetime import timedelta

from sandbox.autoscaling import activities, behind
from sandbox.autoscaling.groups import AutoScalingGroup
from sandbox.autoscaling.hooks import LAUNCHING
from sandbox.autoscaling.leaving import begin_leaving
from sandbox.autoscaling.members import Member
from sandbox.autoscaling.waits import hold, let_go
from sandbox.ec2.classic_link import ClassicLink
from sandbox.ec2.classic_link_attachments import attach_classic_link_vpc
from sandbox.ec2.instances import Instance
from sandbox.errors import AwsError
from sandbox.world import Place

_GONE = ("stopping", "stopped", "shutting-down", "terminated")


def start(place: Place, group: AutoScalingGroup, member: Member) -> None:
    """One look at a member that is not in service yet."""
    instance = place.table(Instance).get(member.instance_id)
    if member.state == "Pending:Proceed" and member.abandoned:
        begin_leaving(place, group, member, "an instance was taken out of service: its launch was abandoned.")
        group.failures += 1
    elif instance is None or instance.state in _GONE:
        _fail(place, group, member, f"Instance {member.instance_id} became unhealthy while waiting to be in service.")
    elif instance.visible_at > place.clock.now():
        place.clock.after((instance.visible_at - place.clock.now()).total_seconds(), place.changed)
    elif instance.state == "running":
        _go_on(place, group, member)


def _go_on(place: Place, group: AutoScalingGroup, member: Member) -> None:
    try:
        if member.state == "Pending":
            _link(place, member)
            if hold(place, group, member, LAUNCHING):
                return
            member.state = "Pending:Proceed"
        if member.state == "Pending:Proceed":
            behind.require_balancers(place, group)
            behind.join(place, group, member)
            enter(place, group, member)
    except AwsError as error:
        _fail(place, group, member, error.message)


def enter(place: Place, group: AutoScalingGroup, member: Member) -> None:
    """In service from now on; load balancers' opinion counts when the grace period is over."""
    now = place.clock.now()
    member.state, member.since, member.health = "InService", now, "Healthy"
    member.grace_until = now + timedelta(seconds=group.grace)
    if group.grace:
        place.clock.after(group.grace, place.changed)
    activities.end(place, member.activity, "Successful")
    member.activity = None
    group.cool_down(now)
    place.changed()


def _link(place: Place, member: Member) -> None:
    """Part of the launch: nobody sees a member in service that is not linked. aws-facts A1 (ASG)"""
    if member.link is None or member.instance_id in place.table(ClassicLink):
        return
    vpc_id, groups = member.link
    attach_classic_link_vpc(place, {"InstanceId": member.instance_id, "VpcId": vpc_id, "Groups": groups})


def _fail(place: Place, group: AutoScalingGroup, member: Member, message: str) -> None:
    let_go(member)
    activities.end(place, member.activity, "Failed", f"{message} Launching EC2 instance failed.")
    group.failures += 1
    member.abandoned = True
    begin_leaving(place, group, member, "an instance was taken out of service: its launch failed.")
