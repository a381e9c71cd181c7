"""Record sets follow what moves: a short TTL beforehand, and one UPSERT at cutover."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from app.execution.calls import Calls, on, reading
from app.execution.step import Alters, Result, Run, StepBroken
from app.planning.context import Context
from app.planning.effects import Effect, Leads, source_of
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, Milestone, in_service, promise, ready, step_id, stopped
from app.resources.dns_changes import Record, RecordStep, change_record, run_out
from app.resources.dns_names import points_at
from app.resources.instance_method import running, stoppable
from app.resources.load_balancer_members import behind, drained, require_health

SHORT_TTL = 60  # aws-facts A6 (ELB22): what AWS's own guide lowers the TTL to
CHANGE_SECONDS = 40.0  # until a change is on all of Route 53's servers
ALIAS_SECONDS = 60.0  # for how long a load balancer's own name, which an alias answers with, may be cached
FOLLOWED = ("load_balancer", "instance")  # what gets another name or address when it moves


def follows(record: Resource, ctx: Context) -> dict[str, Ref]:
    """By value as written: what the record leads to and what gets another name or address by moving."""
    if ctx.override(record.ref, "follow", True) is False:
        return {}
    pointed = points_at(record, ctx.inventory)
    return {value: ref for value, ref in pointed.items() if ref.kind in FOLLOWED and ctx.moves(ref)}


def _lowered(record: Record) -> Record:
    return {**record, "TTL": SHORT_TTL} if record.get("TTL", 0) > SHORT_TTL else record


class LowerTtl(RecordStep):
    action = "dns_record.lower_ttl"
    phase = "prepare"
    alters: ClassVar[Alters] = {"dns_record": frozenset({"record"})}
    calls: ClassVar[Calls] = {
        **reading("route53.list_resource_record_sets", "route53.get_change"),
        "route53.change_resource_record_sets": on("hostedzone/{zone}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        record = resource.facts["record"]
        if not follows(resource, ctx) or record.get("TTL", 0) <= SHORT_TTL:
            return None
        return Draft(
            {"zone": resource.facts["zone"], "record": record, "ttl": SHORT_TTL},
            f"Lower the TTL of {resource.name} from {record['TTL']} to {SHORT_TTL} s and wait until the old answers "
            "have run out.",
            seconds=CHANGE_SECONDS,
            calls=3,
            hold_seconds=float(record["TTL"]),
            undo_seconds=CHANGE_SECONDS,
        )

    async def do(self, run: Run) -> Result:
        old = run.params["record"]
        return {"change": await change_record(run, _lowered(old), old)}

    async def undo(self, run: Run, result: Result | None) -> None:
        await self.put_back(run, _lowered(run.params["record"]))


class _Cutover(RecordStep):
    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        promised = (target.get("twin") or target.get("counterpart") for target in params["targets"])
        return (Leads(str(subject), source_of(each)) for each in promised)

    alters: ClassVar[Alters] = {"dns_record": frozenset({"record"})}

    async def new_record(self, run: Run) -> Record:
        """The record as it will be, with names and addresses that are known only now."""
        raise NotImplementedError

    async def do(self, run: Run) -> Result:
        new = await self.new_record(run)
        return {"change": await change_record(run, new, run.params["record"]), "record": new}

    async def undo(self, run: Run, result: Result | None) -> None:
        """The twin may be emptied only when nobody is led to it any more. Without twins nothing was changed."""
        if not all(target.get("twin") or target.get("counterpart") for target in run.params["targets"]):
            return
        change = await self.put_back(run, result["record"] if result else await self.new_record(run))
        if change:
            await run_out(run, change, _hold(run.params["record"]))


def _params(resource: Resource, targets: list[dict[str, Json]]) -> dict[str, Json]:
    """`record` is as it is when the cutover begins: with its TTL lowered."""
    record = _lowered(resource.facts["record"])
    return {"zone": resource.facts["zone"], "record": record, "targets": targets}


def _hold(record: Record) -> float:
    return float(min(record.get("TTL", ALIAS_SECONDS), SHORT_TTL))


def _needs_lower(resource: Resource) -> set[str | Milestone]:
    if resource.facts["record"].get("TTL", 0) > SHORT_TTL:
        return {step_id("dns_record.lower_ttl", resource.ref)}
    return set()


class Cutover(_Cutover):
    """A name of a load balancer comes to lead to its twin, in one UPSERT, when the twin is healthy."""

    action = "dns_record.cutover"
    phase = "load_balancers"
    calls: ClassVar[Calls] = {
        **reading("route53.list_resource_record_sets", "route53.get_change", "elb.describe_instance_health"),
        "route53.change_resource_record_sets": on("hostedzone/{zone}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        followed = {v: ref for v, ref in follows(resource, ctx).items() if ref.kind == "load_balancer"}
        if not followed:
            return None
        targets = []
        for value, ref in sorted(followed.items()):
            made = step_id("load_balancer.create", ref)
            targets.append(
                {
                    "value": value,
                    "source": ref.id,
                    "twin": promise(made),
                    "dns_name": promise(made, "dns_name"),
                    "hosted_zone": promise(made, "hosted_zone"),
                }
            )
        balancers = frozenset(followed.values())
        stopping = _stopping(balancers, ctx)
        return Draft(
            _params(resource, targets) | {"require_health": stopping is None},
            f"Point {resource.name} at the twin of {', '.join(sorted(ref.id for ref in balancers))}.",
            seconds=CHANGE_SECONDS,
            calls=3 if stopping else 5,
            needs=frozenset({*(stopping or map(ready, balancers)), *_needs_lower(resource)}),
            reaches=frozenset(in_service(ref) for ref in balancers),
            begins=balancers,
            lingering_seconds=_hold(resource.facts["record"]),
        )

    async def do(self, run: Run) -> Result:
        if run.params["require_health"]:
            for target in run.params["targets"]:
                await require_health(run, target["source"], target["twin"])
        return await super().do(run)

    async def new_record(self, run: Run) -> Record:
        new = dict(run.params["record"])
        for target in run.params["targets"]:
            prefix = "dualstack." if target["value"].lower().startswith("dualstack.") else ""
            name = prefix + target["dns_name"]
            if "AliasTarget" in new:
                new["AliasTarget"] = {
                    **new["AliasTarget"],
                    "HostedZoneId": target["hosted_zone"],
                    "DNSName": name + ".",
                }
            else:
                new["ResourceRecords"] = _replaced(new, target["value"], name)
        return new


def _stopping(balancers: Iterable[Ref], ctx: Context) -> set[Milestone] | None:
    """All at once, names need not wait for the twins' members: when all of the sources' have stopped, nobody is
    served by either, and callers' caches run out while the counterparts are made. None where it is otherwise."""
    if ctx.incremental:
        return None
    found = (ctx.inventory.get(ref) for ref in balancers)
    members = [member for balancer in found if balancer for member in behind(balancer, ctx.inventory)]
    if not all(ctx.moves(each.ref) and _stops(each) for each in members):
        return None
    return {stopped(each.ref) for each in members} or None


