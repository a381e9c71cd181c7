"""Elastic IPs: taken off the source, moved to VPC and given to the twin, at the moment of cutover (aws-facts A3)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from app.cloud import Conflict, Rejected
from app.execution.calls import ANY, Calls, reading
from app.execution.step import Alters, Result, Run, Seen, Step, StepBroken, Verdict, Watch, pending, settled
from app.planning.context import Context
from app.planning.effects import Effect, Leads, Stops, source_of
from app.planning.inventory import Inventory, Json, Platform, Ref, Resource
from app.planning.plan import Draft, Finding, Milestone, StepId, in_service, ready, step_id
from app.resources.elastic_ip_findings import findings, holder_of
from app.resources.instance_looking import describe, state_of
from app.resources.instance_method import stops_first
from app.resources.instance_stop import free_in_classic
from app.resources.kind import Kind, Survey, tags_of

# "A few minutes"; for more than five AWS Support is to be asked (aws-facts A3, PLAT).
MOVE_SECONDS = 60.0
MOVE_WITHIN = 1800.0


class ElasticIps(Kind):
    name = "elastic_ip"
    comes_along = True
    maker = "elastic_ip.move"
    reads = frozenset({"ec2.describe_addresses"})

    async def discover(self, survey: Survey) -> list[Resource]:
        """Facts: domain ("standard" is EC2-Classic), instance, allocation_id, tags."""
        found = []
        for item in await survey.named("ec2.describe_addresses", "Addresses[]", "public-ip"):
            platform: Platform = "classic" if item["Domain"] == "standard" else "vpc"
            facts = {
                "domain": item["Domain"],
                "instance": item.get("InstanceId") or "",
                "allocation_id": item.get("AllocationId") or "",
                "tags": tags_of(item),
            }
            refers = {Ref("instance", facts["instance"])} if facts["instance"] else set()
            ref = Ref(self.name, item["PublicIp"])
            found.append(Resource(ref, item["PublicIp"], platform, facts, frozenset(refers)))
        return found

    def present(self, resource: Resource, inventory: Inventory) -> Iterator[Effect]:
        for holder in sorted(resource.refers_to):
            yield Leads(str(resource.ref), str(inventory.party(holder)))

    def findings(self, ctx: Context) -> Iterator[Finding]:
        return findings(ctx)


def _movable(address: Resource, ctx: Context) -> bool:
    return ctx.moves(address.ref) and (not address.facts["instance"] or holder_of(address, ctx) is not None)


async def _look(run: Run) -> dict[str, Any]:
    answer = await run.cloud.call("ec2.describe_addresses", PublicIps=[run.params["public_ip"]])
    found: dict[str, Any] = answer["Addresses"][0]
    return found


async def _on_its_way(run: Run) -> bool:
    answer = await run.cloud.call("ec2.describe_moving_addresses", PublicIps=[run.params["public_ip"]])
    return bool(answer["MovingAddressStatuses"])


def _watch(public_ip: str) -> Watch:
    """The address itself: that it is no longer among the moving ones proves nothing (aws-facts A3)."""
    return Watch(
        "ec2.describe_addresses",
        (public_ip,),
        by="filter:public-ip",
        items="Addresses[]",
        key="PublicIp",
        within=MOVE_WITHIN,
    )


def _judge(public_ip: str, domain: str, seen: Seen) -> Verdict:
    item: Mapping[str, Any] | None = seen.get(public_ip)
    if item is None or item["Domain"] != domain:
        return pending(f"{public_ip} is still on its way; ask AWS Support where that takes more than five minutes")
    return settled(counterpart=item["AllocationId"]) if item.get("AllocationId") else settled()


async def _arrive(run: Run, domain: str) -> None:
    public_ip = run.params["public_ip"]
    await run.wait(_watch(public_ip), lambda seen: _judge(public_ip, domain, seen))


class Disassociate(Step):
    """Takes the address off the source: from here on nobody answers there."""

    action = "elastic_ip.disassociate"
    subject = "elastic_ip"
    phase = "instances"
    alters: ClassVar[Alters] = {"elastic_ip": frozenset({"instance"})}
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_addresses", "ec2.describe_instances"),
        "ec2.disassociate_address": ANY,
        "ec2.associate_address": ANY,
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        holder = holder_of(resource, ctx)
        if not ctx.moves(resource.ref) or holder is None:
            return None
        first: StepId | Milestone = ready(holder.ref)
        if stops_first(holder, ctx):
            first = step_id("instance.stop", holder.ref)
        return Draft(
            {"public_ip": resource.ref.id, "instance_id": holder.ref.id},
            f"Take {resource.name} off {holder.name}.",
            needs=frozenset({first}),
            interrupts=frozenset({resource.ref}),
        )

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        yield Stops(f"{subject.kind}:{params['public_ip']}")

    async def do(self, run: Run) -> Result:
        address = await _look(run) if run.recovering else {}
        if address.get("Domain") != "vpc":
            await run.cloud.call("ec2.disassociate_address", PublicIp=run.params["public_ip"])
        return {"instance_id": run.params["instance_id"]}

    async def undo(self, run: Run, result: Result | None) -> None:
        """Back to the source if that runs; one that is stopped gets it back when its stop is undone."""
        address = await _look(run)
        source = await describe(run, run.params["instance_id"])
        if free_in_classic(address) and source is not None and state_of(source) == "running":
            await run.cloud.call(
                "ec2.associate_address", PublicIp=run.params["public_ip"], InstanceId=run.params["instance_id"]
            )


class Move(Step):
    """MoveAddressToVpc, which tells by the address's own state whether it was called before."""

    action = "elastic_ip.move"
    subject = "elastic_ip"
    phase = "instances"
    alters: ClassVar[Alters] = {"elastic_ip": frozenset({"domain", "allocation_id"})}
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_addresses", "ec2.describe_moving_addresses"),
        "ec2.move_address_to_vpc": ANY,
        "ec2.restore_address_to_classic": ANY,
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not _movable(resource, ctx):
            return None
        attached = holder_of(resource, ctx) is not None
        needs = {step_id("elastic_ip.disassociate", resource.ref)} if attached else set()
        return Draft(
            {"public_ip": resource.ref.id},
            f"Move {resource.name} to VPC; it reaches nobody meanwhile.",
            seconds=MOVE_SECONDS,
            needs=frozenset(needs),
            reaches=frozenset() if attached else frozenset({in_service(resource.ref)}),
            not_undone=f"Tags that {resource.name} is given in the VPC are gone when an undo brings it back.",
        )

    async def check(self, run: Run) -> None:
        if (await _look(run))["Domain"] != "standard":
            raise StepBroken(f"{run.params['public_ip']} is in a VPC already: discover and plan anew.")

    async def do(self, run: Run) -> Result:
        """Also harmless where it is on its way, or there: AWS answers with its state."""
        try:
            await run.cloud.call("ec2.move_address_to_vpc", PublicIp=run.params["public_ip"])
        except Rejected as error:
            raise StepBroken(
                f"AWS does not move {run.params['public_ip']}: {error.message} An address moves only when it was "
                "allocated more than 24 hours ago and is associated with nothing; retry this step when it is."
            ) from error
        return {"public_ip": run.params["public_ip"]}

    def watch(self, result: Result) -> Watch | None:
        return _watch(result["public_ip"])

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        return _judge(result["public_ip"], "vpc", seen)

    async def undo(self, run: Run, result: Result | None) -> None:
        """What moves is let arrive first. Tags it was given in the VPC are lost (aws-facts A3, EIP18)."""
        if result is None:
            await run.consistency()
        address = await _look(run)
        if address["Domain"] == "standard" and not await _on_its_way(run):
            return
        if address["Domain"] == "standard":
            await _arrive(run, "vpc")
        await run.cloud.call("ec2.restore_address_to_classic", PublicIp=run.params["public_ip"])
        await _arrive(run, "standard")


