"""What moves: the request's own choice, and what has to come along with it."""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Protocol

from app.planning.context import NEW_VPC, Request
from app.planning.flows import serving
from app.planning.inventory import Inventory, Ref, Resource
from app.planning.plan import Finding, Flow


class ScopeError(ValueError):
    """The request names what cannot be moved; `refs` are the offending ones."""

    def __init__(self, message: str, refs: Sequence[str]) -> None:
        super().__init__(message)
        self.refs = tuple(refs)


class Movable(Protocol):
    """A kind as far as the scope asks: `comes_along` where a resource that refers to one of its
    resources cannot move without it; `linkable` where ClassicLink can link one; `moves` whether a resource
    is Classic and can have a counterpart."""

    @property
    def comes_along(self) -> bool: ...
    @property
    def linkable(self) -> bool: ...

    def moves(self, resource: Resource) -> bool: ...


def with_target(inventory: Inventory, request: Request) -> Inventory:
    """The inventory with the VPC that is still to be made in it, where the target asks for one."""
    if not request.target.create_cidr:
        return inventory
    new = Resource(NEW_VPC, "new", "vpc", {"cidr": request.target.create_cidr, "to_create": True})
    return Inventory(inventory.region, (*inventory.resources, new), inventory.gaps)


def choose(
    inventory: Inventory,
    request: Request,
    kinds: Mapping[str, Movable],
    flows: Iterable[Flow] = (),
    moved: Set[Ref] = frozenset(),
) -> frozenset[Ref]:
    """The refs that move. Raises ScopeError for refs that are unknown, not Classic, or moved already.

    `flows`: those for whose sake something that stays is linked, which takes the counterparts of its groups.
    `moved`: those that have a counterpart of an earlier job.
    """

    def movable(resource: Resource) -> bool:
        return resource.kind in kinds and kinds[resource.kind].moves(resource) and resource.ref not in moved

    chosen: set[Ref] = set()
    if request.refs is not None:
        unknown = [text for text in request.refs if inventory.get(Ref.parse(text)) is None]
        if unknown:
            raise ScopeError("not in the inventory: discover again, or correct the ref", unknown)
        again = [text for text in request.refs if Ref.parse(text) in moved]
        if again:
            raise ScopeError("moved by an earlier job already: finalize or undo that, or leave it out", again)
        resources = [found for text in request.refs if (found := inventory.get(Ref.parse(text)))]
        fixed = [str(resource.ref) for resource in resources if not movable(resource)]
        if fixed:
            raise ScopeError("not something Classic that can be moved: take it out of the scope", fixed)
        chosen = {resource.ref for resource in resources}
    if request.tags is not None:
        wanted = request.tags.items()
        chosen |= {r.ref for r in inventory if movable(r) and wanted <= dict(r.tags).items()}
    if request.refs is None and request.tags is None:
        chosen = {resource.ref for resource in inventory if movable(resource)}
        return _with_company(chosen, inventory, kinds)
    company = _with_company(chosen, inventory, kinds)
    return _with_company(company | _for_links(company, flows, inventory, kinds), inventory, kinds)


def _for_links(
    chosen: frozenset[Ref], flows: Iterable[Flow], inventory: Inventory, kinds: Mapping[str, Movable]
) -> set[Ref]:
    """What those have to be linked with who call, or are called by, what moves, and stay themselves.

    What refers back to its holder (an Elastic IP) is its own, and stays with it.
    """
    near: set[Ref] = set()
    for flow in flows:
        sources, targets = (set(map(Ref.parse, refs)) for refs in (flow.sources, flow.targets))
        near |= (sources if targets & chosen else set()) | (targets if sources & chosen else set())
    found: set[Ref] = set()
    for ref in near - chosen:
        resource = inventory.get(ref)
        if resource is None or resource.platform != "classic" or not serving(resource.facts):
            continue
        if ref.kind in kinds and kinds[ref.kind].linkable:
            found |= {other for other in resource.refers_to if ref not in _refers_to(other, inventory)}
    return {ref for ref in found if _comes_along(ref, inventory, kinds)}


def _refers_to(ref: Ref, inventory: Inventory) -> frozenset[Ref]:
    resource = inventory.get(ref)
    return resource.refers_to if resource else frozenset()


def _comes_along(ref: Ref, inventory: Inventory, kinds: Mapping[str, Movable]) -> bool:
    found = inventory.get(ref)
    return found is not None and ref.kind in kinds and kinds[ref.kind].comes_along and kinds[ref.kind].moves(found)


def _with_company(start: Set[Ref], inventory: Inventory, kinds: Mapping[str, Movable]) -> frozenset[Ref]:
    chosen, stack = set(start), sorted(start)
    while stack:
        resource = inventory.get(stack.pop())
        for ref in resource.refers_to if resource else ():
            if ref not in chosen and _comes_along(ref, inventory, kinds):
                chosen.add(ref)
                stack.append(ref)
    return frozenset(chosen)


def moved_before(inventory: Inventory, kinds: Mapping[str, Movable]) -> Iterable[Finding]:
    """A finding for each thing Classic that an earlier job has moved: it is not moved a second time."""
    for ref, twin in sorted(inventory.counterparts.items(), key=lambda item: item[0]):
        if ref.kind in kinds and not kinds[ref.kind].comes_along:
            yield Finding(
                "note",
                "moved_already",
                str(ref),
                f"{ref} was moved by an earlier job, to {twin.ref.id}, and is left out: finalize or undo that job.",
            )


def left_behind(inventory: Inventory, scope: frozenset[Ref], kinds: Mapping[str, Movable]) -> Iterable[Finding]:
    """A finding for each thing Classic that the scope refers to and that stays where it is."""
    for ref in sorted(scope):
        resource = inventory.get(ref)
        for other in sorted(resource.refers_to) if resource else ():
            found = inventory.get(other)
            if found is None or other in scope or other.kind not in kinds:
                continue
            if kinds[other.kind].moves(found):
                yield Finding(
                    "warning",
                    "stays_in_classic",
                    str(other),
                    f"{ref} refers to {other}, which is outside the scope and stays in EC2-Classic. "
                    "Add it to the scope unless that is meant.",
                )
