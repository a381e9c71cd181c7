"""Which instance a volume is on: looked at, changed and waited for. Attachments are state, so that looking first makes
every change repeatable.

Volumes are told by {"volume_id", "device", "delete_on_termination"}.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from app.execution.step import Judge, Run, Seen, StepBroken, Verdict, Watch, pending, settled

Volume = Mapping[str, Any]


def ids_of(volumes: Sequence[Volume]) -> tuple[str, ...]:
    return tuple(volume["volume_id"] for volume in volumes)


def watch_volumes(volume_ids: Sequence[str]) -> Watch:
    return Watch(
        "ec2.describe_volumes",
        tuple(volume_ids),
        by="filter:volume-id",
        items="Volumes[]",
        key="VolumeId",
        every=3.0,
        within=1800,
    )


def all_free(volume_ids: Sequence[str], seen: Seen) -> Verdict:
    """Settled when all may be attached."""
    held = [id_ for id_ in volume_ids if id_ not in seen or seen[id_]["State"] != "available"]
    return pending(f"{held[0]} is not free yet") if held else settled()


async def take_off(run: Run, instance_id: str, volumes: Sequence[Volume]) -> None:
    """Ask for them to be detached from the instance, which has stopped or must not care; those on it alone.

    Raises StepBroken where one is gone, or on another instance.
    """
    for volume_id, attachment in (await _attachments(run, ids_of(volumes))).items():
        if not attachment:
            continue
        if attachment["InstanceId"] != instance_id:
            raise _elsewhere(volume_id, attachment)
        if attachment["State"] != "detaching":
            await run.cloud.call("ec2.detach_volume", VolumeId=volume_id, InstanceId=instance_id)


async def put_on(run: Run, instance_id: str, volumes: Sequence[Volume]) -> None:
    """Have them attached to the instance, each as its device and with its fate at termination; waits for it.

    Raises StepBroken where one is gone, or on another instance.
    """
    ids = ids_of(volumes)
    await run.wait(watch_volumes(ids), _none_on_its_way(ids))
    there = await _attachments(run, ids)
    for volume in volumes:
        volume_id = volume["volume_id"]
        if not there[volume_id]:
            await run.cloud.call(
                "ec2.attach_volume", VolumeId=volume_id, InstanceId=instance_id, Device=volume["device"]
            )
        elif there[volume_id]["InstanceId"] != instance_id:
            raise _elsewhere(volume_id, there[volume_id])
    await run.wait(watch_volumes(ids), _all_on(instance_id, ids))
    await _give_fate(run, instance_id, volumes)


async def on_instance(run: Run, instance_id: str, volume_ids: Sequence[str]) -> list[str]:
    """Those of the volumes that are on the instance; one that is gone is on none."""
    seen = await _look(run, volume_ids)
    return [id_ for id_, item in seen.items() if _attachment(item).get("InstanceId") == instance_id]


async def _give_fate(run: Run, instance_id: str, volumes: Sequence[Volume]) -> None:
    """Attaching says that a volume outlives the instance; what went with the source goes with the twin."""
    there = await _attachments(run, ids_of(volumes))
    wrong = [
        {"DeviceName": volume["device"], "Ebs": {"DeleteOnTermination": volume["delete_on_termination"]}}
        for volume in volumes
        if bool(there[volume["volume_id"]].get("DeleteOnTermination")) != volume["delete_on_termination"]
    ]
    if wrong:
        await run.cloud.call("ec2.modify_instance_attribute", InstanceId=instance_id, BlockDeviceMappings=wrong)


def _none_on_its_way(volume_ids: Sequence[str]) -> Judge:
    def judge(seen: Seen) -> Verdict:
        on_way = [id_ for id_ in volume_ids if id_ in seen and _attachment(seen[id_]).get("State") == "detaching"]
        return pending(f"{on_way[0]} is being detached") if on_way else settled()

    return judge


def _all_on(instance_id: str, volume_ids: Sequence[str]) -> Judge:
    def judge(seen: Seen) -> Verdict:
        for id_ in volume_ids:
            attachment = _attachment(seen.get(id_, {}))
            if attachment.get("InstanceId") != instance_id or attachment["State"] != "attached":
                return pending(f"{id_} is not attached to {instance_id} yet")
        return settled()

    return judge


def _attachment(item: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(iter(item.get("Attachments", ())), {})
    return found if found.get("State") != "detached" else {}


async def _look(run: Run, volume_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    filters = [{"Name": "volume-id", "Values": list(volume_ids)}]
    answer = await run.cloud.call("ec2.describe_volumes", Filters=filters)
    return {item["VolumeId"]: item for item in answer["Volumes"]}


async def _attachments(run: Run, volume_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Per volume where it is attached, {} for nowhere. Raises StepBroken for one that is gone."""
    seen = await _look(run, volume_ids)
    if gone := [id_ for id_ in volume_ids if id_ not in seen]:
        raise StepBroken(f"{gone[0]} is gone: make a volume of its snapshot, and finish this by hand.")
    return {id_: _attachment(seen[id_]) for id_ in volume_ids}


def _elsewhere(volume_id: str, attachment: Mapping[str, Any]) -> StepBroken:
    return StepBroken(
        f"{volume_id} is attached to {attachment['InstanceId']}: see who moved it, detach it there, then retry."
    )
