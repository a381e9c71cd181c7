"""AWS's request throttles: token buckets per account, region and API, refilled on the sandbox's clock.

Sizes and refills are those AWS publishes for EC2 and Elastic Load Balancing ("Request throttling for the
Amazon EC2 API"). RDS, Route 53 and STS publish none and are not throttled here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.clock import Clock
from sandbox.errors import AwsError


@dataclass(frozen=True)
class Rate:
    size: float
    refill: float  # tokens per second


PAGED_READ = Rate(100, 20)
UNFILTERED_READ = Rate(50, 10)
CHANGE = Rate(50, 5)

_HEAVY_READS = frozenset({
    "DescribeInstances", "DescribeInstanceStatus", "DescribeSecurityGroups", "DescribeSnapshots",
    "DescribeVolumes",
})  # fmt: skip
_OWN_RATE: Mapping[str, Rate] = {
    **dict.fromkeys(["AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"], Rate(50, 5)),
    **dict.fromkeys(["RunInstances", "StartInstances"], Rate(5, 2)),
    **dict.fromkeys(["MoveAddressToVpc", "RestoreAddressToClassic", "DescribeMovingAddresses"], Rate(1, 1)),
    **dict.fromkeys(
        ["CreateSnapshot", "CreateSnapshots", "DeleteSnapshot", "CreateVolume", "DeleteVolume",
         "DeregisterImage", "ModifyNetworkInterfaceAttribute"],
        Rate(100, 5),
    ),
    **dict.fromkeys(["CreateTags", "DeleteTags"], Rate(100, 10)),
    "CopyImage": Rate(100, 1),
    "TerminateInstances": Rate(100, 5),
}  # fmt: skip
_RESOURCE_RATE: Mapping[str, Rate] = {
    "RunInstances": Rate(1_000, 2),
    "StartInstances": Rate(1_000, 2),
    "StopInstances": Rate(1_000, 20),
    "TerminateInstances": Rate(1_000, 20),
}
_ELB_ALL = Rate(40, 10)
_ELB_REGISTRATION = Rate(20, 4)
_ELB_CREATE = Rate(10, 0.2)


@dataclass(frozen=True)
class Draw:
    """What one call takes from one bucket."""

    bucket: str
    rate: Rate
    tokens: float = 1


def draws(service: str, operation: str, request: Mapping[str, Any]) -> Iterator[Draw]:
    """The buckets a call draws on; two where a call has request and resource tokens."""
    if service == "ec2":
        yield _ec2_draw(operation, request)
        if rate := _RESOURCE_RATE.get(operation):
            yield Draw(f"{operation} instances", rate, _instances(request))
    elif service == "elb":
        yield Draw("all", _ELB_ALL)
        if operation in {"RegisterInstancesWithLoadBalancer", "DeregisterInstancesFromLoadBalancer"}:
            yield Draw("registration", _ELB_REGISTRATION)
        if operation == "CreateLoadBalancer":
            yield Draw("create", _ELB_CREATE)


def _ec2_draw(operation: str, request: Mapping[str, Any]) -> Draw:
    if own := _OWN_RATE.get(operation):
        return Draw(operation, own)
    if not operation.startswith(("Describe", "Get", "List")):
        return Draw(operation, CHANGE)
    narrowed = bool(request.get("Filters")) or "MaxResults" in request or "NextToken" in request
    if operation in _HEAVY_READS and not narrowed:
        return Draw(f"{operation} unfiltered", UNFILTERED_READ)
    return Draw(operation, PAGED_READ)


def _instances(request: Mapping[str, Any]) -> int:
    return int(request.get("MaxCount", 0)) or len(request.get("InstanceIds", ()))


@dataclass
class _Bucket:
    rate: Rate
    tokens: float
    at: datetime

    def refill(self, now: datetime) -> None:
        passed = (now - self.at).total_seconds()
        self.tokens = min(self.rate.size, self.tokens + passed * self.rate.refill)
        self.at = now


@dataclass
class Throttle:
    clock: Clock
    enabled: bool = False
    _buckets: dict[tuple[str, str, str, str], _Bucket] = field(default_factory=dict)

    def admit(self, account_id: str, region: str, service: str, operation: str, request: Mapping[str, Any]) -> None:
        """Take the call's tokens from all its buckets, or none and raise the service's throttling error."""
        if not self.enabled:
            return
        wanted = [
            (self._bucket((account_id, region, service, draw.bucket), draw.rate), draw.tokens)
            for draw in draws(service, operation, request)
        ]
        if any(bucket.tokens < tokens for bucket, tokens in wanted):
            raise throttled(service)
        for bucket, tokens in wanted:
            bucket.tokens -= tokens

    def _bucket(self, key: tuple[str, str, str, str], rate: Rate) -> _Bucket:
        now = self.clock.now()
        bucket = self._buckets.setdefault(key, _Bucket(rate, rate.size, now))
        bucket.refill(now)
        return bucket


def throttled(service: str) -> AwsError:
    """How a service says "slow down": EC2 has a code of its own."""
    if service == "ec2":
        return AwsError("RequestLimitExceeded", "Request limit exceeded.", 503)
    return AwsError("Throttling", "Rate exceeded", 400)
