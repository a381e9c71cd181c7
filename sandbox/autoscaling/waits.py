"""Members held by lifecycle hooks, until somebody completes the action or the time is up."""

import uuid
from datetime import timedelta
from functools import partial

from sandbox.autoscaling import activities
from sandbox.autoscaling.groups import AutoScalingGroup
from sandbox.autoscaling.hooks import LAUNCHING, LifecycleHook
from sandbox.autoscaling.members import Member, Waiting
from sandbox.world import Place


def hold(place: Place, group: AutoScalingGroup, member: Member, transition: str) -> bool:
    """Hold the member for the group's hooks of this transition. False if there are none."""
    hooks = [hook for hook in group.hooks.values() if hook.transition == transition]
    if not hooks or member.abandoned:
        return False
    member.state = "Pending:Wait" if transition == LAUNCHING else "Terminating:Wait"
    activities.advance(member.activity, "MidLifecycleAction", 60)
    for hook in hooks:
        token = str(uuid.UUID(int=place.world.random.getrandbits(128), version=4))
        timer = place.clock.after(hook.heartbeat, partial(_timed_out, place, group, member, hook))
        member.waiting[hook.name] = Waiting(hook.name, token, place.clock.now(), timer)
    place.changed()
    return True


def heartbeat(place: Place, group: AutoScalingGroup, member: Member, hook: LifecycleHook) -> None:
    """Begin the hook's time anew, as far as its global timeout allows."""
    waiting = member.waiting[hook.name]
    left = (waiting.began + timedelta(seconds=hook.global_timeout) - place.clock.now()).total_seconds()
    waiting.timer.cancel()
    waiting.timer = place.clock.after(
        max(0.0, min(hook.heartbeat, left)), partial(_timed_out, place, group, member, hook)
    )


def complete(place: Place, member: Member, hook_name: str, result: str, how: str) -> None:
    """`result` is CONTINUE or ABANDON; abandoning ends the other hooks' waiting too."""
    waiting = member.waiting.pop(hook_name, None)
    if waiting is None:
        return
    waiting.timer.cancel()
    if result == "ABANDON":
        member.abandoned = True
        let_go(member)
        if member.state == "Pending:Wait":
            said = f"Lifecycle Action with token {waiting.token} was abandoned: {how}"
            activities.end(
                place, member.activity, "Cancelled", f"Instance failed to complete user's Lifecycle Action: {said}"
            )
    if not member.waiting:
        member.state = member.state.replace(":Wait", ":Proceed")
        place.changed()


def let_go(member: Member) -> None:
    """Nobody waits any more."""
    for waiting in member.waiting.values():
        waiting.timer.cancel()
    member.waiting.clear()


def _timed_out(place: Place, group: AutoScalingGroup, member: Member, hook: LifecycleHook) -> None:
    complete(place, member, hook.name, hook.default_result, "Heartbeat Timeout")
