"""AWS's errors in our words: one class per meaning (aws-facts, "What an error means")."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError
from botocore.parsers import ResponseParserError

from app.cloud import (
    AlreadyExists,
    Capacity,
    CloudError,
    Conflict,
    Denied,
    DryRunPassed,
    NotFound,
    Quota,
    Rejected,
    Throttled,
    UnknownOutcome,
)
from app.execution.hiding import unquoting

NOTHING: Mapping[str, Any] = MappingProxyType({})

# What a client of boto3 raises. An answer that cannot be read, an empty one say, is none of botocore's own errors.
FOREIGN = (ClientError, BotoCoreError, ResponseParserError)

# In order: the first that matches names the class. Codes are AWS's, with botocore's ".Fault" and the like.
_BY_CODE: tuple[tuple[type[CloudError], str], ...] = (
    (DryRunPassed, "DryRunOperation"),
    (
        Throttled,
        (
            "RequestLimitExceeded|Throttling|ThrottlingException|ThrottledException|RequestThrottled(Exception)?|"
            "TooManyRequestsException|SlowDown|EC2ThrottledException|PriorRequestNotComplete|"
            "BandwidthLimitExceeded|LimitExceededException|SnapshotCreationPerVolumeRateExceeded"
        ),
    ),
    (UnknownOutcome, "RequestTimeout|InternalError|InternalFailure|ServiceUnavailable|Unavailable"),
    (Capacity, r"Insufficient\w*Capacity\w*"),
    (
        Denied,
        (
            "UnauthorizedOperation|AccessDenied(Exception)?|AuthFailure|ExpiredToken(Exception)?|OptInRequired|"
            "InvalidClientTokenId|SignatureDoesNotMatch|NotAuthorized"
        ),
    ),
    (Rejected, r"InvalidParameter\w*|ValidationError|IdempotentParameterMismatch|MissingParameter|Malformed\w*"),
    (
        Conflict,
        (
            r"DependencyViolation|IncorrectInstanceState|IncorrectState|InvalidDB\w*State|ResourceInUse\w*|"
            r"ResourceContention|InvalidIPAddress\.InUse|InstanceAlreadyLinked|InvalidInstanceID\.NotLinkable|"
            r"Resource\.AlreadyAssociated|InvalidSnapshot\.InUse|VolumeInUse|InvalidAddress\.Locked|"
            r"DBInstanceNotReady|InvalidSubnet\.Conflict|InvalidGroup\.InUse|ScalingActivityInProgress\w*"
        ),
    ),
    (Quota, r"\w*LimitExceeded\w*|\w*QuotaExceeded\w*|TooMany\w*"),
    (AlreadyExists, r".*\.Duplicate|.*AlreadyExists\w*|Duplicate\w*|Resource\.Already\w+"),
    (NotFound, r".*\.NotFound|.*NotFound(Fault)?|NoSuch\w*|.*NotLinked|InvalidInstance"),
)
_PATTERNS = tuple((type_, re.compile(pattern)) for type_, pattern in _BY_CODE)


def meaning(code: str, status: int) -> type[CloudError]:
    """The class of an AWS error code; an unknown code with a 5xx status may have taken effect."""
    for type_, pattern in _PATTERNS:
        if pattern.fullmatch(code):
            return type_
    if status == 429:
        return Throttled
    return UnknownOutcome if status >= 500 else Rejected


def translate(
    operation: str, error: ClientError | BotoCoreError | ResponseParserError, params: Mapping[str, Any] = NOTHING
) -> CloudError:
    """A botocore exception as a CloudError. Anything that may have reached AWS is UnknownOutcome.

    Its message quotes nothing of `params`, the call's, nor of an unreadable answer, that may be secret.
    """
    if isinstance(error, ClientError):
        about = error.response.get("Error", {})
        meta = error.response.get("ResponseMetadata", {})
        code = about.get("Code", "Unknown")
        type_ = meaning(code, int(meta.get("HTTPStatusCode", 400)))
        return type_(operation, code, unquoting(about.get("Message", ""), params), meta.get("RequestId"))
    if isinstance(error, ParamValidationError):
        return Rejected(operation, "ParamValidation", unquoting(str(error), params))
    if isinstance(error, NoCredentialsError):
        return Denied(operation, "NoCredentials", "no AWS credentials were found")
    if isinstance(error, ResponseParserError):
        # botocore's words hold the whole answer, and that may be somebody's user data.
        return UnknownOutcome(operation, "UnreadableAnswer", "AWS's answer could not be read.")
    return UnknownOutcome(operation, type(error).__name__, unquoting(str(error), params))
