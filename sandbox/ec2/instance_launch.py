"""RunInstances."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.ec2.image_catalogue import usable_image
from sandbox.ec2.images import Image, ImageDevice
from sandbox.ec2.instance_describing import reservation_view
from sandbox.ec2.instance_states import begin_running
from sandbox.ec2.instance_storage import make_volumes, merge
from sandbox.ec2.instance_types import DEFAULT, check_known, check_platform, check_virtualization
from sandbox.ec2.instances import METADATA_OPTIONS, Instance
from sandbox.ec2.key_pairs import find_key_pair
from sandbox.ec2.landing import Landing, find_landing
from sandbox.ec2.subnet_addresses import subnet_ips
from sandbox.ec2.tags import requested_tags, tag_from_request
from sandbox.ec2.template_launch import with_template
from sandbox.ec2.user_data import check_user_data
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place


@dataclass
class Launch:
    """What a client token stands for. It outlives the instances it made: with them gone it launches no
    others (aws-facts, "Repeating a call", and ERR)."""

    asked: Mapping[str, Any]
    instances: list[Instance]
    visible_at: datetime = datetime.max.replace(tzinfo=UTC)  # no call names one


@operation("ec2", "RunInstances")
def run_instances(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """With a subnet in its VPC; without one in EC2-Classic, where the account has that. A launch template lies
    beneath the request, see template_launch.py."""
    token = request.get("ClientToken", "")
    if len(token) > 64:
        raise AwsError("InvalidParameterValue", "The client token is longer than 64 characters")
    asked = {key: value for key, value in request.items() if key != "DryRun"}
    earlier = place.table(Launch).get(token)
    if earlier is not None:
        return _again(place, earlier, asked)
    instances = _launch(place, with_template(place, request))
    if token:
        place.table(Launch)[token] = Launch(asked, instances)
    return reservation_view(place, instances)


def _again(place: Place, earlier: Launch, asked: Mapping[str, Any]) -> dict[str, Any]:
    if earlier.asked != asked:
        raise AwsError(
            "IdempotentParameterMismatch",
            "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
        )
    if any(each.state in ("shutting-down", "terminated") for each in earlier.instances):
        raise AwsError(
            "IdempotentInstanceTerminated",
            "The client token was used by an earlier request, and an instance it launched was terminated.",
        )
    return reservation_view(place, earlier.instances)


def _launch(place: Place, request: Mapping[str, Any]) -> list[Instance]:
    """Everything that can be refused is looked at before anything is made."""
    image = usable_image(place, _required(request, "ImageId"))
    instance_type = request.get("InstanceType", DEFAULT)
    _check_shape(instance_type, request)
    landing = find_landing(place, request)
    check_platform(instance_type, in_vpc=landing.subnet is not None)
    check_virtualization(instance_type, image.virtualization)
    devices = merge(place, image.devices, request.get("BlockDeviceMappings") or ())
    if request.get("KeyName"):
        find_key_pair(place, request["KeyName"])
    count = _count(place, request)
    private_ips = _private_ips(place, landing, count)
    instances: list[Instance] = []
    reservation_id = place.new_id("r")
    for index, private_ip in enumerate(private_ips):
        instance = _made(place, request, image, landing)
        instance.instance_type, instance.reservation_id = instance_type, reservation_id
        instance.launch_index, instance.private_ip = index, private_ip
        _begin(place, instance, devices, request)
        instances.append(instance)
    return instances


def _required(request: Mapping[str, Any], name: str) -> str:
    if not request.get(name):
        raise AwsError("MissingParameter", f"The request must contain the parameter {name}")
    return str(request[name])


def _check_shape(instance_type: str, request: Mapping[str, Any]) -> None:
    check_known(instance_type)
    requested_tags(request, "instance")
    requested_tags(request, "volume")
    check_user_data(request.get("UserData"))


def _count(place: Place, request: Mapping[str, Any]) -> int:
    """As many of MaxCount as the quota has room for, if that is at least MinCount."""
    least, most = request["MinCount"], request["MaxCount"]
    if not 1 <= least <= most:
        raise AwsError("InvalidParameterValue", f"MinCount {least} and MaxCount {most} do not fit together")
    alive = sum(1 for each in place.table(Instance).values() if each.state not in ("stopped", "terminated"))
    room = place.limits.instances - alive
    if room < least:
        raise AwsError(
            "InstanceLimitExceeded",
            f"You have requested more instances ({alive + least}) than your current instance limit of "
            f"{place.limits.instances} allows for the specified instance type.",
        )
    return int(min(most, room))


def _private_ips(place: Place, landing: Landing, count: int) -> list[str]:
    """Static in a VPC; in Classic there is none until it runs, and another at every start."""
    if landing.subnet is None:
        return [""] * count
    if landing.private_ip and count > 1:
        raise AwsError("InvalidParameterCombination", "A private IP address may be specified for one instance only")
    return subnet_ips(place, landing.subnet, count, landing.private_ip)


def _made(place: Place, request: Mapping[str, Any], image: Image, landing: Landing) -> Instance:
    return Instance(
        id=place.new_id("i"),
        image_id=image.id,
        instance_type="",
        state="pending",
        zone=landing.zone,
        vpc_id=landing.vpc_id,
        subnet_id=landing.subnet.id if landing.subnet else None,
        group_ids=list(landing.group_ids),
        launch_time=place.clock.now(),
        visible_at=place.visible_from_now(),
        reservation_id="",
        key_name=request.get("KeyName"),
        iam_profile_arn=profile_arn(place, request.get("IamInstanceProfile")),
        user_data=request.get("UserData") or None,
        monitoring=bool((request.get("Monitoring") or {}).get("Enabled")),
        ebs_optimized=bool(request.get("EbsOptimized")),
        termination_protection=bool(request.get("DisableApiTermination")),
        shutdown_behavior=request.get(
            "InstanceInitiatedShutdownBehavior", "stop" if image.root_device_type == "ebs" else "terminate"
        ),
        platform=image.platform,
        architecture=image.architecture,
        virtualization=image.virtualization,
        ena_support=image.ena_support,
        root_device_type=image.root_device_type,
        root_device_name=image.root_device_name,
        client_token=request.get("ClientToken", ""),
        kernel_id=request.get("KernelId", image.kernel_id),
        ramdisk_id=request.get("RamdiskId", image.ramdisk_id),
        tenancy=landing.tenancy,
        metadata_options={**METADATA_OPTIONS, **(request.get("MetadataOptions") or {})},
        gives_public_ip=landing.gives_public_ip,
        network_interface_id=place.new_id("eni") if landing.subnet else None,
    )


def profile_arn(place: Place, asked: Mapping[str, Any] | None) -> str | None:
    """A profile named by ARN or by name. The sandbox has no IAM: every profile exists."""
    if not asked:
        return None
    if asked.get("Arn"):
        return str(asked["Arn"])
    return f"arn:aws:iam::{place.account_id}:instance-profile/{asked['Name']}"


def _begin(place: Place, instance: Instance, devices: list[ImageDevice], request: Mapping[str, Any]) -> None:
    place.table(Instance)[instance.id] = instance
    make_volumes(place, instance, devices, request)
    tag_from_request(place, request, "instance", instance.id)
    begin_running(place, instance)
