"""What a job's report holds."""

from datetime import datetime

from pydantic import BaseModel, Field

from app.plans.schemas import FlowInterruption


class Counterpart(BaseModel):
    """What moved to what."""

    source: str
    counterpart: str


class Inside(BaseModel):
    """A step that ran inside an interruption, and how long after the one before it it began."""

    step: str
    seconds: float
    waited_seconds: float = Field(description="for nothing that the plan needs: a gate, a pause, a retry, the queue")


class ReportInterruption(FlowInterruption):
    """An interruption as the plan foretold it, and as it was."""

    measured_seconds: float | None = Field(
        default=None, description="from the start of the one step to the end of the other, in AWS's seconds"
    )
    inside: list[Inside] = Field(
        default_factory=list, description="the steps that led to its end, one after the other, once it has ended"
    )


class ReportFlow(BaseModel):
    """Who must be able to call whom, and what became of that."""

    id: str
    rule: str
    sources: list[str]
    targets: list[str]
    protocol: str
    from_port: int | None = None
    to_port: int | None = None
    verdict: str
    reason: str
    predicted_seconds: float = Field(description="how long the plan expected it to be down, in AWS's seconds")
    measured_seconds: float | None = Field(
        default=None, description="how long it was, as told by POST …/outages; absent where nobody watched"
    )
    least_in_service: int | None = Field(
        default=None,
        description="where a load balancer is the source: the fewest targets in service that the plan allows",
    )
    measured_least_in_service: int | None = Field(
        default=None, description="how many there were at least, as told by POST …/outages; absent where nobody watched"
    )
    interruptions: list[ReportInterruption]


class OperationCalls(BaseModel):
    """Calls of one AWS operation."""

    made: int
    throttled: int
    failed: int


class AwsCalls(OperationCalls):
    """Calls to AWS, in all and by operation."""

    by_operation: dict[str, OperationCalls]


class Left(BaseModel):
    """What is not done: steps, and resources that have no counterpart yet."""

    steps: list[str]
    resources: list[str]


class JobReport(BaseModel):
    """What moved to what, what was interrupted, what was called, and what is left; at any time of a job's life."""

    job_id: str
    plan_id: str
    action: str
    status: str
    done: bool
    started_at: datetime | None = None
    finished_at: datetime | None = None
    duration_seconds: float | None = Field(default=None, description="absent before it has started")
    steps: dict[str, int] = Field(description="how many steps are in which state")
    counterparts: list[Counterpart]
    flows: list[ReportFlow]
    aws_calls: AwsCalls
    left: Left
