"""A Classic account in which all names are hostile and every launch holds a secret; it opens itself for the service."""

import base64
from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HTTPHeaders

from app.accounts.models import Account
from app.aws.boto_cloud import BotoCloud
from app.aws.sessions import CONFIG
from app.cloud import Cloud
from sandbox.builder import Builder
from sandbox.clock import Clock
from sandbox.hook import connect
from sandbox.world import World
from tests.kit.hostile import ANY, ASCII

SECRET = "hunter2-0f0f-never-to-be-seen"
USER_DATA = f"#!/bin/sh\nexport DB_PASSWORD={SECRET}\n"
LONGEST = 255  # of a tag's value, and of a group's name
DAY = 86_400


def traces(secret: str = SECRET) -> list[str]:
    """What is left of the secret in plain text, in base64 wherever it begins, and in hex."""
    raw = secret.encode()
    encoded = [base64.b64encode(b"x" * shift + raw).decode()[4:-4] for shift in range(3)]
    return [secret, *encoded, raw.hex(), base64.b64encode(USER_DATA.encode()).decode()]


class Refusal:
    """AWS that refuses a launch once, and in doing so repeats the user data that it was sent."""

    def __init__(self) -> None:
        self.left = 0

    def __call__(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        body = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
        if not self.left or "Action=RunInstances" not in body or "DryRun=true" in body:
            return None
        self.left -= 1
        quoted = base64.b64encode(USER_DATA.encode()).decode()
        text = (
            "<Response><Errors><Error><Code>InvalidParameterValue</Code>"
            f"<Message>Bad: {quoted} {USER_DATA} &lt;script&gt;</Message></Error></Errors>"
            "<RequestID>r-1</RequestID></Response>"
        ).encode()
        headers = HTTPHeaders.from_dict({"content-length": str(len(text))})
        return AWSResponse(str(request.url), 400, headers, _Body(text))


class _Body:
    def __init__(self, text: bytes) -> None:
        self._text = text

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._text


class LeakyAccount:
    """The account; also opens itself as the service's clouds do."""

    def __init__(self) -> None:
        self.world = World(Clock(0))
        self.boto = connect(self.world)
        self.refusal = Refusal()
        self._clients: dict[str, Any] = {}
        build(Builder(self.boto, self.world))
        self.boto.events.register_first("before-send", self.refusal)  # type: ignore[arg-type]

    def open(self, account: Account, region: str, name: str) -> Cloud:
        return BotoCloud(region, self._client, threads=None)

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            make: Any = self.boto.client
            self._clients[service] = make(service, config=CONFIG)
        return self._clients[service]


def build(builder: Builder) -> None:
    """Groups, instances and an Auto Scaling group, and a VPC to move to."""
    names = [" ".join(ASCII[start::4])[:LONGEST] for start in range(4)]
    groups = [builder.group(name, name) for name in names]
    builder.let_in(groups[0], 80, groups=groups[1:])
    linux = builder.image("amzn2-ami-hvm-*")
    common: dict[str, Any] = {"ImageId": linux, "InstanceType": "m3.medium", "UserData": USER_DATA}
    placed = {"Placement": {"AvailabilityZone": "us-east-1a"}, "SecurityGroupIds": groups[:2]}
    names = ["".join(ANY[start::2])[:LONGEST] for start in range(2)]
    builder.launch(names, {"app": ANY[1], ANY[0][:100]: ANY[-3]}, **common, **placed)
    configuration = {"LaunchConfigurationName": "crew-1"}
    builder.call("autoscaling", "CreateLaunchConfiguration", **configuration, SecurityGroups=groups[:1], **common)
    builder.call(
        "autoscaling",
        "CreateAutoScalingGroup",
        AutoScalingGroupName="crew",
        MinSize=1,
        MaxSize=1,
        AvailabilityZones=["us-east-1a"],
        Tags=[{"Key": "Name", "Value": names[0], "PropagateAtLaunch": True}],
        **configuration,
    )
    builder.network("target", "172.20.0.0/16", {"us-east-1a": "172.20.1.0/24"})
    builder.wait(DAY)
