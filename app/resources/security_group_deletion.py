"""Finalize: Classic groups that nobody uses any more lose their rules, which name each other in loops, and go."""

from collections.abc import Iterable
from contextlib import suppress
from typing import ClassVar

from app.cloud import AlreadyExists, NotFound
from app.execution.calls import Calls, on
from app.execution.step import EVERYTHING, Alters, Result, Run, Step
from app.planning.context import Context
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, Milestone, StepId, step_id
from app.resources.security_group_users import LOOKS, known_users, refuse_users, require_twin

SUBJECT = "security_group"
DEFAULT = "default"  # cannot be deleted (aws-facts A0)


class Clear(Step):
    """Takes the group's rules away, so that groups that name each other come apart."""

    action = "security_group.clear"
    subject = SUBJECT
    phase = "finalize"
    alters: ClassVar[Alters] = {"security_group": frozenset({"rules"})}
    calls: ClassVar[Calls] = {
        **LOOKS,
        "ec2.revoke_security_group_ingress": on("security-group/{group_id}"),
        "ec2.authorize_security_group_ingress": on("security-group/{group_id}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not _cleared(resource, ctx):
            return None
        return Draft(
            _params(resource, ctx),
            f"Take the rules of the Classic group '{resource.name}' away.",
            calls=8,
            needs=_users_gone(resource, ctx),
            reversible=False,
        )

    async def check(self, run: Run) -> None:
        """Whoever is still in it would be cut off from all that call."""
        await require_twin(run)
        await refuse_users(run, run.params.get("users", ()), naming=_tells_users(run))

    async def do(self, run: Run) -> Result:
        try:
            answer = await run.cloud.call("ec2.describe_security_groups", GroupIds=[run.params["group_id"]])
        except NotFound:
            return {}
        await require_twin(run)
        # By now the plan's own users have gone, unless somebody kept one; groups that name each other have not.
        named_by = [ref for ref in run.params.get("users", ()) if ref.startswith(f"{SUBJECT}:")]
        await refuse_users(run, named_by, naming=_tells_users(run))
        permissions = answer["SecurityGroups"][0]["IpPermissions"]
        if permissions:
            await run.cloud.call(
                "ec2.revoke_security_group_ingress", GroupId=run.params["group_id"], IpPermissions=permissions
            )
        return {"permissions": permissions}

    async def undo(self, run: Run, result: Result | None) -> None:
        if result and result.get("permissions"):
            with suppress(AlreadyExists):
                await run.cloud.call(
                    "ec2.authorize_security_group_ingress",
                    GroupId=run.params["group_id"],
                    IpPermissions=result["permissions"],
                )


class Delete(Step):
    """Deletes the group; `default` stays. A group in use is refused: InvalidGroup.InUse."""

    action = "security_group.delete"
    subject = SUBJECT
    phase = "finalize"
    alters: ClassVar[Alters] = {"security_group": EVERYTHING}
    calls: ClassVar[Calls] = {
        **LOOKS,
        "ec2.delete_security_group": on("security-group/{group_id}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if resource.name == DEFAULT or not unused(resource, ctx):
            return None
        # Every group that names this one has to let go of it first.
        named_by = [
            each for each in ctx.inventory.referring_to(resource.ref) if each.kind == SUBJECT and ctx.moves(each.ref)
        ]
        clear: set[StepId | Milestone] = {step_id(Clear.action, each.ref) for each in (resource, *named_by)}
        return Draft(
            _params(resource, ctx),
            f"Delete the Classic group '{resource.name}'.",
            calls=7,
            needs=_users_gone(resource, ctx) | clear,
            reversible=False,
        )

    async def check(self, run: Run) -> None:
        await require_twin(run)
        await refuse_users(run, run.params.get("users", ()))

    async def do(self, run: Run) -> Result:
        await require_twin(run)
        await refuse_users(run)
        with suppress(NotFound):
            await run.cloud.call("ec2.delete_security_group", GroupId=run.params["group_id"])
        return {}

    async def undo(self, run: Run, result: Result | None) -> None:
        """A deleted group cannot be had back; the plan says so beforehand."""


def _params(group: Resource, ctx: Context) -> dict[str, Json]:
    """`users`: those that go with this plan, before the group does."""
    return {
        "group_id": group.ref.id,
        "name": group.name,
        "counterpart": ctx.counterpart(group.ref),
        "users": known_users(group, ctx),
    }


def _tells_users(run: Run) -> bool:
    """Plans of before do not tell which groups that name each other go together; AWS refuses to delete what is named
    by one that stays."""
    return "users" in run.params


def unused(group: Resource, ctx: Context) -> bool:
    """Whether nothing that stays in EC2-Classic uses the group or names it in a rule, so that it may go."""
    return ctx.moves(group.ref) and group.ref not in ctx.once(_held)


def _cleared(group: Resource, ctx: Context) -> bool:
    """`default` stays, and loses its rules only where it would hold other groups by them."""
    return unused(group, ctx) and (group.name != DEFAULT or bool(_named(group)))


def _held(ctx: Context) -> frozenset[Ref]:
    """The groups in use by what stays, and those that such groups name."""
    groups = ctx.inventory.of(SUBJECT)
    held = {group.ref for group in groups if group.platform == "classic" and _used_by_what_stays(group, ctx)}
    stack = sorted(held)
    while stack:
        group = ctx.inventory.get(stack.pop())
        for ref in _named(group) if group else ():
            if ref not in held:
                held.add(ref)
                stack.append(ref)
    return frozenset(held)


def _used_by_what_stays(group: Resource, ctx: Context) -> bool:
    if not ctx.moves(group.ref):
        return True
    return any(user.kind != SUBJECT and _stays(user, ctx) for user in ctx.inventory.referring_to(group.ref))


def _stays(user: Resource, ctx: Context) -> bool:
    """A DB security group comes along with any of its databases, and stays as long as another one does. What has
    a holder goes when that goes."""
    if not ctx.moves(ctx.inventory.party(user.ref)):
        return user.platform != "vpc"
    if user.kind != "db_security_group":
        return False
    databases = (each for each in ctx.inventory.referring_to(user.ref) if each.kind == "rds_instance")
    return not all(ctx.moves(each.ref) for each in databases)


def _named(group: Resource) -> Iterable[Ref]:
    return sorted(ref for ref in group.refers_to if ref.kind == SUBJECT)


def _users_gone(group: Resource, ctx: Context) -> frozenset[StepId | Milestone]:
    users = (user.ref for user in ctx.inventory.referring_to(group.ref) if user.kind != SUBJECT)
    return frozenset(Milestone("gone", ref) for ref in users)
