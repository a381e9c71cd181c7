"""An answer that cannot be read leaves open whether the call took effect."""

from typing import Any

import pytest
from botocore.awsrequest import AWSResponse, HTTPHeaders

from app.aws.boto_cloud import BotoCloud
from app.cloud import UnknownOutcome
from sandbox.hook import connect
from sandbox.world import World


class Silence:
    """A body with nothing in it."""

    def stream(self, **_: Any) -> list[bytes]:
        return []


@pytest.mark.parametrize("status", [400, 412, 500, 503])
async def test_an_empty_answer_is_an_unknown_outcome_of_changes_and_of_reads(status: int) -> None:
    session = connect(World())
    headers = HTTPHeaders.from_dict({"content-length": "0"})
    answer: Any = lambda request, **_: AWSResponse(request.url, status, headers, Silence())  # noqa: E731
    session.events.register_first("before-send", answer)
    make: Any = session.client
    cloud = BotoCloud("us-east-1", make, threads=None)
    with pytest.raises(UnknownOutcome):
        await cloud.call("ec2.create_security_group", GroupName="web", Description="x")
    with pytest.raises(UnknownOutcome):
        _ = [page async for page in cloud.pages("ec2.describe_instances")]
