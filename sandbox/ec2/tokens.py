"""ClientToken: the same token may only repeat the same request."""

from sandbox.errors import AwsError


def require_same(before: object, now: object, token: str) -> None:
    """Raises IdempotentParameterMismatch where what was asked with a token before differs from now."""
    if before != now:
        raise AwsError(
            "IdempotentParameterMismatch",
            f"The client token '{token}' was used before with other parameters",
        )
