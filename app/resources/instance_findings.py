"""What a person must know of the instances before approving: what cannot move, and what is lost on the way."""

from collections import Counter
from collections.abc import Iterable, Iterator

from app.planning.context import Context
from app.planning.inventory import Ref, Resource
from app.planning.plan import Finding, Level
from app.resources.instance_method import given_image, method, running, stops_first
from app.resources.instance_outage import lone_outage_seconds
from app.resources.instance_volumes import WAYS, asked, data_volumes, moved_volumes, refused, why_copied
from app.resources.load_balancer_members import balancers_of

# aws-facts A4 (VIRT): the families that take paravirtual images.
PARAVIRTUAL = frozenset({"c1", "c3", "hs1", "m1", "m2", "m3", "t1"})
# aws-facts A4 (PLAT): types of EC2-Classic that come with disks of their own, which no image holds.
WITH_DISKS = frozenset({"c1", "c3", "cc2", "cr1", "d2", "g2", "hs1", "i2", "m1", "m2", "m3", "r3"})
# aws-facts A2 (QUOTA): security groups of a network interface.
GROUPS_PER_INTERFACE = 5


def findings(ctx: Context) -> Iterator[Finding]:
    for instance in ctx.inventory.of("instance"):
        yield from _not_moved(instance, ctx)
    called = _called_by_instances(ctx)
    for instance in ctx.moving("instance"):
        yield from _disks(instance, ctx)
        yield from _volumes(instance, ctx)
        yield from _type(instance, ctx)
        yield from _place(instance, ctx)
        yield from _ends(instance)
        yield from _cutover(instance, ctx)
        if instance.ref in called and not balancers_of(instance, ctx):
            yield _finding(
                instance,
                "warning",
                "private_address_changes",
                "gets another private address: callers that know it by address, and not by a name that moves "
                "along, have to be told the new one at cutover.",
            )
    yield from _room(ctx)


def _not_moved(instance: Resource, ctx: Context) -> Iterator[Finding]:
    if instance.platform == "unknown":
        yield _finding(
            instance,
            "blocker",
            "unknown_platform",
            "could not be read whole, so that nobody knows what it is: allow the calls or wait out the throttling, "
            "then discover again.",
        )
    everything = ctx.request.refs is None and ctx.request.tags is None
    holder = instance.holder
    if everything and instance.platform == "classic" and holder and not ctx.moves(holder):
        yield _finding(
            instance,
            "warning",
            "holder_stays",
            f"was launched by {holder}, which replaces it at any time and does not move: so it stays in EC2-Classic. "
            f"Add {holder} to the scope, or take the instance out of it and discover again.",
        )


def _finding(instance: Resource, level: Level, code: str, message: str) -> Finding:
    named = instance.ref.id if instance.name == instance.ref.id else f"{instance.name} ({instance.ref.id})"
    return Finding(level, code, str(instance.ref), f"{named} {message}")


def _called_by_instances(ctx: Context) -> frozenset[Ref]:
    flows = (flow for flow in ctx.flows if any(source.startswith("instance:") for source in flow.sources))
    return frozenset(Ref.parse(target) for flow in flows for target in flow.targets)


def _disks(instance: Resource, ctx: Context) -> Iterator[Finding]:
    facts = instance.facts
    if facts["root_device_type"] != "ebs":
        given = given_image(instance, ctx)
        yield _finding(
            instance,
            "warning" if given else "blocker",
            "instance_store_root",
            "has its root on instance store: it cannot be stopped and runs beside its counterpart until finalize. "
            "See that only one of them works."
            if given
            else "has its root on instance store, of which AWS takes no image: bundle it with the AMI tools or convert "
            "it to EBS, and set the override image_id to the image made of it.",
        )
    elif facts["instance_type"].partition(".")[0] in WITH_DISKS:
        yield _finding(
            instance,
            "warning",
            "instance_store_data_lost",
            "may have instance-store disks: what is on them is lost when it stops and is not in the image. Copy "
            "what matters to EBS first.",
        )
    moved = {volume["volume_id"] for volume in moved_volumes(instance, ctx)}
    outliving = [row["volume_id"] for row in facts["block_devices"] if not row["delete_on_termination"]]
    if kept := [volume_id for volume_id in outliving if volume_id not in moved]:
        yield _finding(
            instance,
            "note",
            "volumes_stay",
            f"leaves {', '.join(kept)} behind when it is terminated in the end: delete them when nobody needs them.",
        )


def _volumes(instance: Resource, ctx: Context) -> Iterator[Finding]:
    wanted = asked(instance, ctx)
    if wanted is not None and wanted not in WAYS:
        yield _finding(
            instance,
            "blocker",
            "unknown_way_of_volumes",
            f"has the override volumes set to {wanted!r}: set it to one of {', '.join(WAYS)}.",
        )
    if refused(instance, ctx):
        yield _finding(
            instance,
            "blocker" if wanted == "reattach" else "note",
            "volumes_not_reattached",
            f"{why_copied(instance, ctx)}: so its data volumes are not reattached to its counterpart. "
            'The override {"volumes": "copy"} has them copied through the image.',
        )
    if moved := moved_volumes(instance, ctx):
        size = sum(device["size"] for device in data_volumes(instance))
        yield _finding(
            instance,
            "warning",
            "volumes_reattached",
            f"gives {', '.join(volume['volume_id'] for volume in moved)} ({size} GiB) to its counterpart instead of a "
            "copy: nothing of them is copied while it is out, and an undo brings them back with all that was written; "
            "a snapshot taken beforehand stays until finalize. Its counterpart boots once without them and then with "
            "them: see that /etc/fstab mounts them with nofail, and that nothing harmful happens in between. "
            'The override {"volumes": "copy"} leaves them where they are.',
        )


