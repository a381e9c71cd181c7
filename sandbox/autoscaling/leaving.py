"""Members on their way out: drained by the load balancers, held by hooks, then terminated or let go."""

from sandbox.autoscaling import activities, behind
from sandbox.autoscaling.activities import Activity
from sandbox.autoscaling.groups import AutoScalingGroup
from sandbox.autoscaling.hooks import TERMINATING
from sandbox.autoscaling.launching import GROUP_TAG, cause_of
from sandbox.autoscaling.members import Member
from sandbox.autoscaling.waits import hold, let_go
from sandbox.ec2.instance_states import begin_terminating as terminate_instance
from sandbox.ec2.instances import Instance
from sandbox.ec2.tags import TagSet, tags_of
from sandbox.world import Place

_GOING = ("shutting-down", "terminated")


def begin_leaving(place: Place, group: AutoScalingGroup, member: Member, sentence: str) -> Activity:
    """Terminate the member: first out of the load balancers, whose draining is waited for, then the
    hooks (in this order: no source found), then the instance.
    """
    let_go(member)
    if member.noticed:
        member.noticed.cancel()
        member.noticed = None
    activity = _begin(place, group, member, f"Terminating EC2 instance: {member.instance_id}", sentence)
    member.activity, member.state, member.since = activity, "Terminating", place.clock.now()
    behind.leave(place, group, member)
    if behind.drains(place, group, member):
        activities.advance(activity, "WaitingForELBConnectionDraining", 50)
    place.changed()
    return activity


def begin_detaching(place: Place, group: AutoScalingGroup, member: Member, sentence: str) -> Activity:
    """Let the member go: out of the load balancers, and when it is drained out of the group, alive."""
    activity = _begin(place, group, member, f"Detaching EC2 instance: {member.instance_id}", sentence)
    member.activity, member.state, member.since = activity, "Detaching", place.clock.now()
    behind.leave(place, group, member)
    place.changed()
    return activity


def begin_standby(place: Place, group: AutoScalingGroup, member: Member, sentence: str) -> Activity:
    """Out of the load balancers, still in the group, not counted and not checked."""
    activity = _begin(place, group, member, f"Moving EC2 instance to Standby: {member.instance_id}", sentence)
    member.activity, member.state, member.since = activity, "EnteringStandby", place.clock.now()
    behind.leave(place, group, member)
    place.changed()
    return activity


def go_on(place: Place, group: AutoScalingGroup, member: Member) -> None:
    """One look at a member that leaves."""
    if member.state == "Terminating":
        if behind.drains(place, group, member) or hold(place, group, member, TERMINATING):
            return
        member.state = "Terminating:Proceed"
    if member.state == "Terminating:Proceed":
        _terminate(place, group, member)
    elif member.state == "Detaching" and not behind.drains(place, group, member):
        _untag(place, member.instance_id)
        _gone(place, group, member)
    elif member.state == "EnteringStandby" and not behind.drains(place, group, member):
        member.state = "Standby"
        activities.end(place, member.activity, "Successful")
        place.changed()


def _terminate(place: Place, group: AutoScalingGroup, member: Member) -> None:
    """Termination protection does not hold Auto Scaling back."""
    instance = place.table(Instance).get(member.instance_id)
    if instance is not None and instance.state not in _GOING:
        terminate_instance(place, instance)
    if instance is None or instance.state == "terminated":
        _gone(place, group, member)


def _gone(place: Place, group: AutoScalingGroup, member: Member) -> None:
    activities.end(place, member.activity, "Successful")
    group.members.pop(member.instance_id, None)
    group.cool_down(place.clock.now())
    place.changed()


def _untag(place: Place, instance_id: str) -> None:
    """One that lives on belongs to no group; the other tags it was given stay."""
    tags = tags_of(place, instance_id)
    tags.pop(GROUP_TAG, None)
    place.table(TagSet)[instance_id] = TagSet(tags)


def _begin(place: Place, group: AutoScalingGroup, member: Member, description: str, sentence: str) -> Activity:
    """Whatever the member was in the middle of is overtaken by this."""
    activities.end(place, member.activity, "Cancelled", f"Overtaken: {description}")
    cause = cause_of(place, group, sentence)
    details = {"Availability_Zone": member.zone}
    if member.subnet_id:
        details = {"Subnet_ID": member.subnet_id} | details
    return activities.begin(place, group.name, group.arn, description, cause, **details)
