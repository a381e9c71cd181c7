"""Instances: what one is, finding one by its id, and who sees which addresses of it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.clock import Timer
from sandbox.ec2.lookup import named
from sandbox.errors import AwsError
from sandbox.world import Place

STATE_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}


METADATA_OPTIONS: dict[str, Any] = {
    "State": "applied",
    "HttpTokens": "optional",
    "HttpPutResponseHopLimit": 1,
    "HttpEndpoint": "enabled",
    "HttpProtocolIpv6": "disabled",
    "InstanceMetadataTags": "disabled",
}


@dataclass
class BlockDevice:
    """A volume as an instance has it; the one truth about an attachment."""

    device_name: str
    volume_id: str
    delete_on_termination: bool
    attached_at: datetime
    status: str = "attached"  # attaching | attached | detaching


@dataclass
class Instance:
    """`vpc_id` None means EC2-Classic. An address that it has not at this moment is "" or None."""

    id: str
    image_id: str
    instance_type: str
    state: str  # a key of STATE_CODES
    zone: str
    vpc_id: str | None
    subnet_id: str | None
    group_ids: list[str]
    launch_time: datetime
    visible_at: datetime
    reservation_id: str
    private_ip: str = ""
    public_ip: str | None = None
    key_name: str | None = None
    iam_profile_arn: str | None = None
    user_data: str | None = None  # base64
    monitoring: bool = False
    ebs_optimized: bool = False
    termination_protection: bool = False
    shutdown_behavior: str = "stop"  # of a stop from inside the guest; the API's stop never terminates
    platform: str | None = None  # "windows" or None
    architecture: str = "x86_64"
    virtualization: str = "hvm"
    ena_support: bool = False
    root_device_type: str = "ebs"
    root_device_name: str = "/dev/sda1"
    block_devices: list[BlockDevice] = field(default_factory=list)
    client_token: str = ""
    source_dest_check: bool = True
    kernel_id: str | None = None
    ramdisk_id: str | None = None
    tenancy: str = "default"
    launch_index: int = 0
    gives_public_ip: bool = True  # a public address comes with every start
    network_interface_id: str | None = None
    metadata_options: dict[str, Any] = field(default_factory=lambda: dict(METADATA_OPTIONS))
    running_since: datetime | None = None
    rebooting_until: datetime | None = None
    transition_reason: str = ""
    state_reason: tuple[str, str] | None = None
    timer: Timer | None = None  # of the transition under way

    @property
    def in_classic(self) -> bool:
        return self.vpc_id is None

    def answers(self, now: datetime) -> bool:
        """Is somebody at home: running, and not in the middle of a reboot."""
        return self.state == "running" and (self.rebooting_until is None or self.rebooting_until <= now)

    def device(self, volume_id: str) -> BlockDevice | None:
        return next((device for device in self.block_devices if device.volume_id == volume_id), None)


def named_instance(place: Place, instance_id: str) -> Instance:
    """Raises InvalidInstanceID.Malformed or InvalidInstanceID.NotFound."""
    if not instance_id.startswith("i-"):
        raise AwsError("InvalidInstanceID.Malformed", f'Invalid id: "{instance_id}" (expecting "i-...")')
    return named(place, Instance, instance_id, "InvalidInstanceID.NotFound", "instance ID")


def named_instances(place: Place, instance_ids: list[str]) -> list[Instance]:
    """All of them, or AWS's refusal for the first that does not exist; a request names at least one."""
    if not instance_ids:
        raise AwsError("MissingParameter", "The request must contain the parameter InstanceId")
    return [named_instance(place, instance_id) for instance_id in dict.fromkeys(instance_ids)]


def refuse_state(instance: Instance, what: str) -> AwsError:
    """The refusal of doing `what` ("started", "stopped" …) to an instance in the state it is in."""
    return AwsError(
        "IncorrectInstanceState", f"The instance '{instance.id}' is not in a state from which it can be {what}."
    )


def private_dns_name(place: Place, private_ip: str) -> str:
    if not private_ip:
        return ""
    domain = "ec2.internal" if place.region == "us-east-1" else f"{place.region}.compute.internal"
    return f"ip-{private_ip.replace('.', '-')}.{domain}"


def public_dns_name(place: Place, public_ip: str | None) -> str:
    if not public_ip:
        return ""
    domain = "compute-1" if place.region == "us-east-1" else f"{place.region}.compute"
    return f"ec2-{public_ip.replace('.', '-')}.{domain}.amazonaws.com"
