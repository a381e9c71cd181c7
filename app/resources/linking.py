"""Who has to be linked to the VPC while an application moves, who is already, and into which groups."""

from app.planning.context import Context
from app.planning.inventory import Json, Ref, Resource


def link_ref(vpc_id: str) -> Ref:
    return Ref("classic_link", vpc_id)


def must_link(instance: Resource, ctx: Context) -> bool:
    """A running Classic instance at either end of a flow whose other end moves, or behind what moves."""
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
    """Instances this plan links: those that must be and have groups with twins."""
    return [i for i in ctx.inventory.of("instance") if must_link(i, ctx) and moving_groups(i, ctx)]
