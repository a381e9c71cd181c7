"""Who stands behind a load balancer, who may stand behind its twin, and who of them is in service."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from app.cloud import NotFound
from app.execution.step import Judge, Run, Seen, Verdict, Watch, pending, settled
from app.planning.context import Context
from app.planning.inventory import Inventory, Json, Ref, Resource
from app.planning.plan import Milestone, promise, step_id
from app.resources.linking import must_link

QUICK_INTERVAL = 5  # seconds; the shortest that AWS takes, as are the two numbers of checks (BC:HealthCheck)
LEAST_CHECKS, MOST_CHECKS = 2, 10
REGISTER_SECONDS = 10.0  # until a member is checked for the first time
# How long a member may take to pass its health checks before a person has to look, in AWS's seconds.
PATIENCE = 1800.0
# How long a twin that had members in service may have none, before its name leads to it.
RECOVERY = 600.0


def drained(ref: Ref) -> Milestone:
    """The source is behind no twin any more and may be stopped."""
    return Milestone("drained", ref)


def behind(balancer: Resource, inventory: Inventory) -> list[Resource]:
    """Who stands behind it, in order: its members, or who holds them; holders also while they have none."""
    parties = {inventory.party(Ref("instance", id_)) for id_ in balancer.facts["instances"]}
    parties |= {each.ref for each in inventory.referring_to(balancer.ref) if each.holds}
    return [found for ref in sorted(parties) if (found := inventory.get(ref))]


def takes_linked(balancer: Resource, member: Resource, ctx: Context) -> bool:
    """Whether the twin can take a Classic member: linked, where it has a subnet in its zone (aws-facts A1, CL)."""
    zones = member.facts["zones"] if member.holds else [member.facts["zone"]]
    return (
        not set(zones).isdisjoint(balancer.facts["zones"])
        and must_link(member, ctx)
        and any(ctx.moves(Ref("security_group", group)) for group in member.facts["groups"])
    )


def linked_members(balancer: Resource, ctx: Context) -> list[Resource]:
    """The Classic members, or holders of some, that the twin can take."""
    return [each for each in behind(balancer, ctx.inventory) if takes_linked(balancer, each, ctx)]


def moving_members(balancer: Resource, ctx: Context) -> list[Ref]:
    return [each.ref for each in behind(balancer, ctx.inventory) if ctx.moves(each.ref)]


def fronting(instance: Resource, ctx: Context) -> list[Resource]:
    """The load balancers an instance is behind, whether they move or not."""
    return [each for each in ctx.inventory.referring_to(instance.ref) if each.kind == "load_balancer"]


def balancers_of(instance: Resource, ctx: Context) -> list[Resource]:
    """The moving load balancers an instance is behind."""
    return [each for each in fronting(instance, ctx) if ctx.moves(each.ref)]


def quick_check(check: Mapping[str, Json]) -> Mapping[str, Json]:
    """A health check that takes members in as fast as AWS allows, and gives up on none (BC:HealthCheck)."""
    interval = min(check["Interval"], QUICK_INTERVAL)
    return {
        **check,
        "Interval": interval,
        "Timeout": min(check["Timeout"], interval - 1),
        "HealthyThreshold": LEAST_CHECKS,
        "UnhealthyThreshold": MOST_CHECKS,
    }


def check_seconds(balancer: Resource, *, quickly: bool = False) -> float:
    """How long a new member takes to come into service."""
    check = balancer.facts["health_check"]
    if quickly:
        check = quick_check(check)
    return REGISTER_SECONDS + float(check["HealthyThreshold"]) * float(check["Interval"])


def twin_promise(ref: Ref) -> dict[str, str]:
    return promise(step_id("load_balancer.create", ref))


async def in_service_behind(run: Run, name: str) -> set[str]:
    """Members in service at this moment; none where there is no such load balancer."""
    with suppress(NotFound):
        answer = await run.cloud.call("elb.describe_instance_health", LoadBalancerName=name)
        return {each["InstanceId"] for each in answer["InstanceStates"] if each["State"] == "InService"}
    return set()


async def register(run: Run, name: str, *instances: str) -> None:
    """Put them behind a load balancer; those that are there already stay."""
    await run.cloud.call(
        "elb.register_instances_with_load_balancer",
        LoadBalancerName=name,
        Instances=[{"InstanceId": id_} for id_ in instances],
    )


async def deregister(run: Run, name: str, *instances: str) -> None:
    """Take them from behind a load balancer; quiet where they, or it, are not there."""
    with suppress(NotFound):
        await run.cloud.call(
            "elb.deregister_instances_from_load_balancer",
            LoadBalancerName=name,
            Instances=[{"InstanceId": id_} for id_ in instances],
        )


async def require_health(run: Run, source: str, twin: str) -> None:
    """Waits where `twin` has nobody in service while `source` has: its only member may just be rebooted for its
    image, which the source's checks have not noticed yet. Raises StepBroken where nobody comes back."""
    if not await in_service_behind(run, source):
        return

    def judge(seen: Seen) -> Verdict:
        if any(each["State"] == "InService" for each in seen.values()):
            return settled()
        return pending(f"no member of {twin} is in service, while {source} still serves")

    await run.wait(replace(watch_members(twin, ()), within=RECOVERY), judge)


def watch_members(name: str, instances: Sequence[str]) -> Watch:
    return Watch(
        "elb.describe_instance_health",
        tuple(instances),
        by="all",
        items="InstanceStates[]",
        key="InstanceId",
        also=(("LoadBalancerName", name),),
        within=PATIENCE,
    )


def all_serve(name: str, instances: Sequence[str], seen: Seen) -> Verdict:
    for id_ in instances:
        state = seen.get(id_)
        if state is None or state["State"] != "InService":
            why = state.get("Description", "") if state else "It is not registered yet."
            return pending(f"{id_} is not in service behind {name}. {why}".strip())
    return settled()


def has_left(instance: str, seen: Seen) -> Verdict:
    state = seen.get(instance)
    if state is None or state["State"] != "InService":
        return settled()
    return pending(f"{instance} is being drained.")


def serves_behind(name: str, instance: str) -> Judge:
    def judge(seen: Seen) -> Verdict:
        return all_serve(name, [instance], seen)

    return judge
