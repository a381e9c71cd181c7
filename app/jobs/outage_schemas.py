"""How somebody who watched the application tells what was down."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MOST_FLOWS = 2_000
MOST_SPANS = 200
LONGEST_WHY = 500

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False, description="AWS's seconds")]


class OutageSpan(BaseModel):
    """One time that the flow was down; without `to` it still is."""

    model_config = ConfigDict(populate_by_name=True)

    began: datetime = Field(alias="from")
    ended: datetime | None = Field(default=None, alias="to")
    seconds: Seconds
    why: str = Field(default="", max_length=LONGEST_WHY)


class MeasuredOutage(BaseModel):
    """How long one flow of the plan was down while the job ran."""

    flow: str = Field(description="the flow's id, as GET /v1/plans/{id}/flows shows it")
    total_seconds: Seconds
    down: list[OutageSpan] = Field(default_factory=list, max_length=MOST_SPANS)
    least_in_service: int | None = Field(
        default=None, ge=0, description="of a load balancer's flow: the fewest of its targets in service at once"
    )


class MeasuredOutages(BaseModel):
    """What was watched; a flow that was never down is told with 0 seconds. Told again, a flow's outage is replaced."""

    outages: list[MeasuredOutage] = Field(min_length=1, max_length=MOST_FLOWS)


class OutagesTold(BaseModel):
    """What was taken down."""

    flows: int
    interrupted: int
