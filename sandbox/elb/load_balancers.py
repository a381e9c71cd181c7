"""Classic load balancers: what one is, how it is described, and how it is deleted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.clock import Timer
from sandbox.ec2.groups import ELB_GROUP, ELB_OWNER, SecurityGroup
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

HOSTED_ZONE_ID = "Z35SXDOTRQ7X7K"
PAGE_SIZE = 400


@dataclass
class Listener:
    protocol: str
    port: int
    instance_protocol: str
    instance_port: int
    certificate_id: str | None = None
    policy_names: list[str] = field(default_factory=list)


@dataclass
class Policy:
    name: str
    type_name: str
    attributes: list[tuple[str, str]]


@dataclass
class HealthCheck:
    target: str
    interval: int = 30
    timeout: int = 5
    unhealthy_threshold: int = 2
    healthy_threshold: int = 10

    @property
    def port(self) -> int:
        return int(self.target.split(":")[1].split("/")[0])


@dataclass
class Member:
    """A registered instance and what the load balancer last thought of it.

    `reachable` is what the last look at the account said; `timer` turns it into `in_service` after
    as many checks as the health check demands.
    """

    instance_id: str
    in_service: bool = False
    reason_code: str = "ELB"
    description: str = "Instance registration is still in progress."
    registered: bool = False
    reachable: bool | None = None
    timer: Timer | None = None


@dataclass
class LoadBalancer:
    """`vpc_id` is None in EC2-Classic, where `zones` are chosen; in a VPC they follow from `subnets`."""

    name: str
    dns_name: str
    scheme: str
    vpc_id: str | None
    subnets: list[str]
    zones: list[str]
    group_ids: list[str]
    listeners: list[Listener]
    health_check: HealthCheck
    created: datetime
    visible_at: datetime
    members: dict[str, Member] = field(default_factory=dict)
    draining: set[str] = field(default_factory=set)
    policies: dict[str, Policy] = field(default_factory=dict)
    backend_policies: dict[int, list[str]] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def instance_ids(self) -> list[str]:
        return list(self.members)

    @property
    def in_service_ids(self) -> list[str]:
        return [member.instance_id for member in self.members.values() if member.in_service]


def find_load_balancer(place: Place, name: str) -> LoadBalancer:
    """The load balancer a caller named. Raises LoadBalancerNotFound."""
    found = place.seen(LoadBalancer).get(name)
    if found is None:
        raise AwsError("LoadBalancerNotFound", f"There is no ACTIVE Load Balancer named '{name}'")
    return found


def load_balancer_at(place: Place, dns_name: str) -> LoadBalancer | None:
    """The load balancer that answers under `dns_name` at this moment."""
    wanted = dns_name.rstrip(".").lower()
    for balancer in place.table(LoadBalancer).values():
        if balancer.dns_name.lower() == wanted:
            return balancer
    return None


@operation("elb", "DescribeLoadBalancers")
def describe_load_balancers(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    named = request.get("LoadBalancerNames")
    if named:
        return {"LoadBalancerDescriptions": [_view(place, find_load_balancer(place, n)) for n in named]}
    size = int(request.get("PageSize") or PAGE_SIZE)
    if not 1 <= size <= PAGE_SIZE:
        raise AwsError("ValidationError", f"PageSize must be between 1 and {PAGE_SIZE}")
    after = request.get("Marker") or ""
    rest = [b for name, b in sorted(place.seen(LoadBalancer).items()) if name > after]
    answer: dict[str, Any] = {"LoadBalancerDescriptions": [_view(place, b) for b in rest[:size]]}
    if len(rest) > size:
        answer["NextMarker"] = rest[size - 1].name
    return answer


@operation("elb", "DeleteLoadBalancer")
def delete_load_balancer(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Deleting what is not there succeeds too; the DNS name never comes back."""
    gone = place.table(LoadBalancer).pop(request["LoadBalancerName"], None)
    if gone is not None:
        for member in gone.members.values():
            if member.timer:
                member.timer.cancel()
        place.changed()
    return {}


def _view(place: Place, balancer: LoadBalancer) -> dict[str, Any]:
    view: dict[str, Any] = {
        "LoadBalancerName": balancer.name,
        "DNSName": balancer.dns_name,
        "CanonicalHostedZoneNameID": HOSTED_ZONE_ID,
        "ListenerDescriptions": [_listener_view(listener) for listener in balancer.listeners],
        "Policies": _policies_view(balancer),
        "BackendServerDescriptions": [
            {"InstancePort": port, "PolicyNames": list(names)}
            for port, names in sorted(balancer.backend_policies.items())
        ],
        "AvailabilityZones": list(balancer.zones),
        "Subnets": list(balancer.subnets),
        "Instances": [{"InstanceId": instance_id} for instance_id in balancer.members],
        "HealthCheck": health_check_view(balancer.health_check),
        "SourceSecurityGroup": _source_group(place, balancer),
        "SecurityGroups": list(balancer.group_ids),
        "CreatedTime": balancer.created,
        "Scheme": balancer.scheme,
    }
    if balancer.scheme == "internet-facing":
        view["CanonicalHostedZoneName"] = balancer.dns_name
    if balancer.vpc_id:
        view["VPCId"] = balancer.vpc_id
    return view


def _listener_view(listener: Listener) -> dict[str, Any]:
    view: dict[str, Any] = {
        "Protocol": listener.protocol,
        "LoadBalancerPort": listener.port,
        "InstanceProtocol": listener.instance_protocol,
        "InstancePort": listener.instance_port,
    }
    if listener.certificate_id:
        view["SSLCertificateId"] = listener.certificate_id
    return {"Listener": view, "PolicyNames": list(listener.policy_names)}


def _policies_view(balancer: LoadBalancer) -> dict[str, Any]:
    app, cookie, other = [], [], []
    for policy in balancer.policies.values():
        attributes = dict(policy.attributes)
        if policy.type_name == "AppCookieStickinessPolicyType":
            app.append({"PolicyName": policy.name, "CookieName": attributes.get("CookieName", "")})
        elif policy.type_name == "LBCookieStickinessPolicyType":
            described: dict[str, Any] = {"PolicyName": policy.name}
            if attributes.get("CookieExpirationPeriod"):
                described["CookieExpirationPeriod"] = int(attributes["CookieExpirationPeriod"])
            cookie.append(described)
        else:
            other.append(policy.name)
    return {
        "AppCookieStickinessPolicies": app,
        "LBCookieStickinessPolicies": cookie,
        "OtherPolicies": other,
    }


def health_check_view(check: HealthCheck) -> dict[str, Any]:
    return {
        "Target": check.target,
        "Interval": check.interval,
        "Timeout": check.timeout,
        "UnhealthyThreshold": check.unhealthy_threshold,
        "HealthyThreshold": check.healthy_threshold,
    }


def _source_group(place: Place, balancer: LoadBalancer) -> dict[str, str]:
    """Classic ones share AWS's own group; a VPC one is known by its first group. aws-facts A2"""
    if balancer.vpc_id is None:
        return {"OwnerAlias": ELB_OWNER, "GroupName": ELB_GROUP}
    group = place.table(SecurityGroup).get(balancer.group_ids[0]) if balancer.group_ids else None
    return {"OwnerAlias": place.account_id, "GroupName": group.name if group else ""}
