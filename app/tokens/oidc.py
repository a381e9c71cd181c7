"""JWTs of one OpenID Connect issuer, checked against its published keys."""

import asyncio
from typing import Any

import httpx2
import jwt
import structlog

from app.errors import Unavailable
from app.manners.principals import Principal, Role

log = structlog.get_logger("landbridge.oidc")

# Pinned: a token must not choose "none", nor an HMAC keyed with a public key.
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
LEEWAY_SECONDS = 30
FETCH_SECONDS = 5.0


class OidcIssuer:
    """Knows the issuer's keys, fetched at the first token and kept."""

    def __init__(self, issuer: str, audience: str, role_claim: str) -> None:
        self._issuer = issuer
        self._audience = audience
        self._role_claim = role_claim
        self._keys: jwt.PyJWKClient | None = None

    async def principal(self, token: str) -> Principal | None:
        """The holder of `token`, or None if it is no good; raises Unavailable while the issuer is down."""
        try:
            jwt.get_unverified_header(token)
            keys = self._keys = self._keys or await self._discover()
            # PyJWKClient blocks on the network when it meets a new key.
            claims = await asyncio.to_thread(self._check, keys, token)
        except (jwt.PyJWKClientConnectionError, httpx2.HTTPError) as error:
            log.warning("oidc.unreachable", issuer=self._issuer, error=type(error).__name__)
            raise Unavailable(
                "The identity provider did not answer; repeat the request.", headers={"Retry-After": "5"}
            ) from error
        except jwt.PyJWTError:
            return None
        return self._read(claims)

    async def _discover(self) -> jwt.PyJWKClient:
        address = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
        async with httpx2.AsyncClient(timeout=FETCH_SECONDS) as client:
            answer = await client.get(address)
            answer.raise_for_status()
        return jwt.PyJWKClient(answer.json()["jwks_uri"], timeout=FETCH_SECONDS)

    def _check(self, keys: jwt.PyJWKClient, token: str) -> dict[str, Any]:
        return jwt.decode(
            token,
            keys.get_signing_key_from_jwt(token).key,
            algorithms=ALGORITHMS,
            issuer=self._issuer,
            audience=self._audience,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )

    def _read(self, claims: dict[str, Any]) -> Principal | None:
        role = claims.get(self._role_claim)
        if not isinstance(role, str) or role not in set(Role):
            return None
        subject = str(claims["sub"])
        name = claims.get("name") or claims.get("email") or subject
        return Principal(id=f"oidc:{subject}", name=str(name), role=Role(role))
