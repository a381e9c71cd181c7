"""Finalize: the Classic load balancer goes, once nobody is led to it, served by it or still asking it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from app.cloud import NotFound, told_at
from app.execution.calls import Calls, on, reading
from app.execution.step import EVERYTHING, Alters, Result, Run, Step, StepBroken
from app.planning.context import Context
from app.planning.inventory import Json, Resource
from app.planning.plan import Draft, Milestone
from app.resources.dns_looking import names_leading_to
from app.resources.instance_method import running, stoppable
from app.resources.load_balancer_members import behind, in_service_behind, require_health, twin_promise
from app.resources.traffic import QUIET_MINUTES, calls_of


class Delete(Step):
    """Its DNS name never comes back (aws-facts, repeating a call)."""

    action = "load_balancer.delete"
    subject = "load_balancer"
    phase = "finalize"
    alters: ClassVar[Alters] = {"load_balancer": EVERYTHING}
    calls: ClassVar[Calls] = {
        **reading(
            "cloudwatch.get_metric_statistics",
            "elb.describe_instance_health",
            "elb.describe_load_balancers",
            "route53.list_hosted_zones",
            "route53.list_resource_record_sets",
        ),
        "elb.delete_load_balancer": on("loadbalancer/{name}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not ctx.moves(resource.ref):
            return None
        zones = {record.facts["zone"] for record in ctx.inventory.of("dns_record")}
        return Draft(
            _params(resource, ctx),
            f"Delete the Classic load balancer '{resource.name}'; its DNS name never comes back.",
            calls=9 + len(zones),
            reaches=frozenset({Milestone("gone", resource.ref)}),
            reversible=False,
        )

    async def check(self, run: Run) -> None:
        found = await _described(run, run.params["name"])
        if found is None:
            return
        source, now = found
        _refuse_another(source, run.params)
        serving = await _require_twin(run)
        await _refuse_members(run, serving)
        await _refuse_names(run, source["DNSName"])
        await _refuse_callers(run, now)

    async def do(self, run: Run) -> Result:
        if run.params["twin"]:
            await require_health(run, run.params["name"], run.params["twin"])
        await self.check(run)
        await run.cloud.call("elb.delete_load_balancer", LoadBalancerName=run.params["name"])
        return {}

    async def undo(self, run: Run, result: Result | None) -> None:
        """A deleted load balancer cannot be had back; the plan says so beforehand."""


def _params(resource: Resource, ctx: Context) -> dict[str, Json]:
    """`never_stop`: moved members that the move could not stop, so that they stay in service behind it; `serves`:
    it had members that run, and so has its twin."""
    members = behind(resource, ctx.inventory)
    alone = [each for each in members if not each.holds]
    return {
        "name": resource.ref.id,
        "dns_name": resource.facts["dns_name"],
        "twin": twin_promise(resource.ref),
        "never_stop": [each.ref.id for each in alone if ctx.moves(each.ref) and running(each) and not stoppable(each)],
        "serves": any(running(each) for each in alone),
    }


async def _described(run: Run, name: str) -> tuple[Mapping[str, Any], datetime] | None:
    """It, and AWS's time when it was told."""
    try:
        answer = await run.cloud.call("elb.describe_load_balancers", LoadBalancerNames=[name])
    except NotFound:
        return None
    return answer["LoadBalancerDescriptions"][0], told_at(answer)


def _refuse_another(source: Mapping[str, Any], params: Mapping[str, Any]) -> None:
    if source.get("VPCId") or source["DNSName"] != params.get("dns_name", source["DNSName"]):
        raise StepBroken(
            f"{params['name']} is not the load balancer that was moved: nothing is deleted. See who made it, and skip "
            "this step."
        )


async def _require_twin(run: Run) -> set[str]:
    """Members in service behind the twin. Raises StepBroken where it is gone or serves nobody."""
    name, twin = run.params["name"], run.params["twin"]
    found = await _described(run, twin) if twin else None
    if found is None:
        raise StepBroken(
            f"{name} has no counterpart any more, so it is not deleted: find out what became of it, and take this "
            "step out by skipping it."
        )
    serving = await in_service_behind(run, twin)
    if not serving and (found[0].get("Instances") or run.params.get("serves")):
        raise StepBroken(
            f"No member of {twin}, the counterpart of {name}, is in service: see what became of them, then retry this "
            "step."
        )
    return serving


async def _refuse_members(run: Run, serving: set[str]) -> None:
    """Who is in service behind both has somebody to serve when one of them goes."""
    name = run.params["name"]
    left = await in_service_behind(run, name) - serving - set(run.params.get("never_stop", ()))
    if left:
        raise StepBroken(
            f"{min(left)} is in service behind {name}, and not behind {run.params['twin']}: register it there, or take "
            f"it out of {name}, then retry this step; or skip it."
        )


async def _refuse_names(run: Run, dns_name: str) -> None:
    if names := await names_leading_to(run, dns_name):
        raise StepBroken(
            f"{', '.join(names)} still leads to {run.params['name']}: point it at {run.params['twin']}, wait until its "
            "TTL has run out, then retry this step; or skip it."
        )


async def _refuse_callers(run: Run, now: datetime) -> None:
    name = run.params["name"]
    if asked := await calls_of(run, name, now):
        raise StepBroken(
            f"{name} was called {asked} times within the last {QUIET_MINUTES} minutes: somebody still uses its DNS "
            f"name or an old answer. Find the callers (its access logs name them) and have them call "
            f"{run.params['twin']}, then retry this step; or skip it."
        )
