"""Security groups of the target VPC for what has none of its own in EC2-Classic: load balancers and DB groups."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import chain, count
from typing import Any

from app.cloud import AlreadyExists, NotFound
from app.execution.step import Run, Watch, pending, settled
from app.planning.context import Context
from app.planning.inventory import Json, Ref
from app.resources.looking_twice import look_twice
from app.resources.security_group_twin import NOT_IN_A_NAME, holders_of_names


def short_hash(text: str, length: int = 8) -> str:
    """The same few hexadecimal digits for the same text: what makes names ours and unique."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def free_name(wanted: str, subject: Ref, ctx: Context) -> str:
    """`wanted` as a VPC group may be called (aws-facts A2, SGC18); names there ignore case.

    Twins of EC2 groups keep their own names, so those count as taken too.
    """
    taken = ctx.once(holders_of_names)
    name = NOT_IN_A_NAME.sub("-", wanted)[:255]
    own = f"{name[:235]}-{short_hash(str(subject))}"
    names = chain((name, own), (f"{own}-{number}" for number in count(2)))
    return next(each for each in names if each.lower() not in taken)


def tcp(port: int, **source: Json) -> dict[str, Json]:
    """One TCP permission as EC2 takes it; `source` is IpRanges or UserIdGroupPairs."""
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **source}


async def make_group(run: Run, description: str) -> str:
    """The id of the group `name` in `vpc_id` (both in params), made or found to be ours already."""
    try:
        made = await run.cloud.call(
            "ec2.create_security_group",
            VpcId=run.params["vpc_id"],
            GroupName=run.params["name"],
            Description=description,
            TagSpecifications=run.tag_specifications("security-group", extra=run.params["tags"]),
        )
        return str(made["GroupId"])
    except AlreadyExists:
        await run.consistency()
        found = await _find(run)
        if found is None or not run.owns(found.get("Tags")):
            raise
        return str(found["GroupId"])


async def remove_group(run: Run) -> None:
    """Delete the group `make_group` made; quiet where there is none, or where it is another's."""
    if not run.params.get("vpc_id"):
        return  # the VPC was never made
    found = await look_twice(run, lambda: _find(run))
    if found and run.owns(found.get("Tags")):
        with suppress(NotFound):
            await run.cloud.call("ec2.delete_security_group", GroupId=found["GroupId"])


async def _find(run: Run) -> dict[str, Any] | None:
    filters = [
        {"Name": "vpc-id", "Values": [run.params["vpc_id"]]},
        {"Name": "group-name", "Values": [run.params["name"]]},
    ]
    answer = await run.cloud.call("ec2.describe_security_groups", Filters=filters)
    return next(iter(answer["SecurityGroups"]), None)


async def allow(run: Run, group_id: str, permissions: Sequence[Mapping[str, Json]]) -> None:
    """Open the group for `permissions`, which come in one call and so are there all or none."""
    if not permissions:
        return
    await run.wait(_watch(group_id), lambda seen: settled() if group_id in seen else pending("It is not visible yet."))
    if run.recovering:
        await run.consistency()
        if await _our_rules(run, group_id):
            return
    await run.cloud.call(
        "ec2.authorize_security_group_ingress",
        GroupId=group_id,
        IpPermissions=list(permissions),
        TagSpecifications=run.tag_specifications("security-group-rule"),
    )


def _watch(group_id: str) -> Watch:
    return Watch(
        "ec2.describe_security_groups",
        (group_id,),
        by="filter:group-id",
        items="SecurityGroups[]",
        key="GroupId",
        within=600.0,
    )


async def withdraw(run: Run, group_id: str) -> None:
    """Take back what `allow` opened."""
    ours = await _our_rules(run, group_id)
    if ours:
        await run.cloud.call("ec2.revoke_security_group_ingress", GroupId=group_id, SecurityGroupRuleIds=ours)


async def _our_rules(run: Run, group_id: str) -> list[str]:
    pages = run.cloud.pages("ec2.describe_security_group_rules", Filters=[{"Name": "group-id", "Values": [group_id]}])
    return [
        rule["SecurityGroupRuleId"]
        async for page in pages
        for rule in page["SecurityGroupRules"]
        if not rule["IsEgress"] and run.owns(rule.get("Tags"))
    ]
