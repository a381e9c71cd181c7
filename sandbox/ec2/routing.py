"""Route tables as stored, and what other parts of the simulation ask of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network

from sandbox.ec2.vpcs import Vpc
from sandbox.errors import AwsError
from sandbox.world import Place

CLASSIC_RANGE = IPv4Network("10.0.0.0/8")
LOCAL = "local"


@lru_cache(maxsize=4096)
def _network(cidr: str) -> IPv4Network:
    """Asked for at every look at who can reach whom."""
    return IPv4Network(cidr)


@lru_cache(maxsize=4096)
def _address(text: str) -> IPv4Address:
    return IPv4Address(text)


@dataclass
class Route:
    """`target_kind` is the member that names the target: GatewayId, NatGatewayId, InstanceId …"""

    destination: str
    target_kind: str
    target: str
    origin: str = "CreateRoute"

    @property
    def network(self) -> IPv4Network:
        return _network(self.destination)

    @property
    def is_local(self) -> bool:
        return self.target == LOCAL


@dataclass
class Association:
    id: str
    subnet_id: str | None  # None: the VPC's main table


@dataclass
class RouteTable:
    id: str
    vpc_id: str
    visible_at: datetime
    routes: list[Route] = field(default_factory=list)
    associations: list[Association] = field(default_factory=list)
    client_token: str = ""

    @property
    def is_main(self) -> bool:
        return any(association.subnet_id is None for association in self.associations)


def local_route(cidr: str) -> Route:
    return Route(cidr, "GatewayId", LOCAL, "CreateRouteTable")


def make_table(place: Place, vpc: Vpc) -> RouteTable:
    """A table of a VPC with ClassicLink starts with the route to Classic as well (aws-facts A1)."""
    table = RouteTable(place.new_id("rtb"), vpc.id, place.visible_from_now(), [local_route(vpc.cidr)])
    if vpc.classic_link:
        table.routes.append(local_route(str(CLASSIC_RANGE)))
    place.table(RouteTable)[table.id] = table
    return table


def make_main_table(place: Place, vpc: Vpc) -> RouteTable:
    table = make_table(place, vpc)
    table.associations.append(Association(place.new_id("rtbassoc"), None))
    return table


def find_table(place: Place, table_id: str) -> RouteTable:
    """Raises InvalidRouteTableID.NotFound."""
    table = place.seen(RouteTable).get(table_id)
    if table is None:
        raise AwsError("InvalidRouteTableID.NotFound", f"The routeTable ID '{table_id}' does not exist")
    return table


def tables_of(place: Place, vpc_id: str) -> Iterator[RouteTable]:
    return (table for table in place.table(RouteTable).values() if table.vpc_id == vpc_id)


def main_table(place: Place, vpc_id: str) -> RouteTable:
    return next(table for table in tables_of(place, vpc_id) if table.is_main)


def table_of_subnet(place: Place, subnet_id: str, vpc_id: str) -> RouteTable:
    """The table that rules a subnet: its own, or else the VPC's main table."""
    for table in tables_of(place, vpc_id):
        if any(association.subnet_id == subnet_id for association in table.associations):
            return table
    return main_table(place, vpc_id)


def route_to(table: RouteTable, address: str) -> Route | None:
    """The most specific route to an address."""
    wanted = _address(address)
    fitting = [route for route in table.routes if wanted in route.network]
    return max(fitting, key=lambda route: route.network.prefixlen, default=None)


def routes_of_vpc(place: Place, vpc_id: str) -> Iterator[tuple[RouteTable, Route]]:
    """All routes of all tables of a VPC, each with its table."""
    for table in tables_of(place, vpc_id):
        yield from ((table, route) for route in table.routes)


def add_classic_link_route(place: Place, vpc_id: str) -> None:
    """10.0.0.0/8 -> local in every table: what enabling ClassicLink adds (aws-facts A1)."""
    for table in tables_of(place, vpc_id):
        if not any(route.network == CLASSIC_RANGE for route in table.routes):
            table.routes.append(local_route(str(CLASSIC_RANGE)))


def remove_classic_link_route(place: Place, vpc_id: str) -> None:
    for table in tables_of(place, vpc_id):
        table.routes = [route for route in table.routes if not (route.is_local and route.network == CLASSIC_RANGE)]


def forget_subnet(place: Place, subnet_id: str) -> None:
    """Drop the association of a subnet that is being deleted."""
    for table in place.table(RouteTable).values():
        table.associations = [one for one in table.associations if one.subnet_id != subnet_id]
