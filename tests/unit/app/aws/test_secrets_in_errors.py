"""What AWS and botocore say of a failed call repeats nothing secret that was sent, or that an answer held."""

import base64
import traceback
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse, HTTPHeaders

from app.aws.boto_cloud import BotoCloud
from app.cloud import CloudError, Rejected, UnknownOutcome
from app.execution.hiding import HIDDEN
from sandbox.hook import connect
from sandbox.world import World

SECRET = "export DB_PASSWORD=hunter2-hunter2"
ENCODED = base64.b64encode(SECRET.encode()).decode()
LAUNCH: dict[str, Any] = {"ImageId": "ami-1", "MinCount": 1, "MaxCount": 1}


class Body:
    """An answer's body."""

    def __init__(self, text: str) -> None:
        self._text = text

    def stream(self, **_: Any) -> list[bytes]:
        return [self._text.encode()]


def answering(status: int, text: str) -> BotoCloud:
    """A cloud that always gives this answer."""
    session = connect(World())
    headers = HTTPHeaders.from_dict({"content-length": str(len(text.encode()))})
    answer: Any = lambda request, **_: AWSResponse(request.url, status, headers, Body(text))  # noqa: E731
    session.events.register_first("before-send", answer)
    make: Any = session.client
    return BotoCloud("us-east-1", make, threads=None)


def told(error: CloudError) -> str:
    """All that a log could tell of it."""
    return "".join(traceback.format_exception(error))


@pytest.mark.parametrize("quoted", [SECRET, ENCODED, ENCODED[4:40]])
async def test_a_refusal_that_repeats_user_data_is_told_by_its_code(quoted: str) -> None:
    refusal = (
        "<Response><Errors><Error><Code>InvalidUserData.Malformed</Code>"
        f"<Message>Invalid user data: {quoted}</Message></Error></Errors><RequestID>r</RequestID></Response>"
    )
    with pytest.raises(CloudError) as caught:
        await answering(400, refusal).call("ec2.run_instances", UserData=SECRET, **LAUNCH)
    assert (caught.value.code, caught.value.message) == ("InvalidUserData.Malformed", HIDDEN)
    assert quoted not in told(caught.value)


async def test_what_botocore_refuses_is_not_repeated() -> None:
    with pytest.raises(Rejected) as caught:
        await answering(200, "").call("rds.create_db_instance", MasterUserPassword=[SECRET])
    assert caught.value.code == "ParamValidation"
    assert SECRET not in told(caught.value)


@pytest.mark.parametrize("operation", ["ec2.describe_instance_attribute", "ec2.describe_instances"])
async def test_an_unreadable_answer_is_not_repeated(operation: str) -> None:
    torn = f"<DescribeInstanceAttributeResponse><userData><value>{ENCODED}</value></userDa"
    params = {"InstanceId": "i-1", "Attribute": "userData"} if "attribute" in operation else {}
    with pytest.raises(UnknownOutcome) as caught:
        await answering(200, torn).call(operation, **params)
    assert ENCODED not in told(caught.value)
    with pytest.raises(UnknownOutcome) as listed:
        _ = [page async for page in answering(200, torn).pages("ec2.describe_instances")]
    assert ENCODED not in told(listed.value)
