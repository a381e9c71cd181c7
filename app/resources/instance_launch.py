"""The twin: launched from the image with everything that an image does not carry (aws-facts A4)."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, ClassVar

from app.cloud import NotFound
from app.execution.calls import Calls, keys_through, makes, on, ours, passing, reading
from app.execution.step import Result, Run, Seen, Step, StepBroken, Verdict, Watch, pending, settled
from app.planning.context import Context
from app.planning.effects import Effect, Joins, Serves, group_names
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, Milestone, StepId, in_service, promise, ready, step_id
from app.resources.instance_backups import find_for_undo
from app.resources.instance_discovery import digest, user_data_of
from app.resources.instance_looking import ALIVE, describe, judge_state, made_by, state_of, watch_instances
from app.resources.instance_method import (
    START_SECONDS,
    given_image,
    stops_first,
    twin_groups,
)
from app.resources.instance_volumes import moved_volumes
from app.resources.load_balancer_members import balancers_of


class Launch(Step):
    """RunInstances with a client token: the same token makes one instance, however often it is sent."""

    action = "instance.launch"
    subject = "instance"
    phase = "instances"
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_instances", "ec2.describe_instance_attribute", "ec2.describe_volumes"),
        "ec2.run_instances": makes("instance/*", "volume/*")
        + on("image/{image_id}", "subnet/{subnet_id}", "security-group/{group_ids}", "key-pair/{key_name}")
        + on("network-interface/*", "snapshot/*"),
        "ec2.terminate_instances": ours("instance/*"),
        "ec2.modify_instance_attribute": ours("instance/*"),
        "ec2.delete_volume": ours("volume/*"),
    }
    permits: ClassVar[Calls] = {
        **keys_through("ec2"),
        "iam.pass_role": passing("{iam_profile}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not ctx.moves(resource.ref):
            return None
        reaches = {ready(resource.ref)}
        if not balancers_of(resource, ctx):
            reaches.add(in_service(resource.ref))
        needs: set[StepId | Milestone] = {ready(ref) for ref in resource.refers_to if ref.kind == "security_group"}
        if stops_first(resource, ctx):
            needs.add(step_id("instance.stop", resource.ref))
        params = _params(resource, ctx)
        return Draft(
            params,
            f"Launch the counterpart of {resource.name} in {resource.facts['zone']} as {params['instance_type']}.",
            seconds=START_SECONDS,
            calls=2 if params["user_data_sha256"] else 1,
            needs=frozenset(needs),
            reaches=frozenset(reaches),
            begins=frozenset({resource.ref}),
            not_undone=f"An undo terminates the counterpart of {resource.name}: what it has written to its own disks "
            "is gone.",
        )

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        yield Joins(str(subject), group_names(params["group_ids"]))
        yield Serves(str(subject))

    async def do(self, run: Run) -> Result:
        if run.attempt > 1:
            for instance_id in await made_by(run):  # an earlier attempt had another token
                return {"counterpart": instance_id}
        request = _request(run)
        if run.params["user_data_sha256"]:
            request["UserData"] = await _user_data(run)
        answer = await run.cloud.call("ec2.run_instances", **request)
        return {"counterpart": answer["Instances"][0]["InstanceId"]}

    def watch(self, result: Result) -> Watch | None:
        return watch_instances(result["counterpart"])

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        verdict = judge_state(seen, result["counterpart"], ["running"])
        if verdict.state != "settled":
            return verdict
        item = seen[result["counterpart"]]
        addresses = {"private_ip": item.get("PrivateIpAddress"), "public_ip": item.get("PublicIpAddress")}
        return settled(**{key: value for key, value in addresses.items() if value})

    async def undo(self, run: Run, result: Result | None) -> None:
        """Terminates the twin and deletes those of its volumes that outlive it."""
        found = await find_for_undo(run, made_by)
        if result and result["counterpart"] not in found:
            await _refuse_untagged(run, result["counterpart"])
        for instance_id in found:
            await _terminate(run, instance_id)
        await _delete_volumes(run)


def _params(resource: Resource, ctx: Context) -> dict[str, Json]:
    facts = resource.facts
    moved = {volume["device"] for volume in moved_volumes(resource, ctx)}
    image = given_image(resource, ctx) or promise(step_id("instance.image", resource.ref), "image_id")
    return {
        "source": resource.ref.id,
        "image_id": image,
        "instance_type": ctx.override(resource.ref, "instance_type", facts["instance_type"]),
        "subnet_id": ctx.subnet(facts["zone"]),
        "group_ids": twin_groups(resource, ctx),
        "iam_profile": facts["iam_profile"],
        "key_name": facts["key_name"],
        "monitoring": facts["monitoring"],
        "ebs_optimized": facts["ebs_optimized"],
        "termination_protection": facts["termination_protection"],
        "shutdown_behavior": facts["shutdown_behavior"],
        "user_data_sha256": facts["user_data_sha256"],
        # Instances of EC2-Classic have public names, nondefault subnets give none (aws-facts A4, PLAT).
        "public_ip": ctx.override(resource.ref, "public_ip", True),
        "keep_volumes": {
            device["device"]: not device["delete_on_termination"]
            for device in facts["block_devices"]
            if not given_image(resource, ctx) and device["device"] not in moved
        },
        "tags": dict(resource.tags),
    }


def _request(run: Run) -> dict[str, Any]:
    params = run.params
    interface = {
        "DeviceIndex": 0,
        "SubnetId": params["subnet_id"],
        "Groups": params["group_ids"],
        "AssociatePublicIpAddress": params["public_ip"],
        "DeleteOnTermination": True,
    }
    optional = {
        "KeyName": params["key_name"],
        "IamInstanceProfile": {"Arn": params["iam_profile"]} if params["iam_profile"] else None,
        "EbsOptimized": params["ebs_optimized"],
        "BlockDeviceMappings": [
            {"DeviceName": device, "Ebs": {"DeleteOnTermination": not keep}}
            for device, keep in params["keep_volumes"].items()
        ],
    }
    return {
        "ImageId": params["image_id"],
        "InstanceType": params["instance_type"],
        "MinCount": 1,
        "MaxCount": 1,
        "ClientToken": run.token,
        "NetworkInterfaces": [interface],
        "Monitoring": {"Enabled": params["monitoring"]},
        "DisableApiTermination": params["termination_protection"],
        "InstanceInitiatedShutdownBehavior": params["shutdown_behavior"],
        "TagSpecifications": run.tag_specifications("instance", "volume", extra=params["tags"]),
        **{key: value for key, value in optional.items() if value},
    }


async def _user_data(run: Run) -> bytes:
    """Read from the source at this moment, because it may hold secrets and is kept nowhere else."""
    answer = await run.cloud.call(
        "ec2.describe_instance_attribute", InstanceId=run.params["source"], Attribute="userData"
    )
    user_data = user_data_of(answer)
    if digest(user_data) != run.params["user_data_sha256"]:
        raise StepBroken(f"The user data of {run.params['source']} has changed: discover and plan anew.")
    return user_data


async def _refuse_untagged(run: Run, instance_id: str) -> None:
    item = await describe(run, instance_id)
    if item and state_of(item) in ALIVE and not run.owns(item.get("Tags")):
        raise StepBroken(f"{instance_id} carries this job's tags no more: terminate it by hand, or tag it again.")


async def _terminate(run: Run, instance_id: str) -> None:
    with suppress(NotFound):
        if run.params["termination_protection"]:
            await lift_protection(run, instance_id)
        await run.cloud.call("ec2.terminate_instances", InstanceIds=[instance_id])
        await run.wait(watch_instances(instance_id), lambda seen: judge_gone(seen, instance_id))


async def lift_protection(run: Run, instance_id: str) -> None:
    """Termination protection answers OperationNotPermitted (aws-facts A4)."""
    await run.cloud.call(
        "ec2.modify_instance_attribute", InstanceId=instance_id, DisableApiTermination={"Value": False}
    )


def judge_gone(seen: Seen, instance_id: str) -> Verdict:
    """Settled once it is terminated, or not described any more, as after an hour."""
    item: Mapping[str, Any] | None = seen.get(instance_id)
    if item is None or state_of(item) == "terminated":
        return settled()
    return pending(f"{instance_id} is {state_of(item)}")


async def _delete_volumes(run: Run) -> None:
    filters = [*run.mine, {"Name": "status", "Values": ["available"]}]
    pages = run.cloud.pages("ec2.describe_volumes", Filters=filters)
    for volume_id in [volume["VolumeId"] async for page in pages for volume in page["Volumes"]]:
        with suppress(NotFound):
            await run.cloud.call("ec2.delete_volume", VolumeId=volume_id)
