"""Classic load balancers: what one is, finding one, and deleting it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.clock import Timer
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place


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
    as many checks as the health check demands. `address` is what it is known by: a Classic instance that was
    stopped and started has another one, to which nothing is sent until it is deregistered and registered again
    (AWS's reference of RegisterInstancesWithLoadBalancer, as long as there was EC2-Classic).
    """

    instance_id: str
    address: str = ""
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
