"""Making the twin of a security group, empty; and giving it its rules."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from app.cloud import AlreadyExists
from app.execution.calls import Calls, Reach, having, makes, on, ours, reading
from app.execution.step import Result, Run, Step, StepBroken
from app.planning.context import Context
from app.planning.effects import Effect, group_name, openings
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, ready
from app.resources.security_group_twin import target_rules, twin_description, twin_name


class Create(Step):
    """Makes the twin, empty; the VPC's `default` is taken up as the twin of `default`."""

    action = "security_group.create"
    subject = "security_group"
    phase = "prepare"
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_security_groups"),
        "ec2.create_security_group": makes("security-group/*") + on("vpc/{vpc_id}"),
        "ec2.delete_security_group": ours("security-group/*"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not ctx.moves(resource.ref) or resource.ref in ctx.shared:
            return None
        name = "default" if resource.name == "default" else twin_name(resource, ctx)
        params = {
            "vpc_id": ctx.vpc_id,
            "name": name,
            "description": twin_description(resource),
            "tags": dict(resource.tags),
        }
        return Draft(params, f"Make security group '{name}' in the VPC as the twin of {resource.ref.id}.")

    def untagged(self, params: Mapping[str, Json]) -> Reach:
        """The VPC's own default group is there already."""
        return having("security-group/*", "ec2:Vpc", "vpc/{vpc_id}") if params["name"] == "default" else ()

    async def check(self, run: Run) -> None:
        found = await self._find(run)
        if found and run.params["name"] != "default" and not run.owns(found.get("Tags")):
            raise StepBroken(f"A group called '{run.params['name']}' is in the VPC already: discover and plan anew.")

    async def do(self, run: Run) -> Result:
        name = run.params["name"]
        if name == "default":
            found = await self._find(run)
            if not found:
                raise StepBroken(f"VPC {run.params['vpc_id']} has no default security group.")
            return {"counterpart": found["GroupId"], "adopted": True}
        try:
            made = await run.cloud.call(
                "ec2.create_security_group",
                VpcId=run.params["vpc_id"],
                GroupName=name,
                Description=run.params["description"],
                TagSpecifications=run.tag_specifications("security-group", extra=run.params["tags"]),
            )
        except AlreadyExists:
            await run.consistency()
            found = await self._find(run)
            if not found or not run.owns(found.get("Tags")):
                raise
            return {"counterpart": found["GroupId"]}
        return {"counterpart": made["GroupId"]}

    async def undo(self, run: Run, result: Result | None) -> None:
        if run.params["name"] == "default":
            return
        found = await self._find(run)
        if not found:  # it may have been made just now and not be visible yet
            await run.consistency()
            found = await self._find(run)
        if found and run.owns(found.get("Tags")):
            await run.cloud.call("ec2.delete_security_group", GroupId=found["GroupId"])

    async def _find(self, run: Run) -> dict[str, Any] | None:
        filters = [
            {"Name": "vpc-id", "Values": [run.params["vpc_id"]]},
            {"Name": "group-name", "Values": [run.params["name"]]},
        ]
        answer = await run.cloud.call("ec2.describe_security_groups", Filters=filters)
        return next(iter(answer["SecurityGroups"]), None)


class Authorize(Step):
    """Copies the rules, with the twins in place of the groups they name."""

    action = "security_group.authorize"
    subject = "security_group"
    phase = "prepare"
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_security_group_rules"),
        "ec2.authorize_security_group_ingress": on("security-group/{group_id}") + makes("security-group-rule/*"),
        "ec2.revoke_security_group_ingress": on("security-group/{group_id}") + ours("security-group-rule/*"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not ctx.moves(resource.ref):
            return None
        rules = target_rules(resource, ctx)
        params = {"group_id": ctx.counterpart(resource.ref), "permissions": rules}
        return Draft(
            params,
            f"Give the twin of '{resource.name}' its {len(rules)} inbound rules.",
            reaches=frozenset({ready(resource.ref)}),
        )

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        return openings(group_name(params["group_id"]), params["permissions"])

    async def do(self, run: Run) -> Result:
        """Adds what is missing. The rules we add carry our tag; only those are ever taken back."""
        present = {_row(rule) for rule in await _rules_of(run)}
        missing = [p for p in run.params["permissions"] if _row_of_permission(p) not in present]
        if missing:
            try:
                await run.cloud.call(
                    "ec2.authorize_security_group_ingress",
                    GroupId=run.params["group_id"],
                    IpPermissions=missing,
                    TagSpecifications=run.tag_specifications("security-group-rule"),
                )
            except AlreadyExists:  # our own earlier call, not yet visible to the describe above
                if not run.recovering:
                    raise
        return {"rules": len(run.params["permissions"])}

    async def undo(self, run: Run, result: Result | None) -> None:
        if not run.params.get("group_id"):
            return
        ours = [rule["SecurityGroupRuleId"] for rule in await _rules_of(run) if run.owns(rule.get("Tags"))]
        if ours:
            await run.cloud.call(
                "ec2.revoke_security_group_ingress", GroupId=run.params["group_id"], SecurityGroupRuleIds=ours
            )


async def _rules_of(run: Run) -> list[dict[str, Any]]:
    filters = [{"Name": "group-id", "Values": [run.params["group_id"]]}]
    pages = run.cloud.pages("ec2.describe_security_group_rules", Filters=filters)
    return [rule async for page in pages for rule in page["SecurityGroupRules"] if not rule["IsEgress"]]


def _row(rule: Mapping[str, Any]) -> tuple[Any, ...]:
    source = rule.get("CidrIpv4") or rule.get("CidrIpv6") or rule.get("ReferencedGroupInfo", {}).get("GroupId")
    ports = (None, None) if rule["IpProtocol"] == "-1" else (rule.get("FromPort"), rule.get("ToPort"))
    return (rule["IpProtocol"], *ports, source)


def _row_of_permission(permission: Mapping[str, Any]) -> tuple[Any, ...]:
    source = [
        value
        for key, name in (("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"), ("UserIdGroupPairs", "GroupId"))
        for value in (entry[name] for entry in permission.get(key, ()))
    ]
    return (permission["IpProtocol"], permission.get("FromPort"), permission.get("ToPort"), source[0])