def _stops(member: Resource) -> bool:
    return bool(member.holds) or stoppable(member) or not running(member)


def _replaced(record: Record, old: str, new: str) -> list[dict[str, str]]:
    return [{"Value": new if each["Value"] == old else each["Value"]} for each in record["ResourceRecords"]]


class FollowInstance(_Cutover):
    """A name of a Classic instance's own public address comes to lead to its counterpart's, once that serves."""

    action = "dns_record.follow_instance"
    phase = "instances"
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_instances", "route53.list_resource_record_sets", "route53.get_change"),
        "route53.change_resource_record_sets": on("hostedzone/{zone}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        followed = {v: ref for v, ref in follows(resource, ctx).items() if ref.kind == "instance"}
        if not followed:
            return None
        targets = [
            # Private addresses of EC2-Classic are all in 10.0.0.0/8 (aws-facts A1).
            {"value": value, "counterpart": ctx.counterpart(ref), "private": value.startswith("10.")}
            for value, ref in sorted(followed.items())
        ]
        instances = frozenset(followed.values())
        return Draft(
            _params(resource, targets),
            f"Point {resource.name} at the counterpart of {', '.join(sorted(ref.id for ref in instances))}.",
            seconds=CHANGE_SECONDS,
            calls=4 + len(targets),
            needs=frozenset({*(in_service(ref) for ref in instances), *_needs_lower(resource)}),
            # Sources stay up until nobody is led to them any more; all at once, they have stopped already.
            reaches=frozenset(drained(ref) for ref in instances) if ctx.incremental else frozenset(),
            lingering_seconds=_hold(resource.facts["record"]),
        )

    async def new_record(self, run: Run) -> Record:
        new = dict(run.params["record"])
        for target in run.params["targets"]:
            answer = await run.cloud.call("ec2.describe_instances", InstanceIds=[target["counterpart"]])
            seen = answer["Reservations"][0]["Instances"][0]
            new["ResourceRecords"] = _replaced(new, target["value"], _address(seen, new["Type"], target))
        return new


def _address(instance: Mapping[str, Any], type_: str, target: Mapping[str, Json]) -> str:
    field = "PublicDnsName" if type_ == "CNAME" else "PrivateIpAddress" if target["private"] else "PublicIpAddress"
    address = instance.get(field)
    if not address:
        raise StepBroken(
            f"{target['counterpart']} has no {field}, which the record needs: give it a public address (and the VPC "
            "DNS hostnames), then retry this step; or skip it and change the record yourself."
        )
    return str(address)
