"""AWS's errors in our words: one class per meaning (aws-facts, "What an error means")."""

import re

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError

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

# In order: the first that matches names the class. Codes are AWS's, with botocore's ".Fault" and the like.
_BY_CODE: tuple[tuple[str, type[CloudError]], ...] = (
    (r"DryRunOperation", DryRunPassed),
    (
        r"RequestLimitExceeded|Throttling|ThrottlingException|ThrottledException|RequestThrottled(Exception)?"
        r"|TooManyRequestsException|SlowDown|EC2ThrottledException|PriorRequestNotComplete"
        r"|BandwidthLimitExceeded|LimitExceededException|SnapshotCreationPerVolumeRateExceeded",
        Throttled,
    ),
    (r"RequestTimeout|InternalError|InternalFailure|ServiceUnavailable|Unavailable", UnknownOutcome),
    (r"Insufficient\w*Capacity\w*", Capacity),
    (
        r"UnauthorizedOperation|AccessDenied(Exception)?|AuthFailure|ExpiredToken(Exception)?|OptInRequired"
        r"|InvalidClientTokenId|SignatureDoesNotMatch|NotAuthorized",
        Denied,
    ),
    (r"InvalidParameter\w*|ValidationError|IdempotentParameterMismatch|MissingParameter|Malformed\w*", Rejected),
    (
        r"DependencyViolation|IncorrectInstanceState|IncorrectState|InvalidDB\w*State|ResourceInUse\w*"
        r"|ResourceContention|InvalidIPAddress\.InUse|InstanceAlreadyLinked|InvalidInstanceID\.NotLinkable"
        r"|Resource\.AlreadyAssociated|InvalidSnapshot\.InUse|VolumeInUse|InvalidAddress\.Locked"
        r"|DBInstanceNotReady|PriorRequestNotComplete|InvalidSubnet\.Conflict",
        Conflict,
    ),
    (r"\w*LimitExceeded\w*|\w*QuotaExceeded\w*|TooMany\w*|VpcLimitExceeded", Quota),
    (r".*\.Duplicate|.*AlreadyExists\w*|Duplicate\w*|Resource\.Already\w+", AlreadyExists),
    (r".*\.NotFound|.*NotFound(Fault)?|NoSuch\w*|LoadBalancerNotFound|.*NotLinked|InvalidInstance", NotFound),
)
_PATTERNS = tuple((re.compile(pattern), type_) for pattern, type_ in _BY_CODE)


def meaning(code: str, status: int) -> type[CloudError]:
    """The class of an AWS error code; an unknown code with a 5xx status may have taken effect."""
    for pattern, type_ in _PATTERNS:
        if pattern.fullmatch(code):
            return type_
    if status == 429:
        return Throttled
    return UnknownOutcome if status >= 500 else Rejected


def translate(operation: str, error: ClientError | BotoCoreError) -> CloudError:
    """A botocore exception as a CloudError. Anything that may have reached AWS is UnknownOutcome."""
    if isinstance(error, ClientError):
        about = error.response.get("Error", {})
        meta = error.response.get("ResponseMetadata", {})
        code = about.get("Code", "Unknown")
        type_ = meaning(code, int(meta.get("HTTPStatusCode", 400)))
        return type_(operation, code, about.get("Message", ""), meta.get("RequestId"))
    if isinstance(error, ParamValidationError):
        return Rejected(operation, "ParamValidation", str(error))
    if isinstance(error, NoCredentialsError):
        return Denied(operation, "NoCredentials", "no AWS credentials were found")
    return UnknownOutcome(operation, type(error).__name__, str(error))
