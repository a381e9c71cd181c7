"""What is told of what an undo does not put back."""

from typing import Self

from pydantic import BaseModel, Field

from app.manners.pages import Page
from app.planning.plan import PlannedStep


class IrreversibleCounts(BaseModel):
    """Steps that an undo does not put back, by how much of them stays."""

    wholly: int = Field(description="nothing of them is taken back; they belong to a finalize job")
    partly: int = Field(description="taken back, but for what their explanation tells")


class Irreversible(BaseModel):
    """A step of which something stays after an undo, or is lost by it."""

    step: str
    subject: str
    phase: str
    extent: str = Field(
        description="wholly: nothing of it is taken back; partly: all of it but what the explanation tells"
    )
    explanation: str = Field(description="what it does for good, or what an undo of it leaves or loses; in sentences")

    @classmethod
    def of(cls, step: PlannedStep) -> Self:
        """A step's own words for it; the step must be one of which something stays."""
        return cls(
            step=step.id,
            subject=step.subject,
            phase=step.phase,
            extent=step.stays or "",
            explanation=step.not_undone or step.explanation,
        )


class IrreversibleList(Page[Irreversible]):
    """A page of what an undo does not put back, in the plan's order."""
