"""Members of a load balancer take turns where moving takes them out of service, so that the others go on serving.

Behind a load balancer most members never are out: their counterparts come into service beside them. Those that must be
stopped or rebooted for their image are, until their counterparts serve.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.execution.step import Judge, Run, Seen, Verdict, pending, settled
from app.planning.context import Context
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Milestone, in_service, promise, step_id
from app.resources.instance_method import method, running, stops_first
from app.resources.load_balancer_members import (
    RECOVERY,
    balancers_of,
    behind,
    in_service_behind,
    takes_linked,
    twin_promise,
    watch_members,
)

SHARE = 4  # one in so many may be out where the plan's settings do not say


@dataclass(frozen=True, slots=True)
class Turns:
    """`most_out`: how many members of a load balancer may be out of service at once; `after`: who must be back before
    a member leaves."""

    most_out: Mapping[Ref, int]
    after: Mapping[Ref, frozenset[Milestone]]


def turns(ctx: Context) -> Turns:
    """In the order of their refs, which is one order for all load balancers: nobody waits in a circle."""
    most_out: dict[Ref, int] = {}
    after: dict[Ref, frozenset[Milestone]] = {}
    for balancer in ctx.moving("load_balancer"):
        members = behind(balancer, ctx.inventory)
        serving = sum(1 for each in members if each.holds or running(each))
        most = most_out[balancer.ref] = ctx.settings.max_out_of_service or max(1, serving // SHARE)
        leaving = [each.ref for each in members if not each.holds and _goes_out(each, ctx)]
        for earlier, later in zip(leaving, leaving[most:], strict=False):
            after[later] = after.get(later, frozenset()) | {in_service(earlier)}
    return Turns(most_out, after)


def after_others(instance: Resource, ctx: Context) -> frozenset[Milestone]:
    """What must be true before a member goes out of service: the twins have taken over from the load balancers it is
    behind, and those whose turn it was before it are back. Nothing all at once, where all are out."""
    if not ctx.incremental:
        return frozenset()
    fronts = {in_service(each.ref) for each in balancers_of(instance, ctx)}
    return ctx.once(turns).after.get(instance.ref, frozenset()) | fronts


def _goes_out(instance: Resource, ctx: Context) -> bool:
    reboots = running(instance) and method(instance, ctx) == "reboot"
    return ctx.moves(instance.ref) and (reboots or stops_first(instance, ctx))


def fronts_left(instance: Resource, ctx: Context) -> list[Json]:
    """As a step's params: per twin that the member is behind, how many served there as it took over, and how many of
    them may be out."""
    return [
        {
            "twin": twin_promise(each.ref),
            "serving": promise(step_id("load_balancer.register", each.ref), "expected"),
            "most_out": ctx.once(turns).most_out[each.ref],
        }
        for each in balancers_of(instance, ctx)
        if takes_linked(each, instance, ctx)
    ]


async def leave_enough(run: Run, instance: str) -> list[str]:
    """Waits while fewer than the plan allows would be in service without this member; says behind which twins it is,
    or was before a try that may have stopped it.

    Raises StepBroken where the others do not come back within RECOVERY. Who is in service nowhere can be missed.
    """
    found = []
    for front in run.params.get("fronts", ()):  # plans of before do not tell
        name, served = front["twin"], front["serving"]
        if not name or not served:  # a person had the twin's steps skipped, or nobody served there
            continue
        serving, least = await in_service_behind(run, name), len(served) - front["most_out"]
        if instance in serving or (run.recovering and instance in served):
            found.append(name)
        if instance in serving and len(serving) - 1 < least:
            await run.wait(replace(watch_members(name, ()), within=RECOVERY), _enough(name, instance, least))
    return found


def _enough(name: str, instance: str, least: int) -> Judge:
    def judge(seen: Seen) -> Verdict:
        serving = {id_ for id_, each in seen.items() if each["State"] == "InService"}
        others = len(serving - {instance})
        if instance not in serving or others >= least:
            return settled()
        return pending(
            f"without {instance} there would be {others} in service behind {name}, and the plan allows no fewer than "
            f"{least}: see why the others fail their health checks, then retry this step"
        )

    return judge
