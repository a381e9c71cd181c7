"""Who uses a Classic group at this moment: in it, launched into it, or naming it."""

from collections.abc import Collection

from app.execution.calls import Reach, reading
from app.execution.step import Run, StepBroken
from app.planning.context import Context
from app.planning.inventory import Json, Resource
from app.resources.instance_looking import ALIVE

LOOKS: dict[str, Reach] = reading(
    "autoscaling.describe_auto_scaling_groups",
    "autoscaling.describe_launch_configurations",
    "ec2.describe_instances",
    "ec2.describe_security_groups",
    "rds.describe_db_instances",
    "rds.describe_db_security_groups",
)
DEFAULT = "default"  # what EC2-Classic launches into where no group is named (aws-facts A2)


def known_users(group: Resource, ctx: Context) -> list[Json]:
    """Refs of those that use it and go with this plan, before the group does."""
    users = (user.ref for user in ctx.inventory.referring_to(group.ref) if user.ref != group.ref)
    return sorted(map(str, users))


async def refuse_users(run: Run, but: Collection[str] = (), *, naming: bool = True) -> None:
    """Params: group_id, name. Raises StepBroken where anybody uses the group, or names it in a rule where `naming`
    counts, apart from the refs in `but`."""
    group_id = run.params["group_id"]
    for looks in (_instances, _launched, _databases):
        for ref in await looks(run, group_id):
            if ref not in but:
                raise StepBroken(
                    f"{ref} still uses {group_id}, and would be left without its rules: move or delete it, then retry "
                    "this step; or skip it."
                )
    for ref in await _naming(run, group_id) if naming else ():
        if ref not in but:
            raise StepBroken(
                f"{ref} has a rule that names {group_id}: take the rule away, or let it name the counterpart of "
                f"{group_id}, then retry this step; or skip it."
            )


async def require_twin(run: Run) -> None:
    """Params: group_id and, but for plans of before, counterpart. Raises StepBroken where that is gone."""
    if "counterpart" not in run.params:
        return
    twin = run.params["counterpart"]
    filters = [{"Name": "group-id", "Values": [twin or "none"]}]
    answer = await run.cloud.call("ec2.describe_security_groups", Filters=filters)
    if not answer["SecurityGroups"]:
        raise StepBroken(
            f"{run.subject.id} has no counterpart any more, so it is left as it is: find out what became of it, and "
            "take this step out by skipping it."
        )


async def _instances(run: Run, group_id: str) -> list[str]:
    """Stopped ones and members of Auto Scaling groups too."""
    filters = [
        {"Name": "group-id", "Values": [group_id]},
        {"Name": "instance-state-name", "Values": ALIVE},
    ]
    pages = run.cloud.pages("ec2.describe_instances", Filters=filters)
    found = [item async for page in pages for each in page["Reservations"] for item in each["Instances"]]
    return sorted(f"instance:{item['InstanceId']}" for item in found)


async def _launched(run: Run, group_id: str) -> list[str]:
    """Auto Scaling groups, also empty ones, that would launch into it."""
    names = {group_id, run.params.get("name", group_id)}
    naming = {
        each["LaunchConfigurationName"]
        async for page in run.cloud.pages("autoscaling.describe_launch_configurations")
        for each in page["LaunchConfigurations"]
        if not names.isdisjoint(each.get("SecurityGroups") or [DEFAULT])
    }
    if not naming:
        return []
    pages = run.cloud.pages("autoscaling.describe_auto_scaling_groups")
    groups = [each async for page in pages for each in page["AutoScalingGroups"]]
    launching = [each for each in groups if each.get("LaunchConfigurationName") in naming]
    return sorted(f"auto_scaling_group:{each['AutoScalingGroupName']}" for each in launching)


async def _databases(run: Run, group_id: str) -> list[str]:
    """DB security groups that let its members in, to any database at all."""
    admitting = {
        each["DBSecurityGroupName"]
        async for page in run.cloud.pages("rds.describe_db_security_groups")
        for each in page["DBSecurityGroups"]
        if any(_lets_in(rule, group_id) for rule in each.get("EC2SecurityGroups", ()))
    }
    if not admitting:
        return []
    used = {
        group["DBSecurityGroupName"]
        async for page in run.cloud.pages("rds.describe_db_instances")
        for each in page["DBInstances"]
        for group in each.get("DBSecurityGroups", ())
    }
    return sorted(f"db_security_group:{name}" for name in admitting & used)


def _lets_in(rule: dict[str, str], group_id: str) -> bool:
    return rule.get("EC2SecurityGroupId") == group_id and rule.get("Status") != "revoking"


async def _naming(run: Run, group_id: str) -> list[str]:
    """Other groups that let its members in."""
    filters = [{"Name": "ip-permission.group-id", "Values": [group_id]}]
    pages = run.cloud.pages("ec2.describe_security_groups", Filters=filters)
    found = [each["GroupId"] async for page in pages for each in page["SecurityGroups"]]
    return sorted(f"security_group:{each}" for each in found if each != group_id)