def _type(instance: Resource, ctx: Context) -> Iterator[Finding]:
    wanted = ctx.override(instance.ref, "instance_type", instance.facts["instance_type"])
    paravirtual = instance.facts["virtualization"] == "paravirtual" and not given_image(instance, ctx)
    if paravirtual and wanted.partition(".")[0] not in PARAVIRTUAL:
        yield _finding(
            instance,
            "blocker",
            "paravirtual_type",
            f"is paravirtual and {wanted} takes HVM images only: set the override instance_type to one of "
            f"{', '.join(sorted(PARAVIRTUAL))}, or image_id to an HVM image made of it.",
        )
    region = ctx.inventory.get(Ref("region", ctx.inventory.region))
    offered = region.facts["offerings"].get(instance.facts["zone"]) if region else None
    if offered is not None and wanted not in offered:
        yield _finding(
            instance,
            "blocker",
            "type_not_offered",
            f"would be a {wanted}, which {instance.facts['zone']} does not offer: set the override instance_type.",
        )


def _place(instance: Resource, ctx: Context) -> Iterator[Finding]:
    if ctx.subnet(instance.facts["zone"]) is None:
        yield _finding(
            instance,
            "blocker",
            "no_subnet_in_zone",
            f"is in {instance.facts['zone']}, where the target has no subnet: its volumes and its neighbours are "
            "there. Make one and name it in the target.",
        )
    region = ctx.inventory.get(Ref("region", ctx.inventory.region))
    limits = region.facts["limits"] if region else {}
    most = limits.get("vpc-max-security-groups-per-interface", GROUPS_PER_INTERFACE)
    most = ctx.override(instance.ref, "max_groups", most)
    if len(instance.facts["groups"]) > most:
        yield _finding(
            instance,
            "blocker",
            "too_many_groups_per_interface",
            f"is in {len(instance.facts['groups'])} security groups and a network interface takes {most}: merge "
            "groups; or have AWS raise the quota and set the override max_groups.",
        )


def _ends(instance: Resource) -> Iterator[Finding]:
    if instance.facts["shutdown_behavior"] == "terminate":
        yield _finding(
            instance,
            "warning",
            "terminates_on_shutdown",
            "is terminated when somebody shuts it down from inside. The plan has it stop instead while it moves "
            "(a stop by the API is safe either way); its counterpart terminates again.",
        )
    if instance.facts["termination_protection"]:
        yield _finding(
            instance,
            "note",
            "termination_protection",
            "is protected from termination, and so will be its counterpart; finalize lifts the source's protection.",
        )


def _cutover(instance: Resource, ctx: Context) -> Iterator[Finding]:
    if instance.facts["state"] not in ("running", "stopped"):
        yield _finding(
            instance,
            "blocker",
            "state_in_between",
            f"is {instance.facts['state']}: wait until it runs or is stopped, then discover again.",
        )
    elif not running(instance):
        yield _finding(
            instance,
            "note",
            "source_is_stopped",
            "is stopped and is not started for the move. Its counterpart is: a launch always starts, and it is "
            "stopped again once it has run.",
        )
    if instance.facts["platform"] == "windows":
        yield _finding(
            instance,
            "note",
            "windows_identity",
            "is Windows: its counterpart has the same SID, name and domain membership (the image is not "
            "sysprepped). Never move a domain controller so; run EC2Launch or EC2Config initialise afterwards, or "
            "activation fails.",
        )
    if stops_first(instance, ctx):
        yield _finding(
            instance,
            "note",
            "instance_outage",
            f"is out of service for about {round(lone_outage_seconds(instance, ctx))} seconds while it moves.",
        )
    if method(instance, ctx) != "stopped" and not given_image(instance, ctx):
        yield _finding(
            instance,
            "note",
            "image_of_running_source",
            "is imaged as it runs: what it writes to its own disks after that stays behind, and the image is as "
            'after a power cut unless it reboots. The override {"image": "stopped"} avoids both, with an outage.',
        )


def _room(ctx: Context) -> Iterator[Finding]:
    """Every counterpart takes an address of the subnet in its zone."""
    zones = Counter(instance.facts["zone"] for instance in ctx.moving("instance"))
    for zone, count in sorted(zones.items()):
        for subnet in _subnets(ctx, ctx.target.subnets.get(zone)):
            free = subnet.facts["free_addresses"]
            if count > free:
                yield Finding(
                    "blocker",
                    "subnet_too_small",
                    str(subnet.ref),
                    f"{count} instances would go to {subnet.ref.id} in {zone}, which has {free} free addresses: name "
                    "a larger subnet in the target, or move fewer instances.",
                )


def _subnets(ctx: Context, subnet_id: str | None) -> Iterable[Resource]:
    found = ctx.inventory.get(Ref("subnet", subnet_id)) if subnet_id else None
    return [found] if found else []
