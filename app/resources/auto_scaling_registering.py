"""Incremental: linked members of a group stand behind the twins of its load balancers, and so do those that come."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from app.cloud import NotFound
from app.execution.calls import Calls, on, reading
from app.execution.step import Result, Run, Seen, Step, StepBroken, Verdict, pending, settled
from app.planning.context import Context
from app.planning.effects import Effect, Registers, source_of
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, Milestone, StepId, in_service, linked, ready
from app.resources.auto_scaling_linking import is_ours
from app.resources.auto_scaling_looking import Group, alive, find_group, links, named_group, pause
from app.resources.auto_scaling_looking import in_service as serving_members
from app.resources.auto_scaling_method import (
    DRAIN_SECONDS,
    KEEP_EVERY,
    PATIENCE,
    SUBJECT,
    configured,
    drain_step,
    fronts,
    link_params,
    rules,
    twins,
)
from app.resources.load_balancer_members import check_seconds, in_service_behind, watch_members

# Pauses between rounds of waiting, in seconds: short at first, and together as long as PATIENCE.
PAUSES = (5.0,) * 12 + (15.0,) * int(PATIENCE / 15)


class RegisterMembers(Step):
    """The twins are not attached to the group, which is in another network: members are registered by hand, kept
    so as they come, and forgotten as they go."""

    action = f"{SUBJECT}.register_members"
    subject = SUBJECT
    phase = "load_balancers"
    keeps_every = KEEP_EVERY
    calls: ClassVar[Calls] = {
        **reading(
            "autoscaling.describe_auto_scaling_groups",
            "ec2.describe_classic_link_instances",
            "ec2.describe_instances",
            "elb.describe_instance_health",
        ),
        "elb.register_instances_with_load_balancer": on("loadbalancer/{twins}"),
        "elb.deregister_instances_from_load_balancer": on("loadbalancer/{twins}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        taken = fronts(resource, ctx)
        if not taken:
            return None
        needs: set[StepId | Milestone] = {linked(resource.ref), *configured(taken), *rules(resource)}
        return Draft(
            {
                "name": resource.ref.id,
                "sources": [each.ref.id for each in taken],
                "twins": twins(taken),
                **link_params(resource, ctx),
            },
            f"Put the linked members of '{resource.name}' behind the twins of {len(taken)} load balancers, wait until "
            "they are in service, and see to those that come and go.",
            seconds=max(map(check_seconds, taken)),
            undo_seconds=DRAIN_SECONDS,
            calls=2 + 3 * len(taken),
            needs=frozenset(needs),
            reaches=frozenset(made(each.ref) for each in taken for made in (ready, in_service)),
            begins=frozenset(each.ref for each in taken),
            kept_until=drain_step(resource, ctx),
        )

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        members = (f"{subject.kind}:{params['name']}",)
        return (Registers(source_of(twin), members, twins=False) for twin in params["twins"])

    async def do(self, run: Run) -> Result:
        """Waits for those members that serve behind the source and are members still."""
        await register_until_served(run, run.params["name"], run.params["sources"], run.params["twins"], run.params)
        return {}

    async def keep(self, run: Run, result: Result) -> None:
        await _register(run, await named_group(run, run.params["name"]), run.params["twins"], run.params)

    async def undo(self, run: Run, result: Result | None) -> None:
        group = await find_group(run, run.params["name"])
        ids = {each["InstanceId"] for each in group["Instances"]} if group else set()
        for twin in filter(None, run.params["twins"]):
            await deregister(run, twin, ids)


async def register_until_served(
    run: Run, name: str, sources: Sequence[str], names: Sequence[str], link: Mapping[str, Any]
) -> None:
    """Register, round by round, until whoever serves behind a source also does behind its twin; members may be
    replaced meanwhile. Raises StepBroken."""
    missing: list[str] = []
    for seconds in PAUSES:
        group = await named_group(run, name)
        await _register(run, group, names, link)
        missing = []
        for source, twin in zip(sources, names, strict=True):
            expected = await in_service_behind(run, source) & set(serving_members(group))
            missing += sorted(expected - await in_service_behind(run, twin))
        if not missing:
            return
        await pause(run, name, seconds)
    raise StepBroken(
        f"{missing[0]} is in service behind its load balancer and not behind the twin: see why its health checks "
        "fail, then retry this step."
    )


async def _register(run: Run, group: Group, names: Sequence[str], link: Mapping[str, Any]) -> None:
    """Members that serve and are linked go behind the twins; those that leave, or have left, are taken away."""
    members = set(serving_members(group))
    leaving = {each["InstanceId"] for each in group["Instances"]} - members
    behind = {twin: await _health(run, twin) for twin in names}
    new = {id_ for present in behind.values() for id_ in members - set(present)}
    ours = {id_ for id_, found in (await links(run, sorted(new))).items() if is_ours(found, link)}
    for twin, present in behind.items():
        await register(run, twin, sorted(ours - set(present)))
        out = {id_ for id_, state in present.items() if state != "InService" and id_ not in members | leaving}
        await deregister(run, twin, (leaving & set(present)) | (out - await alive(run, sorted(out))))


async def _health(run: Run, name: str) -> dict[str, str]:
    """By id: the state of whoever is behind a load balancer; nobody where there is none."""
    with suppress(NotFound):
        answer = await run.cloud.call("elb.describe_instance_health", LoadBalancerName=name)
        return {each["InstanceId"]: each["State"] for each in answer["InstanceStates"]}
    return {}


async def register(run: Run, name: str, instance_ids: Sequence[str]) -> None:
    """All at once; one by one where one of them has gone meanwhile, which has all of them refused."""
    if not instance_ids:
        return
    try:
        await _call(run, "register_instances_with", name, instance_ids)
    except NotFound:
        for instance_id in instance_ids if len(instance_ids) > 1 else ():
            with suppress(NotFound):
                await _call(run, "register_instances_with", name, [instance_id])


async def deregister(run: Run, name: str, instance_ids: Collection[str]) -> None:
    """Take away those of the instances that are there."""
    present = sorted(set(instance_ids) & set(await _health(run, name))) if instance_ids else []
    if not present:
        return
    try:
        await _call(run, "deregister_instances_from", name, present)
    except NotFound:
        for instance_id in present if len(present) > 1 else ():
            with suppress(NotFound):
                await _call(run, "deregister_instances_from", name, [instance_id])


async def _call(run: Run, what: str, name: str, instance_ids: Sequence[str]) -> None:
    instances = [{"InstanceId": id_} for id_ in instance_ids]
    await run.cloud.call(f"elb.{what}_load_balancer", LoadBalancerName=name, Instances=instances)


async def wait_until_drained(run: Run, name: str, instance_ids: Sequence[str]) -> None:
    """Until none of them is in service behind the load balancer."""

    def judge(seen: Seen) -> Verdict:
        left = [id_ for id_ in instance_ids if id_ in seen and seen[id_]["State"] == "InService"]
        return pending(f"{left[0]} is being drained") if left else settled()

    if instance_ids:
        await run.wait(watch_members(name, instance_ids), judge)


async def wait_until_served(run: Run, name: str, names: Sequence[str], least: int) -> None:
    """Until that many members of a group serve behind each of its load balancers. Raises StepBroken."""
    for balancer in names:
        for seconds in PAUSES:
            members = set(serving_members(await named_group(run, name)))
            if len(members & await in_service_behind(run, balancer)) >= least:
                break
            await pause(run, name, seconds)
        else:
            raise StepBroken(
                f"Fewer than {least} members of {name} are in service behind {balancer}: see why their health checks "
                "fail, then retry this step."
            )
