"""Identifiers, ARNs and endpoint names of RDS."""

import hashlib
import re

from sandbox.rds.refusals import invalid_value
from sandbox.world import Place

_IDENTIFIER = re.compile(r"[a-z](-?[a-z0-9])*")
_LONGEST = {"DBInstanceIdentifier": 63}
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def identifier(value: str, parameter: str) -> str:
    """The name as RDS keeps it, in lower case. Raises InvalidParameterValue for one it would not take."""
    lowered = value.lower()
    if not _IDENTIFIER.fullmatch(lowered) or len(lowered) > _LONGEST.get(parameter, 255):
        raise invalid_value(
            f"The parameter {parameter} is not a valid identifier. Identifiers must begin with a letter; "
            "must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or "
            "contain two consecutive hyphens."
        )
    return lowered


def arn(place: Place, kind: str, name: str) -> str:
    """`kind` is RDS's own word: db, snapshot, secgrp, subgrp, og, pg."""
    return f"arn:aws:rds:{place.region}:{place.account_id}:{kind}:{name}"


def bare(place: Place, name_or_arn: str) -> str:
    """The name in what a caller gave; an ARN of another region or account stays one, and is found nowhere.

    Names may hold colons themselves (default:mysql-5-6).
    """
    parts = name_or_arn.split(":", 6)
    if len(parts) == 7 and parts[:5] == ["arn", "aws", "rds", place.region, place.account_id]:
        return parts[6].lower()
    return name_or_arn.lower()


def endpoint_of(place: Place, name: str) -> str:
    """The DNS name of a DB instance; the middle part is the same for all of an account and region."""
    number = int.from_bytes(hashlib.sha256(f"{place.account_id}/{place.region}".encode()).digest()[:8], "big")
    letters = ""
    while len(letters) < 11:
        number, digit = divmod(number, len(_DIGITS))
        letters += _DIGITS[digit]
    return f"{name}.c{letters}.{place.region}.rds.amazonaws.com"
