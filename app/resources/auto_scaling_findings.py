"""What a person must know of Auto Scaling groups before approving."""

from collections import Counter
from collections.abc import Iterable, Iterator

from app.planning.context import Context
from app.planning.inventory import Ref, Resource
from app.planning.plan import Finding, Level
from app.resources.auto_scaling_method import (
    LONGEST_NAME,
    SUBJECT,
    fronts,
    linked_by_hand,
    linked_vpc,
    movable,
    twin_name,
)
from app.resources.instance_findings import GROUPS_PER_INTERFACE, PARAVIRTUAL, WITH_DISKS
from app.resources.linking import present_link


def findings(ctx: Context) -> Iterator[Finding]:
    for group in ctx.inventory.of(SUBJECT):
        if group.platform == "unknown":
            yield _finding(
                group,
                "blocker",
                "unknown_platform",
                "could not be read whole, so that nobody knows what it is: allow the calls or wait out the "
                "throttling, then discover again.",
            )
        elif group.platform == "classic":
            yield from _source(group, ctx)
            yield from _links(group, ctx)
    for group in ctx.moving(SUBJECT):
        yield from _names(group, ctx)
        yield from _place(group, ctx)
        yield from _processes(group)
        yield from _around(group, ctx)
        if movable(group, ctx):
            yield from _image(group, ctx)
    yield from _room(ctx)


def _finding(group: Resource, level: Level, code: str, message: str) -> Finding:
    return Finding(level, code, str(group.ref), f"{group.name} {message}")


def _source(group: Resource, ctx: Context) -> Iterator[Finding]:
    if group.facts["configuration"]:
        return
    other = group.facts["other_source"]
    if ctx.moves(group.ref):
        yield _finding(
            group,
            "blocker",
            "no_launch_configuration",
            f"launches from {other}, which EC2-Classic's links and this plan know nothing of: give it a launch "
            "configuration, then discover again; or take it out of the scope.",
        )
    elif linked_by_hand(group, ctx):
        yield _finding(
            group,
            "warning",
            "newcomers_not_linked_by_aws",
            f"launches from {other}, which has no ClassicLink parameters: what it starts is linked by the job while "
            "that runs, and by nobody after it. Give it a launch configuration, then discover again.",
        )


def _links(group: Resource, ctx: Context) -> Iterator[Finding]:
    if not linked_by_hand(group, ctx):
        return
    linked = linked_vpc(group)
    if linked and linked != ctx.target.vpc_id:
        yield _finding(
            group,
            "blocker",
            "linked_elsewhere",
            f"launches from a launch configuration that links its members to {linked}, and an instance can be linked "
            "to one VPC only: give it one without ClassicLink and have its members replaced, then discover again.",
        )
    for id_ in group.facts["members"]:
        present = present_link(id_, ctx)
        if present and not linked:
            yield Finding(
                "blocker",
                "linked_elsewhere",
                str(Ref("instance", id_)),
                f"{id_}, a member of {group.name}, is linked to {present.facts['vpc']} already, with groups that "
                "cannot be changed: detach it first, then discover again.",
            )
    taken = fronts(group, ctx)
    if taken:
        names = ", ".join(each.name for each in taken)
        yield _finding(
            group,
            "note",
            "newcomers_wait_while_halted",
            f"may start members at any time: AWS links them, and the job puts them behind the twin of {names} within "
            "seconds. While it is paused or halted it does not: go on, or register them yourself.",
        )
        if not ctx.moves(group.ref):
            yield _finding(
                group,
                "warning",
                "newcomers_unregistered_afterwards",
                f"stays in EC2-Classic behind {names}, which moves: when this job has ended, nobody puts what it "
                "starts behind the twin any more. Add it to the scope, or keep its size fixed until it moves.",
            )


def _names(group: Resource, ctx: Context) -> Iterator[Finding]:
    name = twin_name(group, ctx)
    if len(name) > LONGEST_NAME or any(each.name == name for each in ctx.inventory.of(SUBJECT)):
        yield _finding(
            group,
            "blocker",
            "auto_scaling_group_name",
            f"cannot have a twin called '{name}': a name has at most {LONGEST_NAME} characters and is used once. "
            "Choose another with the override name.",
        )


