"""What steps do to what can call what, as frozen data: the words in which plans are proved.

A step kind derives them from the step's own params alone, so that a step cannot claim what it is not told to
do; kinds say in the same words what is there before anything runs. Refs are those of sources: what a step
makes, and what it does to a counterpart, is told of the source it stands for. A security group goes by the id of
the step that makes it, or by its own id where it is there already.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from app.planning.inventory import Json

CLASSIC_BALANCERS = "amazon-elb"  # the group that all load balancers of EC2-Classic call from (aws-facts A2, CLB)


@dataclass(frozen=True, slots=True, order=True)
class Stops:
    """From the step's start the source serves no more; of an address: nobody answers there."""

    ref: str


@dataclass(frozen=True, slots=True, order=True)
class Joins:
    """The counterpart is put into these VPC groups. Beforehand: the thing itself, in its groups."""

    ref: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class Serves:
    """At the step's end, and that of all others that say so, the counterpart is up and can be called."""

    ref: str


@dataclass(frozen=True, slots=True, order=True)
class Links:
    """At its end the source is linked, with these VPC groups (aws-facts A1)."""

    ref: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class Opens:
    """At its end the group lets in on these ports whoever is in the group `source`, or calls from that CIDR."""

    group: str
    source: str
    protocol: str
    from_port: int | None
    to_port: int | None


@dataclass(frozen=True, slots=True, order=True)
class Registers:
    """At its end the members, or with `twins` their counterparts, are in service behind the balancer's counterpart."""

    balancer: str
    members: tuple[str, ...]
    twins: bool


@dataclass(frozen=True, slots=True, order=True)
class Deregisters:
    """From its start the members themselves are behind the balancer's counterpart no more."""

    balancer: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class Leads:
    """From its start on some, at its end (and what lingers) all who go by the name or address get to the
    counterpart of `to`. Beforehand: to the thing itself."""

    name: str
    to: str


Effect: TypeAlias = Stops | Joins | Serves | Links | Opens | Registers | Deregisters | Leads

_WORDS: dict[str, Callable[..., Effect]] = {
    "stops": Stops,
    "joins": Joins,
    "serves": Serves,
    "links": Links,
    "opens": Opens,
    "registers": Registers,
    "deregisters": Deregisters,
    "leads": Leads,
}


def as_json(effect: Effect) -> dict[str, Json]:
    """The effect as stored: its fields, and its word under `does`."""
    fields = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(effect).items()}
    return {"does": type(effect).__name__.lower(), **fields}


def from_json(row: Mapping[str, Any]) -> Effect:
    """Raises KeyError for a word of a later release."""
    fields = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items() if key != "does"}
    return _WORDS[row["does"]](**fields)


def in_order(effects: Iterable[Effect]) -> tuple[Effect, ...]:
    """Each once, in an order that depends on nothing but them."""
    return tuple(sorted(set(effects), key=lambda effect: (type(effect).__name__, repr(effect))))


def group_name(value: Json) -> str:
    """What a group goes by: the step that a promise of it names, else its id."""
    return str(value["$from"]) if isinstance(value, Mapping) else str(value)


def group_names(values: Iterable[Json]) -> tuple[str, ...]:
    return tuple(sorted(map(group_name, values)))


def source_of(value: Json) -> str:
    """The ref that a promised counterpart stands for; "" for what is no promise."""
    return str(value["$from"]).partition("/")[2] if isinstance(value, Mapping) else ""


def openings(group: str, permissions: Iterable[Mapping[str, Json]]) -> Iterator[Opens]:
    """What permissions, as EC2 takes them, open a group for."""
    for permission in permissions:
        ports = permission.get("FromPort"), permission.get("ToPort")
        for key, name in (("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"), ("UserIdGroupPairs", "GroupId")):
            for row in permission.get(key, ()):
                yield Opens(group, group_name(row[name]), permission["IpProtocol"], *ports)
