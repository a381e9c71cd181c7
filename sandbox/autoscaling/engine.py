"""What groups do by themselves: looked at after every change, acting where something is lacking or wrong."""

from functools import partial

from sandbox.autoscaling import behind
from sandbox.autoscaling.balancing import next_victim, unbalanced
from sandbox.autoscaling.groups import AutoScalingGroup, forget
from sandbox.autoscaling.health import check
from sandbox.autoscaling.launching import cause_of, launch_one
from sandbox.autoscaling.leaving import begin_leaving, go_on
from sandbox.autoscaling.starting import start
from sandbox.settling import after_changes
from sandbox.world import Place, World

_MOST_DOUBLINGS = 4


def watch_groups(world: World) -> None:
    """Have all groups looked at after every change; once per world."""
    after_changes(world, look)


def look(world: World) -> None:
    """One look at every group: each member goes on, then the group's size is seen to."""
    for place in world.places():
        for group in list(place.table(AutoScalingGroup).values()):
            for member in list(group.members.values()):
                if member.pending:
                    start(place, group, member)
                elif member.state == "InService":
                    check(place, group, member)
                else:
                    go_on(place, group, member)
            _leave_balancers(place, group)
            if not group.deleting:
                _see_to_size(place, group)
            elif not group.members:
                forget(place, group)


def _see_to_size(place: Place, group: AutoScalingGroup) -> None:
    lacking = group.desired - _counted(group)
    surplus = len(group.in_service) - group.desired
    if lacking > 0:
        if group.runs("Launch"):
            _plan_launch(place, group)
    elif surplus > 0:
        if group.runs("Terminate"):
            _scale_in(place, group, surplus)
    elif _wants_balance(place, group):
        _plan_launch(place, group)
    elif lacking == 0:
        group.causes.clear()
        group.to_replace = 0


def _counted(group: AutoScalingGroup) -> int:
    return sum(1 for member in group.members.values() if member.counts)


def _wants_balance(place: Place, group: AutoScalingGroup) -> bool:
    if not all(map(group.runs, ("AZRebalance", "Launch", "Terminate"))):
        return False
    settled = all(member.state == "InService" for member in group.members.values())
    return settled and len(group.in_service) == group.desired and unbalanced(place, group)


def _scale_in(place: Place, group: AutoScalingGroup, surplus: int) -> None:
    before = len(group.in_service)
    for done in range(surplus):
        victim = next_victim(place, group, place.clock.now())
        if victim is None:
            return
        begin_leaving(
            place,
            group,
            victim,
            "an instance was taken out of service in response to a difference between desired and actual "
            f"capacity, shrinking the capacity from {before - done} to {before - done - 1}.",
        )
    group.causes.clear()


def _plan_launch(place: Place, group: AutoScalingGroup) -> None:
    if group.next_launch is not None:
        return
    seconds = place.durations.scaling_launch
    if group.failures:
        seconds = place.durations.scaling_retry * 2 ** min(group.failures - 1, _MOST_DOUBLINGS)
    group.next_launch = place.clock.after(seconds, partial(_launch, place, group))


def _launch(place: Place, group: AutoScalingGroup) -> None:
    """Launch all that is lacking; the first refusal ends it until the next try."""
    group.next_launch = None
    if group.deleting or not group.runs("Launch"):
        return
    lacking = group.desired - _counted(group)
    if lacking <= 0 and _wants_balance(place, group):
        launch_one(place, group, cause_of(place, group, "an instance was started to balance the group's zones."))
        return
    for _ in range(lacking):
        if not launch_one(place, group, _why(place, group)):
            return
        group.to_replace = max(0, group.to_replace - 1)
    group.causes.clear()


def _why(place: Place, group: AutoScalingGroup) -> str:
    if group.to_replace:
        return cause_of(
            place, group, "an instance was started in response to an unhealthy instance needing to be replaced."
        )
    now = _counted(group)
    return cause_of(
        place,
        group,
        "an instance was started in response to a difference between desired and actual capacity, increasing "
        f"the capacity from {now} to {now + 1}.",
    )


def _leave_balancers(place: Place, group: AutoScalingGroup) -> None:
    """A load balancer that the group leaves is gone from it when the last member is drained."""
    for name in [name for name, state in group.load_balancers.items() if state == behind.REMOVING]:
        if not behind.anybody_drains(place, group, name):
            del group.load_balancers[name]


def try_again_soon(group: AutoScalingGroup) -> None:
    """What failed may work now: no waiting out of earlier failures."""
    group.failures = 0
    group.avoid.clear()
    if group.next_launch:
        group.next_launch.cancel()
        group.next_launch = None
