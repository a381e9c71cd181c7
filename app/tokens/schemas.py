"""What goes in and out of the token endpoints."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from app.manners.pages import Page
from app.manners.principals import Role

TokenName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class TokenCreate(BaseModel):
    """A token to make."""

    model_config = ConfigDict(extra="forbid")

    name: TokenName = Field(description="who will use it")
    role: Role
    expires_at: AwareDatetime | None = Field(default=None, description="without it, the token never expires")


class Token(BaseModel):
    """A token as it is listed: never the secret itself."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    role: str
    prefix: str = Field(description="the first characters of the secret, to know it by")
    created_by: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = Field(default=None, description="to the minute")


class IssuedToken(Token):
    """A new token with its secret, which is shown this once and not stored."""

    token: str | None = Field(default=None, description="absent when a repeated request gets its first answer")


class TokenList(Page[Token]):
    """A page of tokens, newest first."""
