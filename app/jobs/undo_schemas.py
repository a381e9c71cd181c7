"""What the preview of an undo tells."""

from pydantic import BaseModel, Field

from app.plans.irreversible_schemas import Irreversible


class UndoRefusal(BaseModel):
    """Why an undo would be refused now, as asking for it would say."""

    code: str = Field(description="one of the codes in docs/errors.md")
    detail: str


class UndoStep(BaseModel):
    """A step that would be taken back."""

    id: str
    action: str
    subject: str
    phase: str
    state: str
    level: int = Field(
        description="from 1 on: a step is taken back after all of lower levels that came after it; those of one level "
        "side by side"
    )
    estimated_seconds: float
    explanation: str = Field(description="what was done, and would be taken back")
    serves_again: list[str] = Field(description="refs whose source stopped serving with it, and serves again after it")
    serves_no_more: list[str] = Field(description="refs whose counterpart serves through it, and stops with its undo")


class UntouchedStep(BaseModel):
    """A step that would be left as it is: it was never done, so that what it would have changed goes on as before."""

    id: str
    action: str
    subject: str
    phase: str
    state: str = Field(description="pending or skipped")
    explanation: str = Field(description="what was not done")


class FinalizedStep(BaseModel):
    """A step of a finalize job that was done, or may have been, and cannot be taken back."""

    job_id: str
    id: str
    action: str
    subject: str
    state: str
    explanation: str


class UndoPreview(BaseModel):
    """What an undo would do now. Nothing is asked of AWS, and nothing changes."""

    job_id: str
    plan_id: str
    action: str
    status: str
    possible: bool = Field(description="whether an undo that is asked for now would be taken up")
    refusal: UndoRefusal | None = Field(default=None, description="where it is not possible")
    at_work: bool = Field(
        description="a worker drives the job: it comes to a safe point first, and what it does until then is taken "
        "back too"
    )
    estimated_seconds: float = Field(
        description="along the longest chain of steps, by the plan's estimates, in AWS's seconds"
    )
    steps: list[UndoStep] = Field(
        description="what would be taken back, in an order in which it can be; empty where there is no way back"
    )
    irreversible: list[Irreversible] = Field(description="what of these steps would not be put back, or be lost")
    untouched: list[UntouchedStep]
    finalized: list[FinalizedStep] = Field(description="what a finalize job has destroyed; where any is, no undo is")
