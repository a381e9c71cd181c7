"""How one instance moves: when its image is taken, when its source stops, and who takes its traffic.

stopped    stop → image → launch: nothing is lost, and the instance is out for as long as that takes
no_reboot  image → launch → register → drain → retire behind a load balancer that moves; image → stop
           → launch on its own. The image is crash-consistent only (aws-facts A4)
reboot     as no_reboot, but AWS reboots the source for the image
"""

from collections.abc import Mapping
from typing import Literal

from app.planning.context import Context
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import StepId, step_id
from app.resources.linking import must_link
from app.resources.load_balancer_members import balancers_of

Method = Literal["stopped", "no_reboot", "reboot"]

# Seconds on AWS's clock, of which AWS publishes none (performance.md): typical ones.
STOP_SECONDS = 30.0
START_SECONDS = 40.0
CHECK_SECONDS = 60.0
TERMINATE_SECONDS = 20.0
IMAGE_SECONDS = 60.0
SNAPSHOT_SECONDS = 30.0
SECONDS_PER_GIB = 3.0
TURNOVER_SECONDS = 86_400.0  # until a busy volume has been written anew
ATTACH_SECONDS = 5.0
REBOOT_SECONDS = 20.0
BACK_SECONDS = 1.0  # what is only deleted, or was only looked at


def running(instance: Resource) -> bool:
    return instance.facts["state"] in ("running", "pending")


def stoppable(instance: Resource) -> bool:
    """An instance-store root cannot be stopped: UnsupportedOperation (aws-facts A4)."""
    return bool(instance.facts["root_device_type"] == "ebs")


def given_image(instance: Resource, ctx: Context) -> str | None:
    """An image that a person made beforehand and wants launched instead of a new one."""
    image: str | None = ctx.override(instance.ref, "image_id")
    return image


def method(instance: Resource, ctx: Context) -> Method:
    """Windows is imaged from a stopped source always (aws-facts A4, WIN), and so is everything all at once."""
    if not ctx.incremental or instance.facts["platform"] == "windows" or not running(instance):
        return "stopped"
    wanted = ctx.override(instance.ref, "image")
    for known in ("stopped", "no_reboot", "reboot"):
        if wanted == known:
            return known
    return "no_reboot" if balancers_of(instance, ctx) else "stopped"


def stops_first(instance: Resource, ctx: Context) -> bool:
    """Whether the source stops before its twin starts: there are never two of a lone instance."""
    if not (running(instance) and stoppable(instance)):
        return False
    return method(instance, ctx) == "stopped" or not balancers_of(instance, ctx)


def retires(instance: Resource, ctx: Context) -> bool:
    """Whether the source stops only when its twin has taken over behind a load balancer."""
    return running(instance) and stoppable(instance) and not stops_first(instance, ctx)


def largest_volume(instance: Resource) -> int:
    """GiB. Snapshots of several volumes are taken side by side, so the largest one decides."""
    return max((device["size"] for device in instance.facts["block_devices"]), default=0)


def hold_step(instance: Resource) -> set[StepId]:
    """The step that keeps a shutdown from terminating the source, where there is need of one."""
    terminates = instance.facts["shutdown_behavior"] == "terminate"
    return {step_id("instance.hold", instance.ref)} if terminates and running(instance) else set()


def planned_link(instance: Resource, ctx: Context) -> Mapping[str, Json]:
    """The ClassicLink the source has when it is stopped, which stopping it loses (aws-facts A1).

    Read off the plan and not from AWS: the link is either in the inventory, or made by this very plan
    with just these groups. Empty where there is none.
    """
    for link in ctx.inventory.of("classic_link"):
        if instance.ref.id in link.facts["instances"]:
            return {"vpc_id": link.facts["vpc"], "group_ids": link.facts["instances"][instance.ref.id]}
    groups = twin_groups(instance, ctx)
    if must_link(instance, ctx) and groups:
        return {"vpc_id": ctx.vpc_id, "group_ids": groups}
    return {}


def twin_groups(instance: Resource, ctx: Context) -> list[Json]:
    """The twins of its security groups, as ids or promises."""
    groups = (Ref("security_group", group) for group in instance.facts["groups"])
    return [ctx.counterpart(ref) for ref in groups if ctx.moves(ref)]


def classic_addresses(instance: Resource, ctx: Context) -> list[Resource]:
    """Its Elastic IPs of EC2-Classic, which stopping it loses as well (aws-facts A3)."""
    found = (ctx.inventory.get(ref) for ref in sorted(instance.refers_to) if ref.kind == "elastic_ip")
    return [address for address in found if address and address.platform == "classic"]
