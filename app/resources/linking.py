"""Who has to be linked to the VPC while an application moves, who is already, and into which groups."""

from app.planning.context import Context
from app.planning.inventory import Json, Ref, Resource


def link_ref(vpc_id: str) -> Ref:
    return Ref("classic_link", vpc_id)


def must_link(instance: Resource, ctx: Context) -> bool:
    """Something Classic that runs, at either end of a flow whose other end moves, or behind what moves."""
    return (
        ctx.incremental
        and instance.platform == "classic"
        and instance.facts["state"] == "running"
        and instance.ref in ctx.neighbours
    )


def present_link(instance_id: str, ctx: Context) -> Resource | None:
    links = ctx.inventory.of("classic_link")
    return next((link for link in links if instance_id in link.facts["instances"]), None)


def moving_groups(instance: Resource, ctx: Context) -> list[Json]:
    return [
        ctx.counterpart(Ref("security_group", group))
        for group in instance.facts["groups"]
        if ctx.moves(Ref("security_group", group))
    ]


def to_link(ctx: Context) -> list[Resource]:
    """What this plan links: whatever must be and has groups with twins."""
    linkable = (each for kind in sorted(ctx.linkable) for each in ctx.inventory.of(kind))
    return [each for each in linkable if must_link(each, ctx) and moving_groups(each, ctx)]
