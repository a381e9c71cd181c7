"""Stopping the source: before its image is taken, or after its twin has taken over; and back again."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, ClassVar

from app.cloud import NotFound
from app.execution.calls import ANY, Calls, on, reading
from app.execution.step import Alters, Result, Run, Seen, Step, StepBroken, Verdict, Watch
from app.planning.context import Context
from app.planning.effects import Effect, Stops
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, Milestone, StepId, in_service, step_id, stopped
from app.resources.classic_link_steps import attach
from app.resources.instance_findings import WITH_DISKS
from app.resources.instance_looking import describe, judge_state, state_of, wait_for_state, watch_instances
from app.resources.instance_method import (
    STOP_SECONDS,
    classic_addresses,
    given_image,
    hold_step,
    method,
    planned_link,
    retires,
    running,
    stops_first,
)
from app.resources.instance_outage import last_snapshot
from app.resources.load_balancer_members import (
    check_seconds,
    deregister,
    fronting,
    in_service_behind,
    register,
    serves_behind,
    watch_members,
)
from app.resources.turns import after_others, fronts_left, leave_enough


class _StopSource(Step):
    """Stops the source. Undo starts it, links it and gives it its Elastic IPs, all of which stopping loses, and puts it
    behind its load balancers anew: they know it by its address, and it has another one."""

    subject = "instance"
    phase = "instances"
    alters: ClassVar[Alters] = {
        "instance": frozenset({"state"}),
        "elastic_ip": frozenset({"instance"}),
    }
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_instances", "ec2.describe_addresses", "ec2.describe_classic_link_instances"),
        **reading("elb.describe_instance_health"),
        "ec2.stop_instances": on("instance/{instance_id}"),
        "ec2.start_instances": on("instance/{instance_id}"),
        "ec2.associate_address": ANY,
        "elb.deregister_instances_from_load_balancer": on("loadbalancer/{balancers}", "loadbalancer/{fronts[].twin}"),
        "elb.register_instances_with_load_balancer": on("loadbalancer/{balancers}", "loadbalancer/{fronts[].twin}"),
        "ec2.attach_classic_link_vpc": on(
            "instance/{instance_id}", "vpc/{link.vpc_id}", "security-group/{link.group_ids}"
        ),
    }

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        yield Stops(f"{subject.kind}:{params['instance_id']}")

    async def check(self, run: Run) -> None:
        item = await describe(run, run.params["instance_id"])
        if item is None or state_of(item) != "running":
            raise StepBroken(f"{run.params['instance_id']} does not run any more: discover and plan anew.")

    async def do(self, run: Run) -> Result:
        """Result: served, the load balancers and twins of such behind which it was in service."""
        instance_id = run.params["instance_id"]
        served = await leave_enough(run, instance_id)
        for name in run.params.get("balancers", ()):  # plans of before do not tell
            if instance_id in await in_service_behind(run, name):
                served.append(name)
        answer = await run.cloud.call("ec2.stop_instances", InstanceIds=[instance_id])
        return {
            "instance_id": instance_id,
            "previous_state": answer["StoppingInstances"][0]["PreviousState"]["Name"],
            "link": run.params["link"],
            "served": served,
        }

    def watch(self, result: Result) -> Watch | None:
        return watch_instances(result["instance_id"])

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        return judge_state(seen, result["instance_id"], ["stopped"])

    async def undo(self, run: Run, result: Result | None) -> None:
        instance_id = run.params["instance_id"]
        await wait_for_state(run, instance_id, "running", "stopped")
        # Also where it is seen running: a stop whose answer was lost may be about to land.
        await run.cloud.call("ec2.start_instances", InstanceIds=[instance_id])
        await wait_for_state(run, instance_id, "running")
        link = run.params["link"]
        if link and all((link["vpc_id"], *link["group_ids"])):  # without twins of its groups it was never linked
            await attach(run, instance_id, link["vpc_id"], list(link["group_ids"]))
        await _give_back_addresses(run)
        twins = (front["twin"] for front in run.params.get("fronts", ()))
        for name in filter(None, (*run.params.get("balancers", ()), *twins)):
            await _register_anew(run, name)
        for name in (result or {}).get("served", ()):
            await run.wait(watch_members(name, [instance_id]), serves_behind(name, instance_id))

    def stop_params(self, resource: Resource, ctx: Context) -> dict[str, Json]:
        return {
            "instance_id": resource.ref.id,
            "link": planned_link(resource, ctx),
            "addresses": [address.ref.id for address in classic_addresses(resource, ctx)],
            "balancers": [balancer.ref.id for balancer in fronting(resource, ctx)],
        }

    def back_seconds(self, resource: Resource, ctx: Context) -> float:
        return STOP_SECONDS + max(map(check_seconds, fronting(resource, ctx)), default=0.0)


def _lost(instance: Resource, ctx: Context) -> str:
    """What no start brings back (aws-facts A4)."""
    kept = "its Elastic IP" if classic_addresses(instance, ctx) else "another public one"
    family = instance.facts["instance_type"].partition(".")[0]
    disks = " What was on instance-store disks, if it has any, is gone." if family in WITH_DISKS else ""
    return f"An undo starts {instance.name} again: it has another private address then, and {kept}.{disks}"


async def _register_anew(run: Run, name: str) -> None:
    """What was stopped and started gets nothing from a load balancer until it is deregistered and registered again
    (AWS's reference of RegisterInstancesWithLoadBalancer, as long as there was EC2-Classic)."""
    instance_id = run.params["instance_id"]
    if instance_id in await in_service_behind(run, name):
        return  # it was never stopped
    await deregister(run, name, instance_id)
    with suppress(NotFound):
        await register(run, name, instance_id)


async def _give_back_addresses(run: Run) -> None:
    """Classic addresses do not come back by themselves; one that went to a VPC or elsewhere is left alone."""
    addresses = list(run.params["addresses"])
    if not addresses:
        return
    answer = await run.cloud.call("ec2.describe_addresses", PublicIps=addresses)
    for address in answer["Addresses"]:
        if free_in_classic(address):
            await run.cloud.call(
                "ec2.associate_address", PublicIp=address["PublicIp"], InstanceId=run.params["instance_id"]
            )


def free_in_classic(address: Mapping[str, Any]) -> bool:
    """Associating a taken address of EC2-Classic would silently take it from its holder (aws-facts A3)."""
    return bool(address["Domain"] == "standard" and not address.get("InstanceId"))


class Stop(_StopSource):
    """Before the twin starts, so that there are never two of it: from here on the instance is out."""

    action = "instance.stop"

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not ctx.moves(resource.ref) or not stops_first(resource, ctx):
            return None
        # Stopping unlinks it, and only what is linked gets behind the twin of a load balancer.
        needs: set[StepId | Milestone] = {
            *hold_step(resource),
            *last_snapshot(resource, ctx),
            *after_others(resource, ctx),
        }
        if method(resource, ctx) != "stopped" and not given_image(resource, ctx):
            needs.add(step_id("instance.image", resource.ref))
        return Draft(
            self.stop_params(resource, ctx) | {"fronts": fronts_left(resource, ctx)},
            f"Stop {resource.name}; it is out of service until its counterpart runs.",
            seconds=STOP_SECONDS,
            undo_seconds=self.back_seconds(resource, ctx),
            needs=frozenset(needs),
            reaches=frozenset({stopped(resource.ref)}),
            interrupts=frozenset({resource.ref}),
            not_undone=_lost(resource, ctx),
        )


class Retire(_StopSource):
    """After the twin has taken over and the source has drained: nobody calls the source any more."""

    action = "instance.retire"

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not ctx.moves(resource.ref) or not running(resource) or not retires(resource, ctx):
            return None
        addresses = (in_service(address.ref) for address in classic_addresses(resource, ctx))
        return Draft(
            self.stop_params(resource, ctx),
            f"Stop {resource.name}, whose counterpart has taken its traffic.",
            seconds=STOP_SECONDS,
            undo_seconds=self.back_seconds(resource, ctx),
            needs=frozenset(
                {*hold_step(resource), in_service(resource.ref), Milestone("drained", resource.ref), *addresses}
            ),
            reaches=frozenset({stopped(resource.ref)}),
            interrupts=frozenset({resource.ref}),
            not_undone=_lost(resource, ctx),
        )
