"""The twin of a load balancer: its group and itself."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import ClassVar

from app.cloud import AlreadyExists, NotFound
from app.execution.calls import Calls, makes, on, ours, reading
from app.execution.step import Result, Run, Step, StepBroken
from app.planning.context import Context
from app.planning.effects import Effect, Joins, Serves, group_names, openings
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, promise, step_id
from app.resources.looking_twice import look_twice
from app.resources.vpc_group import allow, free_name, make_group, remove_group, short_hash, tcp

LONGEST_NAME = 32  # of a load balancer (BC:CreateLoadBalancer)


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


class CreateGroup(Step):
    """A VPC group for the twin, open on the listeners' ports: in EC2-Classic whoever calls is taken in."""

    action = "load_balancer.create_group"
    subject = "load_balancer"
    phase = "prepare"
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_security_groups", "ec2.describe_security_group_rules"),
        "ec2.create_security_group": makes("security-group/*") + on("vpc/{vpc_id}"),
        "ec2.delete_security_group": ours("security-group/*"),
        "ec2.authorize_security_group_ingress": ours("security-group/*") + makes("security-group-rule/*"),
    }

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

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        return openings(step_id(self.action, subject), params["permissions"])

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
    calls: ClassVar[Calls] = {
        **reading("elb.describe_load_balancers", "elb.describe_tags"),
        "elb.create_load_balancer": makes("loadbalancer/{name}"),
        "elb.delete_load_balancer": ours("loadbalancer/{name}"),
    }

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

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        yield Joins(str(subject), group_names(params["groups"]))
        yield Serves(str(subject))

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
