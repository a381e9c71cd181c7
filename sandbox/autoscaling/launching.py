"""Launching members: one RunInstances each, as an activity that succeeds when the member is in service."""

import uuid

from sandbox.autoscaling import activities
from sandbox.autoscaling.activities import at
from sandbox.autoscaling.balancing import Spot, next_spot
from sandbox.autoscaling.behind import require_balancers
from sandbox.autoscaling.groups import AutoScalingGroup
from sandbox.autoscaling.launch_spec import LaunchSpec, launch_spec, placed
from sandbox.autoscaling.members import Member
from sandbox.ec2.groups import find_group
from sandbox.ec2.instance_launch import run_instances
from sandbox.ec2.tags import TagSet, tags_of
from sandbox.ec2.vpcs import Vpc
from sandbox.errors import AwsError
from sandbox.world import Place

GROUP_TAG = "aws:autoscaling:groupName"


def launch_one(place: Place, group: AutoScalingGroup, cause: str) -> bool:
    """Launch a member where the group has fewest. False, with a failed activity, where EC2 refuses."""
    spot = next_spot(place, group)
    try:
        require_balancers(place, group)
        if spot is None:
            raise AwsError("ValidationError", "None of the group's subnets exists any more.")
        spec = launch_spec(place, group)
        _check_link(place, spec)
        request = placed(spec, spot.zone, spot.subnet_id)
        request["ClientToken"] = str(uuid.UUID(int=place.world.random.getrandbits(128), version=4))
        made = run_instances(place, request)["Instances"][0]
    except AwsError as error:
        _failed(place, group, spot, cause, error)
        return False
    group.avoid.clear()
    group.failures = 0
    instance_id = str(made["InstanceId"])
    member = Member(
        instance_id=instance_id,
        instance_type=str(made["InstanceType"]),
        image_id=str(made["ImageId"]),
        zone=spot.zone,
        subnet_id=spot.subnet_id,
        protected=group.protects_new,
        launch_configuration=spec.launch_configuration,
        launch_template=spec.launch_template,
        since=place.clock.now(),
        link=spec.link,
    )
    member.activity = _begin(place, group, f"Launching a new EC2 instance: {instance_id}", cause, spot)
    group.members[instance_id] = member
    tag_member(place, group, instance_id)
    place.changed()
    return True


def _check_link(place: Place, spec: LaunchSpec) -> None:
    """What AttachClassicLinkVpc would refuse later is refused before anything starts (no source found)."""
    if spec.link is None:
        return
    vpc_id, groups = spec.link
    vpc = place.table(Vpc).get(vpc_id)
    if vpc is None or not vpc.classic_link:
        raise AwsError("ValidationError", f"The VPC '{vpc_id}' does not exist or is not enabled for ClassicLink.")
    for group_id in groups:
        if find_group(place, group_id).vpc_id != vpc_id:
            raise AwsError("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist in '{vpc_id}'")


def tag_member(place: Place, group: AutoScalingGroup, instance_id: str) -> None:
    """Tags of the group's that propagate win over those of the launch template (no source found)."""
    own = {key: tag.value for key, tag in group.tags.items() if tag.propagate}
    tags = tags_of(place, instance_id) | own | {GROUP_TAG: group.name}
    place.table(TagSet)[instance_id] = TagSet(tags)  # set_tags refuses AWS's own keys


def _failed(place: Place, group: AutoScalingGroup, spot: Spot | None, cause: str, error: AwsError) -> None:
    group.failures += 1
    if spot:
        group.avoid.add(spot.zone)
    activity = _begin(place, group, "Launching a new EC2 instance.  Status Reason: " + error.message, cause, spot)
    activities.end(place, activity, "Failed", f"{error.message} Launching EC2 instance failed.")
    place.changed()


def _begin(
    place: Place, group: AutoScalingGroup, description: str, cause: str, spot: Spot | None
) -> activities.Activity:
    details = {"Availability_Zone": spot.zone} if spot else {}
    if spot and spot.subnet_id:
        details = {"Subnet_ID": spot.subnet_id} | details
    activity = activities.begin(place, group.name, group.arn, description, cause, **details)
    activities.advance(activity, "PreInService", 30)
    return activity


def cause_of(place: Place, group: AutoScalingGroup, sentence: str) -> str:
    """What led here, and what follows: AWS writes all of it in one line."""
    return "  ".join([*group.causes, f"{at(place.clock.now())} {sentence}"])
