"""What a lone instance's outage is made of, and the snapshots taken while it runs that shorten it (aws-facts A4, AMI).

A snapshot holds what is not yet in an earlier one of the volume: so the image, taken with the source stopped, has only
that to copy which was written since.
"""

from app.planning.context import Context
from app.planning.inventory import Resource
from app.planning.plan import StepId, step_id
from app.resources.instance_method import (
    ATTACH_SECONDS,
    IMAGE_SECONDS,
    REBOOT_SECONDS,
    SECONDS_PER_GIB,
    SNAPSHOT_SECONDS,
    START_SECONDS,
    STOP_SECONDS,
    TURNOVER_SECONDS,
    given_image,
    largest_volume,
    method,
    stops_first,
)
from app.resources.instance_volumes import imaged_gib, reattaches

# A snapshot is worth its calls when the outage is this much shorter for it.
WORTH_SECONDS = 10.0


def takes_presnapshot(instance: Resource, ctx: Context) -> bool:
    """Where volumes are reattached, always: it is the way back that AWS asks for (aws-facts A4, MIG)."""
    if given_image(instance, ctx) or method(instance, ctx) != "stopped" or not stops_first(instance, ctx):
        return False
    return reattaches(instance, ctx) or SECONDS_PER_GIB * imaged_gib(instance, ctx) >= WORTH_SECONDS


def takes_second_snapshot(instance: Resource, ctx: Context) -> bool:
    """Where the first took so long that much was written meanwhile. All at once it would only make others wait."""
    if not ctx.incremental or not takes_presnapshot(instance, ctx):
        return False
    size, first = imaged_gib(instance, ctx), presnapshot_seconds(instance)
    return _copying(size, first) - _copying(size, second_snapshot_seconds(instance, ctx)) >= WORTH_SECONDS


def presnapshot_seconds(instance: Resource) -> float:
    return SNAPSHOT_SECONDS + SECONDS_PER_GIB * largest_volume(instance)


def second_snapshot_seconds(instance: Resource, ctx: Context) -> float:
    return SNAPSHOT_SECONDS + _copying(imaged_gib(instance, ctx), presnapshot_seconds(instance))


def last_snapshot(instance: Resource, ctx: Context) -> set[StepId]:
    """The step that snapshots the source last before it stops, where one does."""
    if takes_second_snapshot(instance, ctx):
        return {step_id("instance.presnapshot_again", instance.ref)}
    return {step_id("instance.presnapshot", instance.ref)} if takes_presnapshot(instance, ctx) else set()


def image_seconds(instance: Resource, ctx: Context) -> float:
    if given_image(instance, ctx):
        return 0.0
    size = imaged_gib(instance, ctx)
    if not takes_presnapshot(instance, ctx):
        return IMAGE_SECONDS + round(SECONDS_PER_GIB * size)
    second = takes_second_snapshot(instance, ctx)
    age = second_snapshot_seconds(instance, ctx) if second else presnapshot_seconds(instance)
    return IMAGE_SECONDS + round(_copying(size, age))


def lone_outage_seconds(instance: Resource, ctx: Context) -> float:
    """From the source's stop until its twin runs, with its volumes."""
    image = image_seconds(instance, ctx) if method(instance, ctx) == "stopped" else 0.0
    attach = ATTACH_SECONDS + REBOOT_SECONDS if reattaches(instance, ctx) else 0.0
    return STOP_SECONDS + image + START_SECONDS + attach


def _copying(gib: float, age: float) -> float:
    """Seconds for what was written to a busy volume since its last snapshot began, `age` seconds ago."""
    return SECONDS_PER_GIB * gib * min(1.0, age / TURNOVER_SECONDS)
