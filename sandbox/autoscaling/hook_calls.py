"""The calls of lifecycle hooks."""

from collections.abc import Mapping
from typing import Any

from sandbox.autoscaling.groups import AutoScalingGroup, find_group
from sandbox.autoscaling.hooks import LAUNCHING, TERMINATING, LifecycleHook
from sandbox.autoscaling.members import Member
from sandbox.autoscaling.waits import complete, heartbeat
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

RESULTS = ("CONTINUE", "ABANDON")
MOST_HOOKS = 50
_HEARTBEATS = (30, 7200)


def read_hook(asked: Mapping[str, Any], known: LifecycleHook | None = None) -> LifecycleHook:
    """A hook as asked for; what is not said is as it was, or AWS's default. Raises ValidationError."""
    transition = asked.get("LifecycleTransition") or (known.transition if known else "")
    if transition not in (LAUNCHING, TERMINATING):
        raise AwsError("ValidationError", f"LifecycleTransition must be {LAUNCHING} or {TERMINATING}")
    result = asked.get("DefaultResult") or (known.default_result if known else "ABANDON")
    if result not in RESULTS:
        raise AwsError("ValidationError", f"DefaultResult must be one of {', '.join(RESULTS)}")
    beat = asked.get("HeartbeatTimeout") or (known.heartbeat if known else 3600)
    least, most = _HEARTBEATS
    if not least <= beat <= most:
        raise AwsError("ValidationError", f"HeartbeatTimeout must be between {least} and {most}")
    return LifecycleHook(
        name=asked["LifecycleHookName"],
        transition=transition,
        heartbeat=beat,
        default_result=result,
        target_arn=asked.get("NotificationTargetARN", known.target_arn if known else None) or None,
        role_arn=asked.get("RoleARN", known.role_arn if known else None),
        metadata=asked.get("NotificationMetadata", known.metadata if known else None),
    )


@operation("autoscaling", "PutLifecycleHook")
def put_lifecycle_hook(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Members that wait already wait as they did. Nobody is notified: the sandbox has no queues."""
    group = find_group(place, request["AutoScalingGroupName"])
    known = group.hooks.get(request["LifecycleHookName"])
    hook = read_hook(request, known)
    if known is None and len(group.hooks) >= MOST_HOOKS:
        raise AwsError("LimitExceeded", f"A group can have {MOST_HOOKS} lifecycle hooks")
    group.hooks[hook.name] = hook
    return {}


@operation("autoscaling", "DeleteLifecycleHook")
def delete_lifecycle_hook(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Whoever waits for it goes on: a launch is abandoned, a termination continues."""
    group = find_group(place, request["AutoScalingGroupName"])
    hook = _hook(group, request["LifecycleHookName"])
    del group.hooks[hook.name]
    result = "ABANDON" if hook.transition == LAUNCHING else "CONTINUE"
    for member in list(group.members.values()):
        complete(place, member, hook.name, result, "the hook was deleted")
    return {}


@operation("autoscaling", "DescribeLifecycleHooks")
def describe_lifecycle_hooks(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    group = find_group(place, request["AutoScalingGroupName"])
    names = set(request.get("LifecycleHookNames") or group.hooks)
    return {"LifecycleHooks": [_view(group, hook) for name, hook in sorted(group.hooks.items()) if name in names]}


@operation("autoscaling", "DescribeLifecycleHookTypes")
def describe_lifecycle_hook_types(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    return {"LifecycleHookTypes": [LAUNCHING, TERMINATING]}


@operation("autoscaling", "CompleteLifecycleAction")
def complete_lifecycle_action(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises ValidationError for a result that is none, or where nobody waits."""
    result = request["LifecycleActionResult"]
    if result not in RESULTS:
        raise AwsError("ValidationError", f"LifecycleActionResult must be one of {', '.join(RESULTS)}")
    _, member, hook = _waiting(place, request)
    complete(place, member, hook.name, result, f"Lifecycle Action Completed with {result} Result")
    return {}


@operation("autoscaling", "RecordLifecycleActionHeartbeat")
def record_heartbeat(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    group, member, hook = _waiting(place, request)
    heartbeat(place, group, member, hook)
    return {}


def _hook(group: AutoScalingGroup, name: str) -> LifecycleHook:
    if name not in group.hooks:
        raise AwsError("ValidationError", f"No Lifecycle Hook found with name {name} for group {group.name}")
    return group.hooks[name]


def _waiting(place: Place, request: Mapping[str, Any]) -> tuple[AutoScalingGroup, Member, LifecycleHook]:
    """The member that a request names by its id or by the action's token."""
    group = find_group(place, request["AutoScalingGroupName"])
    hook = _hook(group, request["LifecycleHookName"])
    named, token = request.get("InstanceId"), request.get("LifecycleActionToken")
    for member in group.members.values():
        waiting = member.waiting.get(hook.name)
        if waiting and (named == member.instance_id or (not named and token == waiting.token)):
            return group, member, hook
    raise AwsError("ValidationError", f"No active Lifecycle Action found with instance ID {named} or token {token}")


def _view(group: AutoScalingGroup, hook: LifecycleHook) -> dict[str, Any]:
    return {
        "LifecycleHookName": hook.name,
        "AutoScalingGroupName": group.name,
        "LifecycleTransition": hook.transition,
        "NotificationTargetARN": hook.target_arn,
        "RoleARN": hook.role_arn,
        "NotificationMetadata": hook.metadata,
        "HeartbeatTimeout": hook.heartbeat,
        "GlobalTimeout": hook.global_timeout,
        "DefaultResult": hook.default_result,
    }
