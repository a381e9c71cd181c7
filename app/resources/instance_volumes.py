"""How the data volumes of an instance get to its twin.

copy      through the image, as new volumes made of its snapshots; the source keeps its own
reattach  taken off the stopped source and attached to the twin as they are: nothing of them is copied, so that the
          outage does not grow with them. Same zone only, and not to be taken back without a snapshot where the
          twin has written to them (aws-facts A4, MIG); an undo brings them back with what was written
"""

from collections.abc import Mapping
from typing import Any

from app.planning.context import Context
from app.planning.inventory import Json, Resource
from app.resources.instance_method import given_image, method, stoppable, stops_first

# From this size on the volumes themselves go over, unless a person says otherwise: docs/decisions/0010.
REATTACH_FROM_GIB = 100
WAYS = ("copy", "reattach")


def data_volumes(instance: Resource) -> list[Mapping[str, Any]]:
    """Its EBS devices but the root: the image always holds that."""
    root = instance.facts["root_device_name"]
    return [device for device in instance.facts["block_devices"] if root and device["device"] != root]


def reattaches(instance: Resource, ctx: Context) -> bool:
    """Whether its data volumes, all of them together, are reattached."""
    if not data_volumes(instance) or why_copied(instance, ctx):
        return False
    return _wanted(instance, ctx) == "reattach"


def refused(instance: Resource, ctx: Context) -> bool:
    """Whether they would be reattached, by size or because a person wants it, if they could be."""
    return bool(data_volumes(instance)) and _wanted(instance, ctx) == "reattach" and bool(why_copied(instance, ctx))


def asked(instance: Resource, ctx: Context) -> Json:
    """What a person said of it, if anything."""
    return ctx.override(instance.ref, "volumes")


def _wanted(instance: Resource, ctx: Context) -> str:
    chosen = asked(instance, ctx)
    if chosen in WAYS:
        return str(chosen)
    largest = max(device["size"] for device in data_volumes(instance))
    return "reattach" if largest >= REATTACH_FROM_GIB else "copy"


def why_copied(instance: Resource, ctx: Context) -> str:
    """Why its volumes cannot be reattached; "" where they can."""
    if instance.facts["platform"] == "windows":
        return "is Windows, which may take disks that come later for foreign ones, offline or under other letters"
    if not stoppable(instance):
        return "has its root on instance store, so that it cannot be stopped to let its volumes go"
    if given_image(instance, ctx):
        return "is launched from a given image, which may hold volumes of its own"
    if method(instance, ctx) != "stopped" or not stops_first(instance, ctx):
        return "does not stop before its counterpart is launched"
    return ""


def moved_volumes(instance: Resource, ctx: Context) -> list[dict[str, Json]]:
    """What is reattached: volume_id, device and delete_on_termination, by device."""
    if not reattaches(instance, ctx):
        return []
    keys = ("volume_id", "device", "delete_on_termination")
    return [{key: device[key] for key in keys} for device in data_volumes(instance)]


def imaged_gib(instance: Resource, ctx: Context) -> int:
    """GiB of the largest volume in the image: they are copied side by side, so that one decides."""
    moved = {device["volume_id"] for device in moved_volumes(instance, ctx)}
    sizes = (device["size"] for device in instance.facts["block_devices"] if device["volume_id"] not in moved)
    return max(sizes, default=0)
