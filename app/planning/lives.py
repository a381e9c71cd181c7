"""When a resource and its counterpart are in service while a plan runs, where they are and what leads to them:
told from what the steps do, and from what is there before."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.planning.effects import Deregisters, Effect, Joins, Leads, Links, Opens, Registers, Serves, Stops
from app.planning.inventory import Ref
from app.planning.ordering import Edge, Ordering
from app.planning.plan import PlannedStep, StepId
from app.planning.rules import Groups, Rules
from app.planning.windows import Span

CLASSIC_NETS = ("10.0.0.0/8",)  # where whatever is in EC2-Classic calls from (aws-facts A1)
BALANCER = "load_balancer"
OUTSIDE = "cidr"
# What other steps come after, or are held against, again and again.
MARKED = (Opens, Links, Serves, Leads, Stops)


@dataclass(frozen=True)
class Surroundings:
    """What the account is like before the plan runs.

    `effects`: who is in which groups, linked, let in and led to already. `out`: refs not in service.
    `in_vpc`: refs that are in the VPC already. `linkable`: the kinds that ClassicLink can link at all
    (aws-facts A1). `nets`: the ranges from which counterparts call.
    """

    effects: tuple[Effect, ...] = ()
    out: frozenset[str] = frozenset()
    in_vpc: frozenset[str] = frozenset()
    linkable: frozenset[str] = frozenset({"instance"})
    nets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """`step` None: it is linked from the beginning."""

    groups: Groups
    step: StepId | None


def is_balancer(ref: str) -> bool:
    """Reached over its public name on either platform."""
    return ref.partition(":")[0] == BALANCER


def is_outside(ref: str) -> bool:
    return ref.partition(":")[0] == OUTSIDE


class Lives:
    """`order` is what the graph forces, `rules` whom the VPC's groups let in."""

    def __init__(self, steps: Sequence[PlannedStep], around: Surroundings) -> None:
        moving = [step for step in steps if step.phase != "finalize"]
        marked = [step.id for step in moving if any(isinstance(effect, MARKED) for effect in step.effects)]
        self._around = around
        self._stops: dict[str, list[StepId]] = {}
        self._joins: dict[str, list[Groups]] = {}
        self._serves: dict[str, list[StepId]] = {}
        self._leads: dict[tuple[str, str], list[StepId]] = {}
        self._registers: dict[tuple[str, str, bool], list[StepId]] = {}
        self._fronted: dict[str, list[StepId]] = {}
        self._leaves: dict[tuple[str, str], list[StepId]] = {}
        self._links: dict[str, Link] = {}
        self._homes: dict[str, Groups] = {}
        self._doors: dict[str, list[str]] = {}
        opens: list[tuple[Opens, StepId | None]] = []
        for effect in around.effects:
            self._note_present(effect, opens)
        for step in moving:
            for effect in step.effects:
                self._note(effect, step.id, opens)
        self.order = Ordering(moving, marked)
        self.rules = Rules(opens, self.order)
        self._ups: dict[tuple[str, bool], list[StepId]] = {}
        self._leaving: dict[str, Edge | None] = {}
        self._entering: dict[str, Edge | None] = {}

    def _note_present(self, effect: Effect, opens: list[tuple[Opens, StepId | None]]) -> None:
        match effect:
            case Opens():
                opens.append((effect, None))
            case Joins(ref, groups):
                self._homes[ref] = groups
            case Links(ref, groups):
                self._links[ref] = Link(groups, None)
            case Leads(name, to):
                self._doors.setdefault(to, []).append(name)
            case _:
                pass  # nothing of what moves is stopped, or behind a counterpart, beforehand

    def _note(self, effect: Effect, step: StepId, opens: list[tuple[Opens, StepId | None]]) -> None:
        match effect:
            case Opens():
                opens.append((effect, step))
            case Joins(ref, groups):
                self._joins.setdefault(ref, []).append(groups)
            case Serves(ref):
                self._serves.setdefault(ref, []).append(step)
            case Links(ref, groups):
                self._links.setdefault(ref, Link(groups, step))
            case Leads(name, to):
                self._leads.setdefault((name, to), []).append(step)
            case Stops(ref):
                self._stops.setdefault(ref, []).append(step)
            case Registers():
                self._note_registered(effect, step)
            case Deregisters(balancer, members):
                for member in members:
                    self._leaves.setdefault((balancer, member), []).append(step)

    def _note_registered(self, effect: Registers, step: StepId) -> None:
        for member in effect.members:
            self._registers.setdefault((effect.balancer, member, effect.twins), []).append(step)
            if effect.twins:
                self._fronted.setdefault(member, []).append(step)

    # -- where things are ------------------------------------------------------------------------

    def in_vpc(self, ref: str) -> bool:
        """Whether it is there from the beginning."""
        return ref in self._around.in_vpc

    def linkable(self, ref: str) -> bool:
        return Ref.parse(ref).kind in self._around.linkable

    def link(self, ref: str) -> Link | None:
        return self._links.get(ref) if self.linkable(ref) else None

    def linked(self, ref: str, ended: int) -> bool:
        """Whether ClassicLink has linked it once the marked steps `ended` have."""
        link = self.link(ref)
        return link is not None and (link.step is None or bool(self.order.bit(link.step) & ended))

    def home(self, ref: str) -> Groups | None:
        """The groups it is in beforehand, on its own platform."""
        return self._homes.get(ref)

    def joined(self, ref: str) -> Groups | None:
        """The VPC groups its counterpart is in, or itself where it is there already; None: there is none."""
        if ref in self._serves:
            first, *others = map(set, self._joins.get(ref, [()]))
            return tuple(sorted(first.intersection(*others)))
        return self._homes.get(ref, ()) if self.in_vpc(ref) else None

    @property
    def nets(self) -> tuple[str, ...]:
        return self._around.nets

    # -- when they serve -------------------------------------------------------------------------

    def names(self, ref: str, outside: bool) -> list[str]:
        """By what its callers go: within, what can be linked is called by its addresses, whatever they are."""
        return self._doors.get(ref, []) if outside or not self.linkable(ref) else []

    def downs(self, ref: str, outside: bool = False) -> list[StepId]:
        """Steps at whose start the source can be called no more, the earliest first."""
        refs = (ref, *self.names(ref, outside))
        return self.order.starts(id_ for each in refs for id_ in self._stops.get(each, ()))

    def ups(self, ref: str, outside: bool = False) -> list[StepId]:
        """Steps that must all have ended before its counterpart can be called, the last one last; none where it
        never can, since it is not made or a name of it does not come to lead there."""
        key = (ref, outside)
        if key not in self._ups:
            led = [self._leads.get((name, ref), []) for name in self.names(ref, outside)]
            made = self._serves.get(ref, [])
            found = [*made, *(id_ for ids in led for id_ in ids)] if made and all(led) else []
            self._ups[key] = self.order.ends(set(found))
        return self._ups[key]

    def made(self, ref: str) -> bool:
        return ref in self._serves

    def made_by(self, ref: str) -> StepId:
        """The step that makes the counterpart. Raises KeyError where there is none."""
        return self.order.ends(self._serves[ref])[-1]

    def shifts(self, balancer: str) -> list[list[StepId]]:
        """For each name of a load balancer: the steps by which it comes to lead to the counterpart."""
        return [self._leads.get((name, balancer), []) for name in self.names(balancer, outside=True)]

    def registered(self, balancer: str, member: str, twins: bool) -> list[StepId]:
        return self.order.ends(self._registers.get((balancer, member, twins), ()))

    def leaving(self, balancer: str, member: str) -> list[StepId]:
        """Steps at whose start the member itself is behind the load balancer no more, the earliest first."""
        return self.order.starts({*self._leaves.get((balancer, member), ()), *self._stops.get(member, ())})

    # -- as callers ------------------------------------------------------------------------------

    def leaves(self, source: str) -> Edge | None:
        """When the source calls nobody any more. None: it stays."""
        if source not in self._leaving:
            downs = self.order.starts(self._stops.get(source, ()))
            self._leaving[source] = (downs[0], "start") if downs else None
        return self._leaving[source]

    def enters(self, source: str) -> Edge | None:
        """When its counterpart calls others: that of a member, once it is behind a load balancer. None: never."""
        if source not in self._entering:
            serves = self._serves.get(source)
            ends = self.order.ends({*serves, *self._fronted.get(source, ())}) if serves else ()
            self._entering[source] = (ends[-1], "end") if ends else None
        return self._entering[source]

    def presence(self, source: str) -> list[Span]:
        """When some stand-in of a caller is in service, by the schedule."""
        leaves, enters = self.leaves(source), self.enters(source)
        if leaves is None or enters is None or is_outside(source):
            return [(float("-inf"), float("inf"))]
        return [(float("-inf"), self.order.time(leaves)), (self.order.time(enters), float("inf"))]
