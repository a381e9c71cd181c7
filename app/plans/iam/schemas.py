"""What comes out of a plan's IAM policy."""

from typing import Any

from pydantic import BaseModel, Field


class IamPolicy(BaseModel):
    """One policy, ready to be made."""

    name: str
    characters: int = Field(description="as IAM counts them; a managed policy takes 6,144")
    document: dict[str, Any]


class IamPolicies(BaseModel):
    """What one role needs for the plan as it is now."""

    plan_id: str
    plan_hash: str = Field(description="the plan these were made from: planned anew, it may need others")
    role: str
    aws_account_id: str
    region: str
    policies: list[IamPolicy] = Field(description="attach all of them to the role")
    notes: list[str] = Field(description="what a person should know of them")
