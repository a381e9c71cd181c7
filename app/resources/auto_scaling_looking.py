"""Auto Scaling groups and their members as they are at this moment."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.execution.step import Run, Seen, StepBroken, Verdict, Watch, pending, settled
from app.planning.inventory import Json
from app.resources.instance_looking import ALIVE

DESCRIBE = "autoscaling.describe_auto_scaling_groups"
LEAVING = ("Terminating", "Terminated", "Detaching", "Detached", "Warmed")
ASKED_AT_ONCE = 200  # values of an EC2 filter

Group = dict[str, Any]


async def find_group(run: Run, name: str) -> Group | None:
    """AWS passes over names that do not exist here, and answers ValidationError for them everywhere else."""
    answer = await run.cloud.call(DESCRIBE, AutoScalingGroupNames=[name])
    found: list[Group] = answer["AutoScalingGroups"]
    return next(iter(found), None)


async def named_group(run: Run, name: str) -> Group:
    """Raises StepBroken where there is none."""
    group = await find_group(run, name)
    if group is None:
        raise StepBroken(f"The Auto Scaling group {name} is gone: discover and plan anew.")
    return group


def watch_group(name: str, within: float = 3600.0) -> Watch:
    return Watch(
        DESCRIBE,
        (name,),
        by="list:AutoScalingGroupNames",
        items="AutoScalingGroups[]",
        key="AutoScalingGroupName",
        within=within,
        most=50,
    )


def staying(group: Group) -> list[str]:
    """Members that are not on their way out, in service or not yet, in order."""
    return sorted(each["InstanceId"] for each in group["Instances"] if not _leaves(each))


def in_service(group: Group) -> list[str]:
    """Members that count: in service and not found failing, in order."""
    members = group["Instances"]
    return sorted(each["InstanceId"] for each in members if _serves(each))


def _leaves(member: Mapping[str, Any]) -> bool:
    return str(member["LifecycleState"]).startswith(LEAVING)


def _serves(member: Mapping[str, Any]) -> bool:
    return bool(member["LifecycleState"] == "InService" and member["HealthStatus"].lower() == "healthy")


def protected(group: Group) -> list[str]:
    """Members in service that scaling in passes over; of others AWS does not let it be changed."""
    members = (each for each in group["Instances"] if each["LifecycleState"] in ("InService", "Standby"))
    return sorted(each["InstanceId"] for each in members if each.get("ProtectedFromScaleIn"))


def sizes_of(group: Group) -> dict[str, Json]:
    return {"min": group["MinSize"], "max": group["MaxSize"], "desired": group["DesiredCapacity"]}


def suspended(group: Group) -> list[str]:
    return sorted(process["ProcessName"] for process in group.get("SuspendedProcesses", ()))


async def wait_until_visible(run: Run, name: str) -> None:
    """A group that was just made may not be known to every call at once."""
    await run.wait(
        watch_group(name, 600.0), lambda seen: settled() if name in seen else pending(f"{name} is not visible yet")
    )


async def wait_until_gone(run: Run, name: str) -> None:
    await run.wait(watch_group(name), lambda seen: pending(f"{name} is being deleted") if name in seen else settled())


async def wait_for_members(run: Run, name: str, wanted: int, within: float) -> None:
    """Until so many members are in service. Raises StepBroken."""

    def judge(seen: Seen) -> Verdict:
        there = in_service(dict(seen[name])) if name in seen else []
        return settled() if len(there) >= wanted else pending(f"{len(there)} of {wanted} members are in service")

    if wanted:
        await run.wait(watch_group(name, within), judge)


async def empty(run: Run, name: str, within: float) -> None:
    """Down to no member at all, and waited for. Protection from scale-in is lifted as it is met, also of members
    that come into service meanwhile. Raises StepBroken."""

    def judge(seen: Seen) -> Verdict:
        group = dict(seen[name]) if name in seen else {"Instances": []}
        if not group["Instances"] or protected(group):
            return settled(empty=not group["Instances"])
        first = group["Instances"][0]
        return pending(f"{first['InstanceId']} is {first['LifecycleState']}")

    await set_sizes(run, name, {"min": 0, "max": 0, "desired": 0})
    while not (await run.wait(watch_group(name, within), judge))["empty"]:
        await protect(run, name, protected(await named_group(run, name)), False)


async def pause(run: Run, name: str, seconds: float = 5.0) -> None:
    """A breath between two rounds: the watcher looks at the group at once, and again after so many seconds."""
    looks = 0

    def judge(seen: Seen) -> Verdict:
        nonlocal looks
        looks += 1
        return settled() if looks > 1 else pending()

    await run.wait(replace(watch_group(name), every=seconds), judge)


async def running(run: Run, instance_ids: list[str]) -> list[str]:
    """Those of the instances that run, in order."""
    return sorted(await _in_states(run, instance_ids, ["running"]))


async def alive(run: Run, instance_ids: list[str]) -> set[str]:
    """Those of the instances that have not been terminated."""
    return await _in_states(run, instance_ids, ALIVE)


async def _in_states(run: Run, instance_ids: list[str], states: list[str]) -> set[str]:
    found = set()
    for start in range(0, len(instance_ids), ASKED_AT_ONCE):
        filters = [
            {"Name": "instance-id", "Values": instance_ids[start : start + ASKED_AT_ONCE]},
            {"Name": "instance-state-name", "Values": states},
        ]
        async for page in run.cloud.pages("ec2.describe_instances", Filters=filters):
            found |= {item["InstanceId"] for each in page["Reservations"] for item in each["Instances"]}
    return found


async def links(run: Run, instance_ids: list[str]) -> dict[str, dict[str, Any]]:
    """The present ClassicLinks of the instances, by their ids."""
    found = {}
    for start in range(0, len(instance_ids), ASKED_AT_ONCE):
        filters = [{"Name": "instance-id", "Values": instance_ids[start : start + ASKED_AT_ONCE]}]
        async for page in run.cloud.pages("ec2.describe_classic_link_instances", Filters=filters):
            found.update({item["InstanceId"]: item for item in page["Instances"]})
    return found


async def set_sizes(run: Run, name: str, sizes: Mapping[str, Json]) -> None:
    """All three in one call, so that they are all as before or all as asked."""
    await run.cloud.call(
        "autoscaling.update_auto_scaling_group",
        AutoScalingGroupName=name,
        MinSize=sizes["min"],
        MaxSize=sizes["max"],
        DesiredCapacity=sizes["desired"],
    )


async def protect(run: Run, name: str, instance_ids: list[str], yes: bool) -> None:
    """From scale-in; AWS takes fifty at a time."""
    for start in range(0, len(instance_ids), 50):
        await run.cloud.call(
            "autoscaling.set_instance_protection",
            AutoScalingGroupName=name,
            InstanceIds=instance_ids[start : start + 50],
            ProtectedFromScaleIn=yes,
        )
