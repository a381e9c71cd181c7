"""What the twin of a load balancer is set to: health check, attributes, policies.

All at once, everybody waits for the twin's members to come into service, which by AWS's own defaults takes five
minutes: until then the twin checks as quickly as AWS lets it, and from then on as its source did.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from app.execution.calls import Calls, on, reading
from app.execution.step import Result, Run, Step
from app.planning.context import Context
from app.planning.inventory import Json, Resource
from app.planning.plan import Draft, ready, step_id
from app.resources.load_balancer_members import linked_members, moving_members, quick_check, twin_promise

# A back end's authentication policy names public key policies, so those come first.
POLICY_ORDER = {"PublicKeyPolicyType": 0}


class Configure(Step):
    """Health check, attributes and policies. Every call sets what it names, so repeating is safe."""

    action = "load_balancer.configure"
    subject = "load_balancer"
    phase = "load_balancers"
    calls: ClassVar[Calls] = {
        **reading("elb.describe_load_balancer_policies"),
        "elb.configure_health_check": on("loadbalancer/{name}"),
        "elb.create_load_balancer_policy": on("loadbalancer/{name}"),
        "elb.modify_load_balancer_attributes": on("loadbalancer/{name}"),
        "elb.set_load_balancer_policies_for_backend_server": on("loadbalancer/{name}"),
        "elb.set_load_balancer_policies_of_listener": on("loadbalancer/{name}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not ctx.moves(resource.ref):
            return None
        facts = resource.facts
        members = linked_members(resource, ctx) if ctx.incremental else moving_members(resource, ctx)
        policies = sorted(facts["policies"], key=lambda each: POLICY_ORDER.get(each["type"], 1))
        params = {
            "name": twin_promise(resource.ref),
            "health_check": facts["health_check"] if ctx.incremental else quick_check(facts["health_check"]),
            "attributes": facts["attributes"],
            "policies": [each | {"attributes": _essential(each["attributes"])} for each in policies],
            "listeners": {str(each["port"]): each["policies"] for each in facts["listeners"]},
            "back_ends": {str(each["port"]): each["policies"] for each in facts["backend_policies"]},
        }
        return Draft(
            params,
            f"Give the twin of '{resource.name}' its health check, attributes and policies.",
            seconds=2.0,
            calls=3 + len(policies) + len(params["listeners"]) + len(params["back_ends"]),
            reaches=frozenset() if members else frozenset({ready(resource.ref)}),
        )

    async def do(self, run: Run) -> Result:
        name, params = run.params["name"], run.params
        await _check_by(run, params["health_check"])
        if params["attributes"]:
            await run.cloud.call(
                "elb.modify_load_balancer_attributes",
                LoadBalancerName=name,
                LoadBalancerAttributes=params["attributes"],
            )
        await _copy_policies(run)
        for port, names in params["listeners"].items():
            await run.cloud.call(
                "elb.set_load_balancer_policies_of_listener",
                LoadBalancerName=name,
                LoadBalancerPort=int(port),
                PolicyNames=names,
            )
        for port, names in params["back_ends"].items():
            await run.cloud.call(
                "elb.set_load_balancer_policies_for_backend_server",
                LoadBalancerName=name,
                InstancePort=int(port),
                PolicyNames=names,
            )
        return {}

    async def undo(self, run: Run, result: Result | None) -> None:
        """The twin goes as a whole."""


class CheckAsBefore(Step):
    """The source's own health check again, once the members have passed the quick one."""

    action = "load_balancer.check_as_before"
    subject = "load_balancer"
    phase = "load_balancers"
    calls: ClassVar[Calls] = {
        "elb.configure_health_check": on("loadbalancer/{name}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        check = resource.facts["health_check"]
        if not ctx.moves(resource.ref) or ctx.incremental or quick_check(check) == check:
            return None
        return Draft(
            {"name": twin_promise(resource.ref), "health_check": check},
            f"Have the twin of '{resource.name}' check its members as its source did.",
            needs=frozenset({step_id("load_balancer.configure", resource.ref), ready(resource.ref)}),
        )

    async def do(self, run: Run) -> Result:
        await _check_by(run, run.params["health_check"])
        return {}

    async def undo(self, run: Run, result: Result | None) -> None:
        """The twin goes as a whole."""


async def _check_by(run: Run, check: Mapping[str, Json]) -> None:
    await run.cloud.call("elb.configure_health_check", LoadBalancerName=run.params["name"], HealthCheck=dict(check))


def _essential(attributes: list[Any]) -> list[Any]:
    """A policy made from one of AWS's own is named by that alone; its ciphers follow."""
    reference = [pair for pair in attributes if pair[0] == "Reference-Security-Policy"]
    return reference or attributes


async def _copy_policies(run: Run) -> None:
    name = run.params["name"]
    if not run.params["policies"]:
        return
    answer = await run.cloud.call("elb.describe_load_balancer_policies", LoadBalancerName=name)
    present = {policy["PolicyName"] for policy in answer["PolicyDescriptions"]}
    for policy in run.params["policies"]:
        if policy["name"] in present:
            continue
        await run.cloud.call(
            "elb.create_load_balancer_policy",
            LoadBalancerName=name,
            PolicyName=policy["name"],
            PolicyTypeName=policy["type"],
            PolicyAttributes=[
                {"AttributeName": attribute, "AttributeValue": value} for attribute, value in policy["attributes"]
            ],
        )
