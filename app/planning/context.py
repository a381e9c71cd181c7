"""What a plan is made from, as step kinds see it: the inventory, the target, and who moves."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeVar, cast

from app.planning.effects import Effect
from app.planning.inventory import Inventory, Json, Ref, Resource
from app.planning.plan import Flow, Strategy, promise, step_id

NEW_VPC = Ref("vpc", "new")
LEAST_ZONES = 2

T = TypeVar("T")


class OverrideError(ValueError):
    """An override that cannot be meant: another type of value than its kind works with."""

    def __init__(self, ref: Ref, key: str, expected: type) -> None:
        super().__init__(f"the override {key} of {ref} takes a value of type {expected.__name__}")
        self.ref = ref
        self.key = key


@dataclass(frozen=True, slots=True)
class Target:
    """Where things go. With `create_cidr` the VPC does not exist yet and its ids are promises."""

    vpc_id: str | None = None
    subnets: Mapping[str, str] = field(default_factory=dict)  # zone -> subnet id
    db_subnet_group: str | None = None
    create_cidr: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """How a plan is carried out; `gates` are "before:<phase>". `max_out_of_service`: members of one load balancer
    at once; None: a quarter of them, and one at least."""

    max_parallel_instances: int = 20
    max_out_of_service: int | None = None
    gates: tuple[str, ...] = ()
    on_failure: Literal["halt", "undo"] = "halt"
    soak_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asked for. `refs` and `tags` absent: everything that is Classic."""

    strategy: Strategy
    target: Target
    refs: tuple[str, ...] | None = None
    tags: Mapping[str, str] | None = None
    settings: Settings = Settings()
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Context:
    """Handed to every step kind while planning. `scope` is what moves; `makers` maps a kind to the
    action whose result holds the counterpart of a resource of that kind."""

    inventory: Inventory
    request: Request
    scope: frozenset[Ref]
    flows: tuple[Flow, ...]
    makers: Mapping[str, str]
    linkable: frozenset[str]  # kinds that ClassicLink can link
    present: tuple[Effect, ...] = ()  # who is where, linked, let in and led to before anything runs
    shared: Mapping[Ref, str] = field(default_factory=dict)  # counterparts of earlier jobs that serve this plan too
    _known: dict[Callable[..., Any], Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def strategy(self) -> Strategy:
        return self.request.strategy

    @property
    def incremental(self) -> bool:
        return self.request.strategy == "incremental"

    @property
    def target(self) -> Target:
        return self.request.target

    @property
    def settings(self) -> Settings:
        return self.request.settings

    def moves(self, ref: Ref) -> bool:
        return ref in self.scope

    def moving(self, kind: str) -> Iterable[Resource]:
        """Resources of a kind that move, in order of id."""
        return (resource for resource in self.inventory.of(kind) if resource.ref in self.scope)

    def override(self, ref: Ref, key: str, default: Json = None) -> Json:
        """What a person set for `ref`, else the default. Raises OverrideError where the types differ."""
        value = self.request.overrides.get(str(ref), {}).get(key, default)
        if default is not None and type(value) is not type(default):
            raise OverrideError(ref, key, type(default))
        return value

    def counterpart(self, ref: Ref) -> Json:
        """The VPC id that stands for `ref`: its own where it is in the VPC already, that of what an earlier job made
        of it, else a promise.

        Raises KeyError for something Classic that does not move.
        """
        if self.moves(ref):
            return self.shared.get(ref) or promise(step_id(self.makers[ref.kind], ref))
        resource = self.inventory.get(ref)
        if resource is None or resource.platform != "vpc":
            raise KeyError(f"{ref} is not in the VPC and does not move")
        return ref.id

    def once(self, work: Callable[["Context"], T]) -> T:
        """`work(self)`, worked out when first asked for: an index that every resource is held against."""
        if work not in self._known:
            self._known[work] = work(self)
        return cast(T, self._known[work])

    @property
    def vpc_id(self) -> Json:
        """The target VPC's id, or the promise of it."""
        return self.target.vpc_id or promise(step_id("vpc.create", NEW_VPC))

    @property
    def vpc(self) -> Resource | None:
        """The target VPC as discovered; None where it is still to be made."""
        return self.inventory.get(Ref("vpc", self.target.vpc_id)) if self.target.vpc_id else None

    def subnet(self, zone: str) -> Json:
        """The target's subnet in a zone, or its promise; None where the target has none there."""
        if self.target.create_cidr:
            return promise(step_id("vpc.create", NEW_VPC), f"subnets.{zone}")
        return self.target.subnets.get(zone)

    @property
    def zones(self) -> tuple[str, ...]:
        """Zones the target covers, sorted; a VPC still to be made covers every zone in use, and no fewer than
        two where the region has them: a DB subnet group cannot do with one."""
        if not self.target.create_cidr:
            return tuple(sorted(self.target.subnets))
        moving = [resource.facts for resource in self.inventory if resource.ref in self.scope]
        used = {str(facts["zone"]) for facts in moving if facts.get("zone")}
        used |= {str(zone) for facts in moving for zone in facts.get("zones", ())}
        region = self.inventory.get(Ref("region", self.inventory.region))
        offered = region.facts.get("offerings") if region else None
        spare = sorted(set(offered) - used) if used and isinstance(offered, Mapping) else []
        return tuple(sorted([*used, *spare[: max(0, LEAST_ZONES - len(used))]]))

    @cached_property
    def neighbours(self) -> frozenset[Ref]:
        """Everything at either end of a flow whose other end moves."""
        found: set[Ref] = set()
        for flow in self.flows:
            sources = {Ref.parse(ref) for ref in flow.sources}
            targets = {Ref.parse(ref) for ref in flow.targets}
            if targets & self.scope:
                found |= sources
            if sources & self.scope:
                found |= targets
        return frozenset(found)
