"""What comes out of the plan endpoints."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field

from app.manners.absent import without_nulls
from app.manners.pages import Page
from app.plans.irreversible_schemas import Irreversible, IrreversibleCounts
from app.plans.models import Plan as PlanRow
from app.plans.service import tag


class FindingCounts(BaseModel):
    """Findings by level."""

    blocker: int
    warning: int
    note: int


class FlowCounts(BaseModel):
    """Flows by verdict."""

    kept: int
    interrupted: int
    already_broken: int


class PlanCounts(BaseModel):
    """How much there is to read."""

    steps: int
    resources: int = Field(description="how many resources move")
    findings: FindingCounts
    flows: FlowCounts
    irreversible: IrreversibleCounts | None = Field(
        default=None, description="absent for plans of releases that did not tell"
    )


class PlanEstimate(BaseModel):
    """What the move is expected to take; finalizing is not in it."""

    seconds: float
    outage_seconds: float = Field(description="the longest that any flow is interrupted")
    aws_calls: int


class CreatedVpc(BaseModel):
    """The VPC that is to be made."""

    cidr: str


class PlannedTarget(BaseModel):
    """Where things go."""

    vpc_id: str | None = None
    subnets: dict[str, str] | None = Field(default=None, description="zone -> subnet")
    db_subnet_group: str | None = None
    create: CreatedVpc | None = None


class PlannedScope(BaseModel):
    """What was asked to move."""

    refs: list[str] | None = None
    tags: dict[str, str] | None = None


class PlannedSettings(BaseModel):
    """How the plan is carried out."""

    max_parallel_instances: int
    max_out_of_service: int | None = Field(
        default=None, description="members of one load balancer at once; absent: a quarter, and one at least"
    )
    gates: list[str]
    on_failure: str
    soak_seconds: float


class PlanLinks(BaseModel):
    """Where to go from here."""

    self: str
    inventory: str
    approve: str
    steps: str
    findings: str
    flows: str
    graph: str
    irreversible: str
    runbook: str
    iam_policy: str
    jobs: str


class Plan(BaseModel):
    """What would happen."""

    id: str
    inventory_id: str
    account_id: str
    region: str
    name: str
    strategy: str
    status: str = Field(description="draft or approved")
    etag: str = Field(description="send it in If-Match to change or approve the plan")
    plan_hash: str = Field(description="SHA-256 of the plan: what an approval is bound to")
    scope: PlannedScope | None = Field(default=None, description="absent: all that is Classic")
    target: PlannedTarget
    settings: PlannedSettings
    overrides: dict[str, dict[str, Any]]
    counts: PlanCounts
    estimate: PlanEstimate
    author: str = Field(description="who made it, or changed it last")
    approved_by: str | None = None
    approved_at: datetime | None = None
    approval_expires_at: datetime | None = Field(default=None, description="no job begins after it")
    approved_hash: str | None = None
    irreversible: list[Irreversible] | None = Field(
        default=None,
        description="what an undo will not put back, the first hundred in the plan's order: to be known before "
        "approving. All of it is at links.irreversible. Absent in lists of plans",
    )
    links: PlanLinks
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: PlanRow, irreversible: Sequence[Irreversible] | None = None) -> Self:
        """The plan as its readers see it."""
        columns = {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)}
        return cls.model_validate({**columns, "etag": tag(row), "links": links(row), "irreversible": irreversible})


def links(row: PlanRow) -> dict[str, str]:
    """Where a plan's readings are."""
    here = f"/v1/plans/{row.id}"
    names = ("approve", "steps", "findings", "flows", "irreversible", "graph", "runbook")
    return {
        "self": here,
        "iam_policy": f"{here}/iam-policy",
        "inventory": f"/v1/inventories/{row.inventory_id}",
        "jobs": f"/v1/jobs?plan_id={row.id}",
        **{name: f"{here}/{name}" for name in names},
    }


class PlanList(Page[Plan]):
    """A page of plans, newest first."""


class StepEstimate(BaseModel):
    """What one step is expected to take."""

    seconds: float
    undo_seconds: float | None = Field(
        default=None, description="to take it back; absent in plans of releases that did not tell"
    )
    calls: float = Field(description="calls to AWS")


class PlanStep(BaseModel):
    """One change, reversible or said not to be."""

    id: str
    action: str
    subject: str
    phase: str
    needs: list[str] = Field(description="the steps that must have succeeded")
    params: dict[str, Any] = Field(
        description='`{"$from": step, "$key": key}` is filled from that step\'s result when the job runs'
    )
    reversible: bool
    not_undone: str | None = Field(default=None, description="what an undo of it leaves or loses; absent: nothing")
    estimate: StepEstimate
    explanation: str
    reaches: list[str] = Field(description='what is true once it has succeeded, as "milestone ref"')
    interrupts: list[str] = Field(description="refs whose source stops serving when it starts")
    hold_seconds: float = Field(description="how long it stands before it counts")
    lingering_seconds: float = Field(description="how much of that callers may still go the old way")
    kept_until: list[str] = Field(
        default_factory=list,
        description="what it made true is looked after until one of these steps starts; empty: until the job ends, "
        "where the step keeps anything",
    )

    @classmethod
    def of(cls, body: dict[str, Any]) -> Self:
        """The step as its readers see it."""
        not_undone = body.get("not_undone") or None
        return cls.model_validate({**body, "params": without_nulls(body["params"]), "not_undone": not_undone})


class PlanStepList(Page[PlanStep]):
    """A page of steps, each after those it needs."""


class PlanFinding(BaseModel):
    """What a person must know before approving."""

    level: str = Field(description="blocker, warning or note; a plan with a blocker cannot be approved")
    code: str
    subject: str
    message: str


class PlanFindingList(Page[PlanFinding]):
    """A page of findings, blockers first."""


class FlowInterruption(BaseModel):
    """These sources cannot call these targets from the start of one step to the end of another."""

    sources: list[str]
    targets: list[str]
    from_step: str
    to_step: str
    estimated_seconds: float


class PlanFlow(BaseModel):
    """One rule that lets members of one set call members of another, and what the move does to it."""

    id: str
    rule: str
    sources: list[str]
    targets: list[str]
    protocol: str
    from_port: int | None = None
    to_port: int | None = None
    verdict: str = Field(description="kept, interrupted or already_broken")
    reason: str
    interruptions: list[FlowInterruption]
    outage_seconds: float = Field(description="how long some target is out of reach in all, overlaps counted once")
    least_in_service: int | None = Field(
        default=None,
        description="of a load balancer and its members: how many of the targets it can call at every moment, in "
        "whatever order steps run; absent for other flows, for what is broken already, and in plans of releases that "
        "did not tell",
    )


class PlanFlowList(Page[PlanFlow]):
    """A page of flows."""


class GraphNode(BaseModel):
    """A step."""

    id: str
    action: str
    subject: str
    phase: str
    seconds: float


class GraphEdge(BaseModel):
    """`target` needs `source`."""

    source: str
    target: str


class PlanGraph(BaseModel):
    """The steps and what they wait for."""

    nodes: list[GraphNode]
    edges: list[GraphEdge]
