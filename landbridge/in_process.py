"""A whole migration in one process, without sockets: discover, plan and carry out against a world, on its stepped
clock."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import boto3

from app.aws.boto_cloud import BotoCloud
from app.aws.sessions import CONFIG
from app.cloud import Cloud
from app.execution.attempts import Control
from app.execution.declared import Undeclared, tell
from app.execution.executor import Executor, Outcome
from app.execution.guard import Guard
from app.execution.journal import Journal
from app.execution.pacing import MemoryBudget, PacedCloud
from app.execution.step import Result, Step
from app.jobs.guard import Accepted, DriftGuard
from app.planning.context import Request, Settings, Target
from app.planning.inventory import Inventory
from app.planning.plan import Plan, PlannedStep, Strategy
from app.planning.planner import make_plan
from app.resources import all_kinds
from app.resources.discovery import discover
from sandbox.hook import connect
from sandbox.virtual_time import WorldClock, run
from sandbox.world import World


class InProcess:
    """`boto` makes clients for one's own hand in the account; `cloud` is what the app calls through."""

    undeclared: Undeclared = staticmethod(tell)
    accepted: Accepted = MappingProxyType({})  # drift that was said yes to
    guarded = True  # whether drift is looked for before each step of a plan that was made here

    def __init__(self, world: World | None = None) -> None:
        self.world = world or World()
        self._made: tuple[Plan, Inventory] | None = None
        self.boto: boto3.Session = connect(self.world)
        clients: dict[str, Any] = {}

        def client(service: str) -> Any:
            if service not in clients:
                make: Any = self.boto.client
                clients[service] = make(service, config=CONFIG)
            return clients[service]

        self.clock = WorldClock(self.world)
        self.raw: Cloud = BotoCloud("us-east-1", client, threads=None)
        self.cloud = PacedCloud(self.raw, MemoryBudget(), self.clock, "test")
        self.client = client

    def discover(self) -> Inventory:
        return run(self.world, discover(self.cloud, all_kinds(), self.undeclared))

    def target(self, inventory: Inventory | None = None) -> Target:
        """The account's one VPC: its subnets by zone, and its DB subnet group if it has one."""
        return target_in(inventory or self.discover())

    def plan(
        self,
        target: Target,
        strategy: Strategy = "incremental",
        *,
        refs: Sequence[str] | None = None,
        tags: Mapping[str, str] | None = None,
        settings: Settings | None = None,
        overrides: Mapping[str, Mapping[str, Any]] | None = None,
        inventory: Inventory | None = None,
    ) -> Plan:
        request = Request(
            strategy,
            target,
            refs=tuple(refs) if refs is not None else None,
            tags=tags,
            settings=settings or Settings(),
            overrides=overrides or {},
        )
        inventory = inventory or self.discover()
        plan = make_plan(inventory, request, all_kinds())
        self._made = (plan, inventory)
        return plan

    def actions(self) -> Mapping[str, Step]:
        """What knows how to carry an action out."""
        return {step.action: step for kind in all_kinds().values() for step in kind.steps}

    def executor(
        self,
        steps: Sequence[PlannedStep],
        journal: Journal,
        *,
        job_id: str = "job_test",
        control: Control | None = None,
        cloud: Cloud | None = None,
        earlier: Mapping[str, Result] | None = None,
    ) -> Executor:
        return Executor(
            job_id=job_id,
            steps=steps,
            actions=self.actions(),
            journal=journal,
            cloud=cloud or self.cloud,
            clock=self.clock,
            control=control,
            earlier=earlier,
            guard=self._guard(steps, cloud or self.cloud) if self.guarded else None,
            undeclared=self.undeclared,
        )

    def _guard(self, steps: Sequence[PlannedStep], cloud: Cloud) -> Guard | None:
        """For the steps of the plan that was made last."""
        if self._made is None:
            return None
        plan, inventory = self._made
        mine = {step.id for step in steps} <= {step.id for step in plan.steps}
        if not mine:
            return None
        return DriftGuard(inventory, plan.steps, self.actions(), all_kinds(), cloud, self.accepted)

    def advance(self, steps: Sequence[PlannedStep], journal: Journal) -> Outcome:
        """Carry out the steps: everything but the finalize phase, which is a job of its own."""
        moving = [step for step in steps if step.phase != "finalize"]
        return run(self.world, self.executor(moving, journal).advance())


def target_in(inventory: Inventory) -> Target:
    """An inventory's one VPC: its subnets by zone, and its DB subnet group if it has one."""
    vpc = next(iter(inventory.of("vpc")))
    subnets = {subnet.facts["zone"]: subnet.ref.id for subnet in inventory.of("subnet")}
    group = next(iter(inventory.of("db_subnet_group")), None)
    return Target(vpc.ref.id, subnets, group.ref.id if group else None)