class Associate(Step):
    """Gives the address to the twin; with it, who calls from outside reaches the twin."""

    action = "elastic_ip.associate"
    subject = "elastic_ip"
    phase = "instances"
    alters: ClassVar[Alters] = {"elastic_ip": frozenset({"instance"})}
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_addresses"),
        "ec2.associate_address": ANY,
        "ec2.disassociate_address": ANY,
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        holder = holder_of(resource, ctx)
        if not ctx.moves(resource.ref) or holder is None:
            return None
        params = {
            "public_ip": resource.ref.id,
            "allocation_id": ctx.counterpart(resource.ref),
            "instance_id": ctx.counterpart(holder.ref),
        }
        return Draft(
            params,
            f"Give {resource.name} to the counterpart of {holder.name}.",
            needs=frozenset({ready(holder.ref)}),
            reaches=frozenset({in_service(resource.ref)}),
        )

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        yield Leads(f"{subject.kind}:{params['public_ip']}", source_of(params["instance_id"]))

    async def do(self, run: Run) -> Result:
        try:
            answer = await run.cloud.call(
                "ec2.associate_address",
                AllocationId=run.params["allocation_id"],
                InstanceId=run.params["instance_id"],
                AllowReassociation=False,
            )
        except Conflict as error:
            if error.code != "Resource.AlreadyAssociated":
                raise
            return await self._adopt(run)
        return {"association_id": answer["AssociationId"]}

    async def _adopt(self, run: Run) -> Result:
        address = await _look(run)
        if address.get("InstanceId") != run.params["instance_id"]:
            raise StepBroken(
                f"{run.params['public_ip']} or {run.params['instance_id']} is associated otherwise: disassociate it, "
                "then retry this step."
            )
        return {"association_id": address["AssociationId"]}

    async def undo(self, run: Run, result: Result | None) -> None:
        address = await _look(run)
        if address.get("AssociationId") and address.get("InstanceId") == run.params.get("instance_id"):
            await run.cloud.call("ec2.disassociate_address", AssociationId=address["AssociationId"])


ElasticIps.steps = (Disassociate(), Move(), Associate())
KIND = ElasticIps()
