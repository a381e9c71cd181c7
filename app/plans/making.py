"""From what a person asked for to the plan and its document, as values that can be stored."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from app.db import JsonList, JsonObject
from app.errors import FieldError, Invalid
from app.planning.context import OverrideError, Request, Settings, Target
from app.planning.inventory import Inventory
from app.planning.plan import Plan as PlanValue
from app.planning.planner import make_plan
from app.planning.scope import ScopeError
from app.plans.models import Plan
from app.plans.targets import check, escaped
from app.resources import all_kinds

LEVELS = ("blocker", "warning", "note")
VERDICTS = ("kept", "interrupted", "already_broken")
EXTENTS = ("wholly", "partly")


@dataclass(frozen=True)
class Made:
    """A plan as its tables take it."""

    plan_hash: str
    counts: JsonObject
    estimate: JsonObject
    steps: JsonList
    findings: JsonList
    flows: JsonList


def request_of(plan: Plan) -> Request:
    """What a stored plan was asked to do, as planning takes it: the same request makes the same plan."""
    scope: Mapping[str, Any] = plan.scope or {}
    target: Mapping[str, Any] = plan.target
    settings: Mapping[str, Any] = plan.settings
    return Request(
        strategy="incremental" if plan.strategy == "incremental" else "all_at_once",
        target=Target(
            vpc_id=target.get("vpc_id"),
            subnets=dict(target.get("subnets") or {}),
            db_subnet_group=target.get("db_subnet_group"),
            create_cidr=(target.get("create") or {}).get("cidr"),
        ),
        refs=None if scope.get("refs") is None else tuple(scope["refs"]),
        tags=scope.get("tags") or None,
        settings=Settings(**{**settings, "gates": tuple(settings.get("gates", ()))}),
        overrides=cast(Mapping[str, Mapping[str, Any]], plan.overrides),
    )


async def made(inventory: Inventory, request: Request) -> Made:
    """The plan, made off the event loop. Raises Invalid that points at what cannot be meant."""
    check(unknown_overrides(inventory, request))
    try:
        return await asyncio.to_thread(make, inventory, request)
    except ScopeError as error:
        raise Invalid(
            f"{len(error.refs)} ref(s) of the scope cannot be moved: see errors.",
            errors=list(scope_errors(error, request)),
        ) from error
    except OverrideError as error:
        pointer = f"/overrides/{escaped(str(error.ref))}/{escaped(error.key)}"
        raise Invalid(f"Correct it: {error}.", errors=[FieldError(pointer, "wrong_type", f"{error}.")]) from error


def make(inventory: Inventory, request: Request) -> Made:
    """The plan, made here and now; large ones take seconds."""
    plan = make_plan(inventory, request, all_kinds())
    body = plan.as_json()
    return Made(
        plan_hash=plan.hash,
        counts=counts(plan),
        estimate={**plan.estimate, "aws_calls": round(plan.estimate["aws_calls"])},
        steps=body["steps"],
        findings=body["findings"],
        flows=body["flows"],
    )


def counts(plan: PlanValue) -> JsonObject:
    """How much there is to read, by what matters."""
    levels = Counter(finding.level for finding in plan.findings)
    verdicts = Counter(flow.verdict for flow in plan.flows)
    extents = Counter(step.stays for step in plan.steps)
    return {
        "steps": len(plan.steps),
        "resources": len(plan.scope),
        "findings": {level: levels[level] for level in LEVELS},  # type: ignore[index]
        "flows": {verdict: verdicts[verdict] for verdict in VERDICTS},  # type: ignore[index]
        "irreversible": {extent: extents[extent] for extent in EXTENTS},  # type: ignore[index]
    }


def scope_errors(error: ScopeError, request: Request) -> Iterator[FieldError]:
    """Where in the request the offending refs stand."""
    places = {ref: place for place, ref in enumerate(request.refs or ())}
    for ref in error.refs:
        yield FieldError(f"/scope/refs/{places[ref]}", "cannot_be_moved", f"{ref} is {error}.")


def unknown_overrides(inventory: Inventory, request: Request) -> Iterator[FieldError]:
    """An override of something that isn't there would be one that nobody misses."""
    known = {str(resource.ref) for resource in inventory} if request.overrides else set()
    for ref in request.overrides:
        if ref not in known:
            detail = f"{ref} is not in the inventory: correct the ref, or discover again."
            yield FieldError(f"/overrides/{escaped(ref)}", "unknown_ref", detail)
