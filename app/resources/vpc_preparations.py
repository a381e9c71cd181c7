"""All at once, nothing stops before everything that can be made beforehand has been made."""

from app.execution.step import Result, Run, Step
from app.planning.context import Context
from app.planning.inventory import Resource
from app.planning.plan import PREPARATIONS_ENDED, PREPARED, Draft


class AwaitPreparations(Step):
    """The line between preparing and stopping. Without it one machine would be moved while another's
    snapshot is still being taken, and for that long the two could not talk."""

    action = "vpc.await_preparations"
    subject = "vpc"
    phase = "prepare"

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        target = resource.ref.id == ctx.target.vpc_id or bool(resource.facts.get("to_create"))
        if ctx.incremental or not target or not ctx.scope:
            return None
        return Draft(
            {},
            "See that all preparations are over: from here on things stop.",
            seconds=0.1,  # a commit of ours
            calls=0,
            needs=frozenset({PREPARATIONS_ENDED}),
            reaches=frozenset({PREPARED}),
        )

    async def do(self, run: Run) -> Result:
        """The graph has seen to it; there is nothing to ask AWS."""
        return {}

    async def undo(self, run: Run, result: Result | None) -> None:
        """Nothing was changed."""
