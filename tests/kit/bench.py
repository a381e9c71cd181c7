"""A whole migration in one process, with what only tests do to it: undo, finalize, try a step alone."""

from dataclasses import replace

import boto3

from app.execution.declared import Undeclared, refuse
from app.execution.executor import Outcome
from app.execution.journal import MemoryJournal
from app.execution.pacing import MemoryBudget, PacedCloud
from app.planning.plan import Plan
from landbridge.in_process import InProcess
from sandbox.virtual_time import run
from sandbox.world import World
from tests.kit.account import Clients
from tests.kit.direct_cloud import DirectClients, DirectCloud


class Bench(InProcess):
    """`boto` makes clients for the test's own hand in the account; `cloud` is what the app calls through.

    What a step or kind calls and does not declare is refused, and so fails the test.
    """

    undeclared: Undeclared = staticmethod(refuse)

    def __init__(self, world: World | None = None) -> None:
        super().__init__(world)
        self.look: boto3.Session | Clients = self.boto

    def unguarded(self) -> "Bench":
        """Without looking for drift: half as many calls again, and there is none."""
        self.guarded = False
        return self

    def past_the_wire(self) -> "Bench":
        """From here on the app, and whoever takes a look, call the sandbox's handlers: many times as fast."""
        self.cloud = PacedCloud(DirectCloud(self.world), MemoryBudget(), self.clock, "test")
        self.look = DirectClients(self.world)
        return self

    def execute(self, plan: Plan, journal: MemoryJournal | None = None) -> tuple[Outcome, MemoryJournal]:
        """Everything but the finalize phase."""
        journal = journal or MemoryJournal()
        return self.advance(plan.steps, journal), journal

    def undo(self, plan: Plan, journal: MemoryJournal) -> Outcome:
        steps = [step for step in plan.steps if step.phase != "finalize"]
        return run(self.world, self.executor(steps, journal).retreat())

    def finalize(self, plan: Plan, executed: MemoryJournal) -> tuple[Outcome, MemoryJournal]:
        journal = MemoryJournal()
        steps = [step for step in plan.steps if step.phase == "finalize"]
        earlier = {id_: entry.result for id_, entry in executed.lines.items() if entry.result is not None}
        executor = self.executor(steps, journal, job_id="job_finalize", earlier=earlier)
        return run(self.world, executor.advance()), journal

    def only(self, plan: Plan, *actions: str) -> Plan:
        """The plan cut down to some actions, with no need outside them: for trying one step alone."""
        kept = [step for step in plan.steps if step.action in actions]
        ids = {step.id for step in kept}
        steps = tuple(replace(step, needs=tuple(need for need in step.needs if need in ids)) for step in kept)
        return replace(plan, steps=steps)
