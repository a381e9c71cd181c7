"""Who holds a bearer token: one of ours by its hash, or a JWT of the configured issuer."""

from app.db import Database
from app.errors import Unauthorized
from app.manners.principals import Principal, Role
from app.tokens import repository
from app.tokens.oidc import OidcIssuer
from app.tokens.secrets import PREFIX, hash_of

# The same words whatever is wrong: which tokens exist is nobody's business.
REFUSAL = "The token is unknown, expired or revoked; ask an administrator for a new one."


def refused() -> Unauthorized:
    """The answer to every token that is no good."""
    return Unauthorized(REFUSAL, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


class BearerAuthenticator:
    """Tells our own tokens from an issuer's by their prefix."""

    def __init__(self, database: Database, issuer: OidcIssuer | None = None) -> None:
        self._database = database
        self._issuer = issuer

    async def authenticate(self, bearer: str) -> Principal:
        """The holder of `bearer`; raises Unauthorized."""
        if bearer.startswith(PREFIX):
            return await self._by_hash(bearer)
        principal = await self._issuer.principal(bearer) if self._issuer else None
        if principal is None:
            raise refused()
        return principal

    async def _by_hash(self, secret: str) -> Principal:
        async with self._database.reading() as session:
            found = await repository.find_good(session, hash_of(secret))
            if found is None:
                raise refused()
            token, use_is_stale = found
            if use_is_stale:
                await repository.note_use(session, token.id)
        return Principal(id=token.id, name=token.name, role=Role(token.role))
