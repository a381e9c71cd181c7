"""What an error of AWS is taken for decides whether a change is sent again: a refusal changed nothing, a lost
answer may have changed everything (aws-facts, "What an error means")."""

from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)

from app.aws.errors import meaning, translate
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

URL = "https://ec2.us-east-1.amazonaws.com/"
CLIENT_ERROR: Any = ClientError


@pytest.mark.parametrize(
    ("code", "status", "type_"),
    [
        ("DryRunOperation", 412, DryRunPassed),
        ("RequestLimitExceeded", 503, Throttled),
        ("Throttling", 400, Throttled),
        ("SomethingNew", 429, Throttled),
        ("InternalError", 500, UnknownOutcome),
        ("Unavailable", 503, UnknownOutcome),
        ("SomethingNew", 500, UnknownOutcome),
        ("SomethingNew", 503, UnknownOutcome),
        ("SomethingNew", 400, Rejected),
        ("InsufficientInstanceCapacity", 500, Capacity),
        ("UnauthorizedOperation", 403, Denied),
        ("InvalidParameterValue", 400, Rejected),
        ("DependencyViolation", 400, Conflict),
        ("IncorrectInstanceState", 400, Conflict),
        ("InstanceLimitExceeded", 400, Quota),
        ("InvalidGroup.Duplicate", 400, AlreadyExists),
        ("InvalidInstanceID.NotFound", 400, NotFound),
        ("DBInstanceNotFound", 404, NotFound),
    ],
)
def test_a_code_means_what_aws_means_by_it(code: str, status: int, type_: type[CloudError]) -> None:
    assert meaning(code, status) is type_
    response = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    told = translate("ec2.run_instances", CLIENT_ERROR(response, "RunInstances"))
    assert type(told) is type_
    assert (told.operation, told.code, told.message) == ("ec2.run_instances", code, "m")


@pytest.mark.parametrize(
    "error",
    [
        ConnectionClosedError(endpoint_url=URL),
        ReadTimeoutError(endpoint_url=URL),
        ConnectTimeoutError(endpoint_url=URL),
        EndpointConnectionError(endpoint_url=URL),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_may_have_reached_aws_may_have_taken_effect(error: BotoCoreError) -> None:
    assert type(translate("ec2.run_instances", error)) is UnknownOutcome


def test_what_never_left_is_a_refusal() -> None:
    assert type(translate("ec2.run_instances", ParamValidationError(report="no"))) is Rejected
    assert type(translate("ec2.run_instances", NoCredentialsError())) is Denied
