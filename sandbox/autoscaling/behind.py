"""Members of groups behind their groups' load balancers."""

from sandbox.autoscaling.groups import AutoScalingGroup
from sandbox.autoscaling.members import Member
from sandbox.elb.load_balancers import LoadBalancer
from sandbox.elb.members import deregister_instances, register_instances
from sandbox.errors import AwsError
from sandbox.world import Place

REMOVING = "Removing"


def balancers(place: Place, group: AutoScalingGroup) -> list[LoadBalancer]:
    """The group's load balancers that still exist, those it is leaving included."""
    table = place.table(LoadBalancer)
    return [table[name] for name in group.load_balancers if name in table]


def check_balancer(place: Place, group: AutoScalingGroup, name: str) -> None:
    """Members can only be registered on their own platform, in their own VPC. Raises ValidationError."""
    balancer = place.seen(LoadBalancer).get(name)
    if balancer is None:
        raise AwsError(
            "ValidationError",
            f"Provided Load Balancers may not be valid. Please ensure they exist and try again: {name}",
        )
    if balancer.vpc_id != group.network:
        where = f"VPC {group.network}" if group.network else "EC2-Classic"
        raise AwsError("ValidationError", f"The load balancer {name} is not in the same network as the group: {where}")


def require_balancers(place: Place, group: AutoScalingGroup) -> None:
    """Raises ValidationError where one was deleted: then nothing can be launched."""
    for name in group.load_balancers:
        if name not in place.table(LoadBalancer):
            raise AwsError(
                "ValidationError",
                f"There is no ACTIVE Load Balancer named '{name}'. Validating load balancer configuration failed.",
            )


def join(place: Place, group: AutoScalingGroup, member: Member) -> None:
    """Register the member everywhere, unless AddToLoadBalancer is suspended: then nobody ever will."""
    if not group.runs("AddToLoadBalancer"):
        return
    for balancer in balancers(place, group):
        if group.load_balancers[balancer.name] != REMOVING:
            join_one(place, balancer, member)


def leave(place: Place, group: AutoScalingGroup, member: Member) -> None:
    for balancer in balancers(place, group):
        leave_one(place, balancer, member)


def leave_one(place: Place, balancer: LoadBalancer, member: Member) -> None:
    if member.instance_id in balancer.members:
        deregister_instances(place, _ask(balancer, member))


def join_one(place: Place, balancer: LoadBalancer, member: Member) -> None:
    register_instances(place, _ask(balancer, member))


def drains(place: Place, group: AutoScalingGroup, member: Member) -> bool:
    """Whether a load balancer of the group still lets the member's connections end."""
    return any(member.instance_id in balancer.draining for balancer in balancers(place, group))


def anybody_drains(place: Place, group: AutoScalingGroup, name: str) -> bool:
    balancer = place.table(LoadBalancer).get(name)
    return balancer is not None and bool(balancer.draining & group.members.keys())


def failing(place: Place, group: AutoScalingGroup, member: Member) -> bool:
    """Whether a load balancer of the group has the member out of service."""
    seen = (balancer.members.get(member.instance_id) for balancer in balancers(place, group))
    return any(one is not None and not one.in_service for one in seen)


def state_of(place: Place, group: AutoScalingGroup, name: str) -> str:
    """Adding, Added, InService or Removing, as DescribeLoadBalancers tells."""
    balancer = place.table(LoadBalancer).get(name)
    if group.load_balancers[name] == REMOVING:
        return REMOVING
    members = [] if balancer is None else [balancer.members.get(one.instance_id) for one in group.in_service]
    if any(one is not None and one.in_service for one in members):
        return "InService"
    return "Added" if all(one is not None and one.registered for one in members) else "Adding"


def _ask(balancer: LoadBalancer, member: Member) -> dict[str, object]:
    return {"LoadBalancerName": balancer.name, "Instances": [{"InstanceId": member.instance_id}]}
