"""What a token's secret looks like, and what is kept of it."""

import hashlib
import secrets

PREFIX = "lb_"
SHOWN_CHARACTERS = 8


def new_secret() -> str:
    """`lb_` and 32 random bytes."""
    return PREFIX + secrets.token_urlsafe(32)


def hash_of(secret: str) -> bytes:
    """SHA-256 without salt or stretching: 32 random bytes cannot be guessed from it."""
    return hashlib.sha256(secret.encode()).digest()