def _place(group: Resource, ctx: Context) -> Iterator[Finding]:
    missing = [zone for zone in group.facts["zones"] if not ctx.subnet(zone)]
    if missing:
        yield _finding(
            group,
            "blocker",
            "no_subnet_in_zone",
            f"is in {', '.join(missing)}, where the target has no subnet. Name a subnet of the VPC for each zone.",
        )
    region = ctx.inventory.get(Ref("region", ctx.inventory.region))
    limits = region.facts["limits"] if region else {}
    most = limits.get("vpc-max-security-groups-per-interface", GROUPS_PER_INTERFACE)
    if len(group.facts["groups"]) > ctx.override(group.ref, "max_groups", most):
        yield _finding(
            group,
            "blocker",
            "too_many_groups_per_interface",
            f"has {len(group.facts['groups'])} security groups and a network interface takes {most}: merge groups; "
            "or have AWS raise the quota and set the override max_groups.",
        )


def _processes(group: Resource) -> Iterator[Finding]:
    off = sorted({"Launch", "Terminate"} & set(group.facts["suspended"]))
    if off:
        yield _finding(
            group,
            "blocker",
            "launch_suspended",
            f"has {' and '.join(off)} suspended, so that it could neither go down nor come back: resume it, then "
            "discover again; or take the group out of the scope.",
        )


def _around(group: Resource, ctx: Context) -> Iterator[Finding]:
    if group.facts["warm_pool"]:
        yield _finding(
            group,
            "warning",
            "warm_pool_left",
            "has a warm pool, which is not carried to the VPC: give its twin one when it has moved.",
        )
    if placement := group.facts["settings"].get("PlacementGroup"):
        yield _finding(
            group,
            "warning",
            "placement_group_shared",
            f"is in the placement group {placement}, and so is its twin: that has to have room for twice the members "
            "while both run.",
        )
    if ctx.incremental:
        yield _finding(
            group,
            "note",
            "scaling_frozen",
            "does not scale by itself from its own cutover on until its twin does, for some minutes: its members at "
            "that moment have to carry the load. Members that fail are replaced.",
        )


def _image(group: Resource, ctx: Context) -> Iterator[Finding]:
    facts = group.facts["configuration"]
    given = ctx.override(group.ref, "image_id")
    if not facts["image"] and not given:
        yield _finding(
            group,
            "blocker",
            "image_gone",
            f"launches from {facts['image_id']}, which is not there any more, so that it could start nobody: set the "
            "override image_id, and give the group another launch configuration.",
        )
        return
    type_ = ctx.override(group.ref, "instance_type", facts["instance_type"])
    family = type_.partition(".")[0]
    if not given and facts["image"]["virtualization"] == "paravirtual" and family not in PARAVIRTUAL:
        yield _finding(
            group,
            "blocker",
            "paravirtual_type",
            f"launches a paravirtual image and {type_} takes HVM images only: set the override instance_type to one "
            f"of {', '.join(sorted(PARAVIRTUAL))}, or image_id to an HVM image.",
        )
    region = ctx.inventory.get(Ref("region", ctx.inventory.region))
    offerings = region.facts["offerings"] if region else {}
    lacking = [zone for zone in group.facts["zones"] if zone in offerings and type_ not in offerings[zone]]
    if lacking:
        yield _finding(
            group,
            "blocker",
            "type_not_offered",
            f"would launch {type_}, which {', '.join(lacking)} does not offer: set the override instance_type.",
        )
    if family in WITH_DISKS or (not given and facts["image"]["root_device_type"] != "ebs"):
        yield _finding(
            group,
            "warning",
            "instance_store_data_lost",
            "may have members with instance-store disks: what is on them goes with them. Copy what matters first.",
        )


def _room(ctx: Context) -> Iterator[Finding]:
    """Every member takes an address of a subnet; the zones share them evenly."""
    zones: Counter[str] = Counter()
    for group in ctx.moving(SUBJECT):
        for zone in group.facts["zones"]:
            zones[zone] += -(-group.facts["max"] // len(group.facts["zones"]))
    for zone, count in sorted(zones.items()):
        for subnet in _subnets(ctx, ctx.target.subnets.get(zone)):
            free = subnet.facts["free_addresses"]
            if count > free:
                yield Finding(
                    "warning",
                    "subnet_too_small_for_groups",
                    str(subnet.ref),
                    f"At their largest the groups that move would have {count} members in {subnet.ref.id} in {zone}, "
                    f"which has {free} free addresses: name a larger subnet in the target.",
                )


def _subnets(ctx: Context, subnet_id: str | None) -> Iterable[Resource]:
    found = ctx.inventory.get(Ref("subnet", subnet_id)) if subnet_id else None
    return [found] if found else []
