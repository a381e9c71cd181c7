"""Health checks: members come into service and drop out of it as the load balancer can reach them."""

from functools import partial

from sandbox.ec2.instances import Instance
from sandbox.elb.load_balancers import LoadBalancer, Member
from sandbox.reach import Checker
from sandbox.settling import after_changes
from sandbox.world import Place, World

IN_SERVICE = ("N/A", "N/A")
CHECKING = ("ELB", "Instance has not passed the configured HealthyThreshold number of health checks consecutively.")
FAILING = (
    "Instance",
    "Instance has failed at least the UnhealthyThreshold number of health checks consecutively.",
)


def watch_members(world: World) -> None:
    """Have the members of all load balancers looked at after every change; once per world."""
    after_changes(world, check_members)


def check_members(world: World) -> None:
    """Look at every member: whoever can be reached begins to pass checks, whoever cannot to fail them."""
    for place in world.places():
        for balancer in place.table(LoadBalancer).values():
            checker = Checker(place, balancer)
            for member in list(balancer.members.values()):
                if member.registered:
                    _check(place, balancer, member, checker)


def _check(place: Place, balancer: LoadBalancer, member: Member, checker: Checker) -> None:
    instance = place.table(Instance).get(member.instance_id)
    if instance is None or instance.state == "terminated":
        _drop(place, balancer, member)
        return
    absent = _absence(balancer, instance)
    if absent:
        member.reachable = None
        _settle(place, member, False, ("Instance", absent))
        return
    member.address = member.address or instance.private_ip
    reachable = instance.private_ip == member.address and checker.reaches(instance)
    if reachable == member.reachable:
        return
    member.reachable = reachable
    if member.timer:
        member.timer.cancel()
        member.timer = None
    if reachable == member.in_service:
        return
    check = balancer.health_check
    times = check.healthy_threshold if reachable else check.unhealthy_threshold
    reason = IN_SERVICE if reachable else FAILING
    if reachable:
        member.reason_code, member.description = CHECKING
    member.timer = place.clock.after(times * check.interval, partial(_settle, place, member, reachable, reason))


def _absence(balancer: LoadBalancer, instance: Instance) -> str:
    """Why an instance needs no check to be out of service, or nothing."""
    if instance.state in ("stopping", "stopped", "shutting-down"):
        return "Instance is in stopped state."
    if instance.zone not in balancer.zones:
        return "Instance is in an Availability Zone that is not enabled for the LoadBalancer."
    return ""


def _settle(place: Place, member: Member, in_service: bool, reason: tuple[str, str]) -> None:
    if member.timer:
        member.timer.cancel()
        member.timer = None
    before = member.in_service
    member.in_service = in_service
    member.reason_code, member.description = reason
    if before != in_service:
        place.changed()


def _drop(place: Place, balancer: LoadBalancer, member: Member) -> None:
    """A terminated instance is deregistered by AWS itself."""
    if member.timer:
        member.timer.cancel()
    del balancer.members[member.instance_id]
    place.changed()
