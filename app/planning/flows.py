"""Flows: who must be able to call whom, as values made by the kinds that hold the rules."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from app.planning.inventory import Inventory, Ref, Resource
from app.planning.plan import Flow

ANYWHERE = Ref("cidr", "0.0.0.0/0")


class Ruled(Protocol):
    """A kind that can tell the flows its resources stand for."""

    @property
    def name(self) -> str: ...

    def flows(self, resource: Resource, inventory: Inventory) -> Iterable[Flow]: ...


def make_flow(
    rule: str,
    sources: Iterable[Ref],
    targets: Iterable[Ref],
    protocol: str = "tcp",
    ports: tuple[int | None, int | None] = (None, None),
) -> Flow:
    """A flow whose id depends on its rule and ports alone, so that it keeps its id as members change."""
    text = f"{rule}|{protocol}|{ports[0]}|{ports[1]}"
    return Flow(
        id="flow-" + hashlib.sha256(text.encode()).hexdigest()[:16],
        rule=rule,
        sources=tuple(sorted({str(ref) for ref in sources})),
        targets=tuple(sorted({str(ref) for ref in targets})),
        protocol=protocol,
        from_port=ports[0],
        to_port=ports[1],
    )


def derive(inventory: Inventory, kinds: Mapping[str, Ruled]) -> tuple[Flow, ...]:
    """All flows of the inventory with somebody at both ends, in order of id, each once."""
    found: dict[str, Flow] = {}
    for resource in inventory:
        kind = kinds.get(resource.kind)
        for flow in kind.flows(resource, inventory) if kind else ():
            if flow.sources and flow.targets:
                found[flow.id] = flow
    return tuple(found[key] for key in sorted(found))


def members(inventory: Inventory, group: Ref, kind: str = "instance") -> Sequence[Ref]:
    """Resources of `kind` that belong to a security group, in order; whoever holds some stands for them,
    also while it has none, and the counterpart for what an earlier job has moved."""
    found = (resource for resource in inventory.referring_to(group) if kind in (resource.kind, resource.holds))
    return sorted({_at_work(inventory.party(resource.ref), inventory) for resource in found})


def _at_work(ref: Ref, inventory: Inventory) -> Ref:
    resource, twin = inventory.get(ref), inventory.counterparts.get(ref)
    return twin.ref if twin and resource and not serving(resource.facts) else ref


def serving(facts: Mapping[str, Any]) -> bool:
    """Whether discovery saw the thing in service: no state at all counts as in service."""
    return facts.get("state", "running") in ("running", "available", "backing-up", "active")
