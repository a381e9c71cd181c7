"""What a person must know before load balancers, or instances behind them, move."""

from collections.abc import Iterable, Iterator

from app.planning.context import Context
from app.planning.inventory import Resource
from app.planning.plan import Finding
from app.resources.dns_names import records_for
from app.resources.load_balancer_members import behind, linked_members, moving_members
from app.resources.load_balancer_twin import LONGEST_NAME, twin_name

DEFAULT_QUOTA = 20  # Classic load balancers per region (AWS's default; DescribeAccountLimits tells the account's)


def findings(ctx: Context) -> Iterator[Finding]:
    moving = list(ctx.moving("load_balancer"))
    present = len(list(ctx.inventory.of("load_balancer")))
    if moving and present + len(moving) > DEFAULT_QUOTA:
        yield Finding(
            "warning",
            "load_balancer_quota",
            "load_balancer:*",
            f"{present} load balancers and {len(moving)} twins are more than AWS's default of {DEFAULT_QUOTA}: see "
            "that the account's quota is higher, or move fewer at a time.",
        )
    for balancer in moving:
        yield from _names(balancer, ctx)
        yield from _zones(balancer, ctx)
        yield from _members(balancer, ctx)
        yield from _callers(balancer, ctx)
    for balancer in ctx.inventory.of("load_balancer"):
        if balancer.platform == "classic" and not ctx.moves(balancer.ref):
            yield from _left_in_front(balancer, ctx)


def _names(balancer: Resource, ctx: Context) -> Iterable[Finding]:
    name = twin_name(balancer, ctx)
    taken = {each.name.lower() for each in ctx.inventory.of("load_balancer")}
    if len(name) > LONGEST_NAME or name.lower() in taken:
        yield Finding(
            "blocker",
            "load_balancer_name",
            str(balancer.ref),
            f"The twin cannot be called '{name}': a name has at most {LONGEST_NAME} characters and is used once. "
            "Choose another with the override name.",
        )
    elif name != f"{balancer.name}-vpc":
        yield Finding(
            "note",
            "load_balancer_renamed",
            str(balancer.ref),
            f"The twin is called '{name}', since names have at most {LONGEST_NAME} characters and are used once. "
            "The override name chooses another.",
        )


def _zones(balancer: Resource, ctx: Context) -> Iterable[Finding]:
    missing = [zone for zone in balancer.facts["zones"] if not ctx.subnet(zone)]
    if missing:
        yield Finding(
            "blocker",
            "no_subnet_in_zone",
            str(balancer.ref),
            f"{balancer.name} is in {', '.join(missing)}, where the target has no subnet, so its members there "
            "could not be taken over. Name a subnet of the VPC for each zone.",
        )


def _members(balancer: Resource, ctx: Context) -> Iterable[Finding]:
    linked = {each.ref for each in linked_members(balancer, ctx)}
    members = behind(balancer, ctx.inventory)
    left = [each for each in members if not ctx.moves(each.ref) and each.ref not in linked]
    # A stopped member that follows serves behind the twin no more than it does now.
    serving = [each for each in members if each.facts["state"] != "stopped"] or members
    if left and all(each in left for each in serving):
        yield Finding(
            "blocker",
            "no_member_follows",
            str(balancer.ref),
            f"Nobody would serve behind the twin of {balancer.name}: add the members that run to the scope, or their "
            "security groups, so that they are linked.",
        )
        return
    for member in left:
        yield Finding(
            "warning",
            "member_left_behind",
            str(member.ref),
            f"{member.name} is behind {balancer.name} and will not be behind its twin: it does not move and "
            "cannot be linked. Add it to the scope, or see that the others carry the load.",
        )


def _callers(balancer: Resource, ctx: Context) -> Iterable[Finding]:
    if not any(True for _ in records_for(balancer.ref, ctx)):
        yield Finding(
            "warning",
            "callers_use_old_name",
            str(balancer.ref),
            f"No DNS record of this account points at {balancer.name}, and its twin has another DNS name. Change "
            f"whoever calls {balancer.facts['dns_name']} once the twin serves: a gate before:instances gives the "
            "time for it. Only AWS Support can keep the old name.",
        )


def _left_in_front(balancer: Resource, ctx: Context) -> Iterable[Finding]:
    for ref in moving_members(balancer, ctx):
        accepted = bool(ctx.override(ref, "leave_load_balancer"))
        yield Finding(
            "warning" if accepted else "blocker",
            "load_balancer_stays",
            str(ref),
            f"{ref.id} is behind {balancer.name}, which stays in EC2-Classic and never takes instances of a VPC. Add "
            f"{balancer.ref} to the scope, or accept that it loses this member with the override "
            "leave_load_balancer.",
        )
