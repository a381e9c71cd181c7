"""What goes in and out of the account endpoints."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.manners.pages import Page

AccountName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
AwsAccountId = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
RoleArn = Annotated[
    str, StringConstraints(max_length=2048, pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$")
]
Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
Regions = Annotated[list[Region], Field(min_length=1, max_length=50)]


class AccountCreate(BaseModel):
    """An AWS account to hold; without `role_arn` the service's own credentials are used."""

    model_config = ConfigDict(extra="forbid")

    name: AccountName
    aws_account_id: AwsAccountId
    role_arn: RoleArn | None = None
    regions: Regions

    @model_validator(mode="after")
    def role_is_in_the_account(self) -> Self:
        """A role of another account would act there, whatever this account is called."""
        if self.role_arn is not None and account_of(self.role_arn) != self.aws_account_id:
            raise ValueError("role_arn is a role of another account than aws_account_id; make them agree")
        return self


class AccountUpdate(BaseModel):
    """What to change; what is left out or null stays, but `role_arn: null` goes back to our own credentials."""

    model_config = ConfigDict(extra="forbid")

    name: AccountName | None = None
    role_arn: RoleArn | None = None
    regions: Regions | None = None


class Account(BaseModel):
    """An AWS account we hold a role in."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    aws_account_id: str
    role_arn: str | None = None
    external_id: str = Field(description="put it into the role's trust policy as sts:ExternalId")
    regions: list[str]
    created_at: datetime
    updated_at: datetime


class AccountList(Page[Account]):
    """A page of accounts, newest first."""


class VerifiedRegion(BaseModel):
    """What one region lets us do."""

    region: str
    platforms: list[str] = Field(description="EC2 (EC2-Classic) and VPC; empty where AWS did not say")
    classic: bool | None = Field(default=None, description="absent where AWS did not say")
    missing_permissions: list[str]
    unverified_permissions: list[str] = Field(description="AWS did not answer clearly: verify again")


class Verification(BaseModel):
    """Who we are in the account, and what we may do there."""

    arn: str
    aws_account_id: str
    expected_account: bool = Field(description="false: these are another account's credentials")
    regions: list[VerifiedRegion]
    missing_permissions: list[str] = Field(description="missing in any region; add them to the role's policy")


def account_of(role_arn: str) -> str:
    """The account number in a role's ARN."""
    return role_arn.split(":")[4]
