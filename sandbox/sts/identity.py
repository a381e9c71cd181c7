"""Who calls, and taking on a role."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Caller, Place

_ROLE = re.compile(r"arn:aws:iam::(\d{12}):role/(.+)")


@operation("sts", "GetCallerIdentity")
def get_caller_identity(place: Place, _: Mapping[str, Any]) -> dict[str, Any]:
    caller = place.world.caller
    return {"UserId": caller.user_id, "Account": caller.account_id, "Arn": caller.arn}


@operation("sts", "AssumeRole")
def assume_role(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Keys of the role's account. Raises AccessDenied (403) for a role that `world.roles` lacks and for an
    ExternalId other than the one it demands: AWS does not say which of the two it was."""
    world, arn = place.world, request["RoleArn"]
    match = _ROLE.fullmatch(arn)
    if not match:
        raise AwsError("ValidationError", f"{arn} is invalid")
    demanded = world.roles.get(arn)
    if demanded is None or (demanded and request.get("ExternalId") != demanded):
        raise AwsError(
            "AccessDenied",
            f"User: {world.caller.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}",
            403,
        )
    account_id, role = match.groups()
    name = request["RoleSessionName"]
    role_id = f"AROA{world.random.getrandbits(64):016X}"
    caller = Caller(
        account_id,
        f"{role_id}:{name}",
        f"arn:aws:sts::{account_id}:assumed-role/{role.rpartition('/')[2]}/{name}",
    )
    key = f"ASIA{world.random.getrandbits(64):016X}"
    world.callers[key] = caller
    # By the callers' clock, not the world's: SDKs refuse keys that have run out by theirs.
    ends = datetime.now(UTC) + timedelta(seconds=request.get("DurationSeconds") or 3600)
    return {
        "Credentials": {
            "AccessKeyId": key,
            "SecretAccessKey": f"{world.random.getrandbits(160):040x}",
            "SessionToken": f"{world.random.getrandbits(256):064x}",
            "Expiration": ends,
        },
        "AssumedRoleUser": {"AssumedRoleId": caller.user_id, "Arn": caller.arn},
    }
