"""The twin of a load balancer: its group, itself, its settings; and the end of the source."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from app.cloud import AlreadyExists, NotFound
from app.execution.step import Result, Run, Step, StepBroken
from app.planning.context import Context
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, Milestone, promise, ready, step_id
from app.resources.load_balancer_members import linked_members, moving_members, require_health
from app.resources.looking_twice import look_twice
from app.resources.vpc_group import allow, free_name, make_group, remove_group, short_hash, tcp

LONGEST_NAME = 32  # of a load balancer (BC:CreateLoadBalancer)
# A back end's authentication policy names public key policies, so those come first.
POLICY_ORDER = {"PublicKeyPolicyType": 0}


def twin_name(resource: Resource, ctx: Context) -> str:
    """The twin's name: at most 32 characters, unique in the account and region."""
    wanted = ctx.override(resource.ref, "name")
    if wanted:
        return str(wanted)
    balancers = list(ctx.inventory.of("load_balancer"))
    taken = {each.name.lower() for each in balancers}
    taken |= {_plain(each.name).lower() for each in balancers if ctx.moves(each.ref) and each.ref < resource.ref}
    plain = _plain(resource.name)
    return plain if plain.lower() not in taken else f"{resource.name[:23].rstrip('-')}-{short_hash(resource.name)}"


def _plain(name: str) -> str:
    return f"{name[: LONGEST_NAME - 4].rstrip('-')}-vpc"


def twin_promise(ref: Ref) -> dict[str, str]:
    return promise(step_id("load_balancer.create", ref))


class CreateGroup(Step):
    """A VPC group for the twin, open on the listeners' ports: in EC2-Classic whoever calls is taken in."""

    action = "load_balancer.create_group"
    subject = "load_balancer"
    phase = "prepare"

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not ctx.moves(resource.ref):
            return None
        ports = sorted({listener["port"] for listener in resource.facts["listeners"]})
        params = {
            "vpc_id": ctx.vpc_id,
            "name": free_name(f"elb-{resource.name}", resource.ref, ctx),
            "permissions": [tcp(port, IpRanges=[{"CidrIp": "0.0.0.0/0"}]) for port in ports],
            "tags": dict(resource.tags),
        }
        return Draft(
            params, f"Make a VPC group for the twin of '{resource.name}', open on its listeners' ports.", calls=2
        )

    async def do(self, run: Run) -> Result:
        group_id = await make_group(run, f"Load balancer {run.subject.id}")
        await allow(run, group_id, run.params["permissions"])
        return {"group_id": group_id}

    async def undo(self, run: Run, result: Result | None) -> None:
        await remove_group(run)


class Create(Step):
    action = "load_balancer.create"
    subject = "load_balancer"
    phase = "load_balancers"

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not ctx.moves(resource.ref):
            return None
        subnets = [ctx.subnet(zone) for zone in resource.facts["zones"]]
        params = {
            "name": twin_name(resource, ctx),
            "subnets": [subnet for subnet in subnets if subnet],
            "groups": [promise(step_id("load_balancer.create_group", resource.ref), "group_id")],
            "scheme": resource.facts["scheme"],
            "listeners": [_as_asked(listener) for listener in resource.facts["listeners"]],
            "tags": dict(resource.tags),
        }
        return Draft(
            params,
            f"Make '{params['name']}' in the VPC as the twin of load balancer '{resource.name}'.",
            seconds=2.0,
            calls=2,
        )

    async def check(self, run: Run) -> None:
        with suppress(NotFound):
            await run.cloud.call("elb.describe_load_balancers", LoadBalancerNames=[run.params["name"]])
            raise StepBroken(
                f"A load balancer called '{run.params['name']}' is there already: discover and plan anew, "
                "or set the override name."
            )

    async def do(self, run: Run) -> Result:
        """Result: counterpart (its name), dns_name and hosted_zone, which are new (aws-facts A6)."""
        name = run.params["name"]
        tags = run.tag_specifications("load-balancer", extra=run.params["tags"])[0]["Tags"]
        # Internet-facing is what a load balancer is unless it says otherwise; a Classic one is nothing else.
        scheme = {"Scheme": run.params["scheme"]} if run.params["scheme"] != "internet-facing" else {}
        try:
            await run.cloud.call(
                "elb.create_load_balancer",
                LoadBalancerName=name,
                Listeners=run.params["listeners"],
                Subnets=run.params["subnets"],
                SecurityGroups=run.params["groups"],
                Tags=tags,
                **scheme,
            )
        except AlreadyExists:
            if not run.owns(await _tags(run, name)):
                raise
        answer = await run.cloud.call("elb.describe_load_balancers", LoadBalancerNames=[name])
        made = answer["LoadBalancerDescriptions"][0]
        return {
            "counterpart": name,
            "dns_name": made["DNSName"],
            "hosted_zone": made["CanonicalHostedZoneNameID"],
        }

    async def undo(self, run: Run, result: Result | None) -> None:
        name = run.params["name"]
        if run.owns(await look_twice(run, lambda: _tags(run, name))):
            await run.cloud.call("elb.delete_load_balancer", LoadBalancerName=name)


def _as_asked(listener: Mapping[str, Json]) -> dict[str, Json]:
    asked = {
        "Protocol": listener["protocol"],
        "LoadBalancerPort": listener["port"],
        "InstanceProtocol": listener["instance_protocol"],
        "InstancePort": listener["instance_port"],
    }
    return asked | ({"SSLCertificateId": listener["certificate"]} if listener["certificate"] else {})


async def _tags(run: Run, name: str) -> list[dict[str, str]]:
    answer = await run.cloud.call("elb.describe_tags", LoadBalancerNames=[name])
    tags: list[dict[str, str]] = answer["TagDescriptions"][0]["Tags"]
    return tags


class Configure(Step):
    """Health check, attributes and policies. Every call sets what it names, so repeating is safe."""

    action = "load_balancer.configure"
    subject = "load_balancer"
    phase = "load_balancers"

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not ctx.moves(resource.ref):
            return None
        facts = resource.facts
        members = linked_members(resource, ctx) if ctx.incremental else moving_members(resource, ctx)
        policies = sorted(facts["policies"], key=lambda each: POLICY_ORDER.get(each["type"], 1))
        params = {
            "name": twin_promise(resource.ref),
            "health_check": facts["health_check"],
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
        await run.cloud.call("elb.configure_health_check", LoadBalancerName=name, HealthCheck=params["health_check"])
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


class Delete(Step):
    """Finalize: the Classic load balancer goes, and its DNS name for good (aws-facts, repeating a call)."""

    action = "load_balancer.delete"
    subject = "load_balancer"
    phase = "finalize"

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not ctx.moves(resource.ref):
            return None
        return Draft(
            {"name": resource.ref.id, "twin": twin_promise(resource.ref)},
            f"Delete the Classic load balancer '{resource.name}'; its DNS name never comes back.",
            calls=3,
            reaches=frozenset({Milestone("gone", resource.ref)}),
            reversible=False,
        )

    async def do(self, run: Run) -> Result:
        await require_health(run, run.params["name"], run.params["twin"])
        await run.cloud.call("elb.delete_load_balancer", LoadBalancerName=run.params["name"])
        return {}

    async def undo(self, run: Run, result: Result | None) -> None:
        """A deleted load balancer cannot be had back; the plan says so beforehand."""
