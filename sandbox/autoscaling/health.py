"""Whether members are well, and what happens to those who are not."""

from functools import partial

from sandbox.autoscaling import behind
from sandbox.autoscaling.groups import AutoScalingGroup
from sandbox.autoscaling.leaving import begin_leaving
from sandbox.autoscaling.members import Member
from sandbox.ec2.instances import Instance
from sandbox.world import Place

_OUT_OF_SERVICE = "an instance was taken out of service in response to "
BY_EC2 = "an EC2 health check indicating it has been terminated or stopped."
BY_ELB = "an ELB system health check failure."
BY_USER = "a user health-check."


def check(place: Place, group: AutoScalingGroup, member: Member) -> None:
    """One look at a member in service: what fails is found at the next health check, what is unhealthy
    is replaced, each as far as the group's processes run.
    """
    if member.health == "Unhealthy":
        _replace(place, group, member)
    elif not _ailment(place, group, member):
        if member.noticed:
            member.noticed.cancel()
            member.noticed = None
    elif member.noticed is None and group.runs("HealthCheck"):
        member.noticed = place.clock.after(place.durations.scaling_notice, partial(_notice, place, group, member))


def declare(place: Place, member: Member, why: str) -> None:
    """The member is unhealthy from now on."""
    member.health, member.ailment = "Unhealthy", why
    place.changed()


def _notice(place: Place, group: AutoScalingGroup, member: Member) -> None:
    member.noticed = None
    why = _ailment(place, group, member)
    if why and member.state == "InService" and group.runs("HealthCheck"):
        declare(place, member, why)


def _ailment(place: Place, group: AutoScalingGroup, member: Member) -> str:
    """EC2's word counts always, the load balancers' for a group of type ELB after the grace period."""
    instance = place.table(Instance).get(member.instance_id)
    if instance is None or instance.state != "running":
        return BY_EC2
    if group.health_check_type != "ELB" or not behind.failing(place, group, member):
        return ""
    in_grace = member.grace_until is not None and place.clock.now() < member.grace_until
    return "" if in_grace else BY_ELB


def _replace(place: Place, group: AutoScalingGroup, member: Member) -> None:
    if group.runs("ReplaceUnhealthy") and group.runs("Terminate"):
        group.to_replace += 1
        begin_leaving(place, group, member, _OUT_OF_SERVICE + (member.ailment or BY_USER))
