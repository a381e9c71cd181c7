"""Members come and go behind the twin: linked Classic instances, then counterparts; then the sources leave."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from app.execution.calls import Calls, on, reading
from app.execution.step import Result, Run, Seen, Step, StepBroken, Verdict, Watch
from app.planning.context import Context
from app.planning.effects import Deregisters, Effect, Registers, source_of
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, Milestone, in_service, linked, ready, step_id
from app.resources.instance_method import method, running, stops_first
from app.resources.load_balancer_members import (
    all_serve,
    balancers_of,
    check_seconds,
    deregister,
    drained,
    has_left,
    in_service_behind,
    linked_members,
    register,
    serves_behind,
    takes_linked,
    twin_promise,
    watch_members,
)

DRAIN_SECONDS = 15.0


class Register(Step):
    """Incremental: the linked Classic members go behind the twin and come into service before any name leads there."""

    action = "load_balancer.register"
    subject = "load_balancer"
    phase = "load_balancers"
    calls: ClassVar[Calls] = {
        **reading("elb.describe_instance_health"),
        "elb.register_instances_with_load_balancer": on("loadbalancer/{name}"),
        "elb.deregister_instances_from_load_balancer": on("loadbalancer/{name}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        taken = linked_members(resource, ctx) if ctx.moves(resource.ref) else []
        members = [each for each in taken if not each.holds]  # a holder sees to its own
        if not members:
            return None
        groups = {Ref("security_group", group) for each in members for group in each.facts["groups"]}
        params = {
            "name": twin_promise(resource.ref),
            "source": resource.ref.id,
            "instances": [each.ref.id for each in members],
        }
        return Draft(
            params,
            f"Put {len(members)} linked Classic instances behind the twin of '{resource.name}' and wait until they "
            "are in service.",
            seconds=check_seconds(resource),
            undo_seconds=_drain_seconds(resource),
            calls=2,
            needs=frozenset(
                {
                    step_id("load_balancer.configure", resource.ref),
                    *(linked(each.ref) for each in members),
                    *(ready(group) for group in groups),
                }
            ),
            reaches=frozenset({ready(resource.ref), in_service(resource.ref)}),
            begins=frozenset({resource.ref}),
        )

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        members = (str(Ref("instance", id_)) for id_ in params["instances"])
        yield Registers(source_of(params["name"]), tuple(sorted(members)), twins=False)

    async def do(self, run: Run) -> Result:
        """Result: expected, the members that serve behind the source, and so must behind the twin."""
        name, instances = run.params["name"], run.params["instances"]
        serving = await in_service_behind(run, run.params["source"])
        await register(run, name, *instances)
        return {"name": name, "expected": [id_ for id_ in instances if id_ in serving]}

    def watch(self, result: Result) -> Watch | None:
        return watch_members(result["name"], result["expected"]) if result["expected"] else None

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        return all_serve(result["name"], result["expected"], seen)

    async def undo(self, run: Run, result: Result | None) -> None:
        if run.params.get("name"):
            await deregister(run, run.params["name"], *run.params["instances"])


class RegisterTwin(Step):
    """The counterpart of an instance goes behind the twins of all moving load balancers the source is behind."""

    action = "load_balancer.register_twin"
    subject = "instance"
    phase = "instances"
    calls: ClassVar[Calls] = {
        **reading("elb.describe_instance_health"),
        "elb.register_instances_with_load_balancer": on("loadbalancer/{names}"),
        "elb.deregister_instances_from_load_balancer": on("loadbalancer/{names}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        balancers = balancers_of(resource, ctx) if ctx.moves(resource.ref) else []
        if not balancers:
            return None
        fronts: set[Milestone] = set()
        if not ctx.incremental:
            fronts = {milestone(each.ref) for each in balancers for milestone in (ready, in_service)}
        return Draft(
            {
                "instance_id": ctx.counterpart(resource.ref),
                "source_id": resource.ref.id,
                "names": [twin_promise(each.ref) for each in balancers],
                "require": "as_source" if _left_alone(resource, ctx) else "always",
            },
            f"Put the counterpart of {resource.name} behind {len(balancers)} load balancers and wait until it is in "
            "service.",
            seconds=max(check_seconds(each, quickly=not ctx.incremental) for each in balancers),
            undo_seconds=max(map(_drain_seconds, balancers)),
            calls=2 * len(balancers),
            needs=frozenset(
                {ready(resource.ref), *(step_id("load_balancer.configure", each.ref) for each in balancers)}
            ),
            reaches=frozenset({in_service(resource.ref), *fronts}),
            begins=frozenset({resource.ref}),
        )

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        member = source_of(params["instance_id"])
        return (Registers(source_of(name), (member,), twins=True) for name in params["names"])

    async def do(self, run: Run) -> Result:
        """Result: names, the twins behind which the counterpart must come into service.

        A source that served nowhere is not held against its counterpart, unless it was stopped for the move.
        """
        instance, expected = run.params["instance_id"], []
        for name in run.params["names"]:
            serving = await in_service_behind(run, name) if run.params["require"] == "as_source" else {instance}
            await register(run, name, instance)
            if {instance, run.params["source_id"]} & serving:
                expected.append(name)
        for name in expected[:-1]:  # a step watches one question; the others are waited for here
            await run.wait(watch_members(name, [instance]), serves_behind(name, instance))
        return {"instance_id": instance, "names": expected}

    def watch(self, result: Result) -> Watch | None:
        return watch_members(result["names"][-1], [result["instance_id"]]) if result["names"] else None

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        return all_serve(result["names"][-1], [result["instance_id"]], seen)

    async def undo(self, run: Run, result: Result | None) -> None:
        if run.params.get("instance_id"):
            for name in run.params["names"]:
                if name:
                    await deregister(run, name, run.params["instance_id"])


class Deregister(Step):
    """Incremental: the source leaves the twins, drained, once its counterpart serves behind them."""

    action = "load_balancer.deregister"
    subject = "instance"
    phase = "instances"
    calls: ClassVar[Calls] = {
        **reading("elb.describe_instance_health"),
        "elb.register_instances_with_load_balancer": on("loadbalancer/{names}"),
        "elb.deregister_instances_from_load_balancer": on("loadbalancer/{names}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not (ctx.incremental and ctx.moves(resource.ref)):
            return None
        balancers = [each for each in balancers_of(resource, ctx) if takes_linked(each, resource, ctx)]
        if not balancers:
            return None
        return Draft(
            {
                "instance_id": resource.ref.id,
                "counterpart": ctx.counterpart(resource.ref),
                "names": [twin_promise(each.ref) for each in balancers],
                "returns": not stops_first(resource, ctx),
            },
            f"Drain {resource.name} and take it from behind {len(balancers)} load balancers.",
            seconds=max(map(_drain_seconds, balancers)),
            undo_seconds=max(map(check_seconds, balancers)),
            calls=2 * len(balancers),
            needs=frozenset(
                {
                    in_service(resource.ref),
                    step_id("load_balancer.register_twin", resource.ref),
                    *(step_id("load_balancer.register", each.ref) for each in balancers),
                }
            ),
            reaches=frozenset({drained(resource.ref)}),
        )

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        member = f"{subject.kind}:{params['instance_id']}"
        return (Deregisters(source_of(name), (member,)) for name in params["names"])

    async def do(self, run: Run) -> Result:
        """Result: names, and serving, those behind which the source was in service."""
        instance, names, serving_at = run.params["instance_id"], run.params["names"], []
        for name in names:
            serving = await in_service_behind(run, name)
            if instance in serving or (run.recovering and _returns(run)):
                serving_at.append(name)
            if instance in serving and run.params["counterpart"] not in serving:
                raise StepBroken(
                    f"{run.params['counterpart']} is not in service behind {name}, so {instance} is not taken away: "
                    "see why its health checks fail, then retry this step."
                )
        for name in names:
            await deregister(run, name, instance)
        for name in names[:-1]:  # a step watches one question; the others are waited for here
            await run.wait(watch_members(name, [instance]), lambda seen: has_left(instance, seen))
        return {"instance_id": instance, "names": names, "serving": serving_at}

    def watch(self, result: Result) -> Watch | None:
        return watch_members(result["names"][-1], [result["instance_id"]])

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        return has_left(result["instance_id"], seen)

    async def undo(self, run: Run, result: Result | None) -> None:
        """Back behind the twins, and in service, before the counterpart may leave them. One that was stopped for the
        move is stopped still, and returns when that is undone."""
        instance, served = run.params["instance_id"], result["serving"] if result else ()
        for name in served if result or not _returns(run) else filter(None, run.params["names"]):
            await register(run, name, instance)
        for name in served:
            await run.wait(watch_members(name, [instance]), serves_behind(name, instance))


def _returns(run: Run) -> bool:
    """Whether the source is still there to come back; plans of before do not tell."""
    return bool(run.params.get("returns", True))


def _left_alone(instance: Resource, ctx: Context) -> bool:
    """Whether a source's health still tells, when its counterpart goes behind the twin, what it was before: not
    once we have stopped it or, for its image, rebooted it."""
    touched = stops_first(instance, ctx) or (running(instance) and method(instance, ctx) == "reboot")
    return ctx.incremental and not touched


def _drain_seconds(balancer: Resource) -> float:
    draining: Mapping[str, object] = balancer.facts["attributes"].get("ConnectionDraining") or {}
    return DRAIN_SECONDS if draining.get("Enabled") else 1.0
