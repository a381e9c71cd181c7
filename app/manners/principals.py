"""Who is calling, and which roles an operation admits. Nothing is admitted that is not named."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Protocol

import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.errors import Forbidden, Unauthorized
from app.manners.rates import Rates


class Role(StrEnum):
    """What a token is for. Roles are not ranks: an operation names each one it admits."""

    VIEWER = "viewer"
    PLANNER = "planner"
    APPROVER = "approver"
    OPERATOR = "operator"
    ADMIN = "admin"


EVERYONE = frozenset(Role)


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever sent the request: `id` is stable (a token's id, or an issuer's subject), `name` for people."""

    id: str
    name: str
    role: Role


class Authenticator(Protocol):
    """Knows who holds a bearer token."""

    async def authenticate(self, bearer: str) -> Principal:
        """The holder of `bearer`; raises Unauthorized."""
        ...


bearer_scheme = HTTPBearer(
    auto_error=False, scheme_name="bearer", description="A token (`lb_…`) or a JWT of the configured issuer."
)


async def authenticated(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer_scheme)]
) -> Principal:
    """The principal of this request."""
    if credentials is None:
        raise Unauthorized("Send the header `Authorization: Bearer <token>`.", headers={"WWW-Authenticate": "Bearer"})
    authenticator: Authenticator = request.app.state.authenticator
    principal = await authenticator.authenticate(credentials.credentials)
    rates: Rates = request.app.state.rates
    request.state.rate_fields = rates.fields(rates.take(principal.id))
    request.state.principal = principal
    structlog.contextvars.bind_contextvars(principal=principal.id)
    return principal


Caller = Annotated[Principal, Depends(authenticated)]


def admits(*roles: Role) -> Callable[[Principal], Awaitable[None]]:
    """A dependency that lets only `roles`, and always admin, pass."""
    admitted = frozenset(roles) | {Role.ADMIN}
    names = ", ".join(role.value for role in Role if role in admitted)

    async def check(principal: Caller) -> None:
        if principal.role not in admitted:
            raise Forbidden(f"A {principal.role} may not do this; use a token of one of these roles: {names}.")

    return check
