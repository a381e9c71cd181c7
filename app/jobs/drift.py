"""Drift: whether the account is still what the plan was made from, asked before the first change."""

from collections.abc import Sequence
from typing import Any

from app.db import Database
from app.execution.pacing import PacedCloud
from app.inventories.values import StoredInventories
from app.planning.inventory import Inventory, Ref
from app.planning.plan import PlannedStep
from app.plans.models import Plan
from app.resources import all_kinds
from app.resources.discovery import discover

SHOWN = 20


async def drift_of(
    database: Database, plan: Plan, steps: Sequence[PlannedStep], cloud: PacedCloud
) -> dict[str, Any] | None:
    """An error that says what changed, or None. Reads the account anew."""
    async with database.reading() as session:
        before = await StoredInventories().load(session, plan.inventory_id)
    now = await discover(cloud, all_kinds())
    touched = {Ref.parse(step.subject) for step in steps}
    touched |= {ref for known in touched if (found := before.get(known)) for ref in found.refers_to}
    standing = sorted(ref for ref in touched if before.party(ref) == ref)  # a holder's members come and go
    changed = [line for ref in standing if (line := _difference(ref, before, now))]
    if not changed:
        return None
    more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    return {
        "code": "drifted",
        "detail": "The account changed since the plan was made, and nothing was touched. Discover and plan anew. "
        f"Changed: {'; '.join(changed[:SHOWN])}{more}.",
        "changed": changed[:SHOWN],
    }


def _difference(ref: Ref, before: Inventory, now: Inventory) -> str | None:
    old, new = before.get(ref), now.get(ref)
    if old is None:  # made by the plan itself
        return None
    if new is None:
        return f"{ref} is gone"
    kind = all_kinds()[ref.kind]
    was, is_ = kind.steady(old, before), kind.steady(new, now)
    names = [name for name in sorted({*was, *is_}) if was.get(name) != is_.get(name)]
    if old.name != new.name:
        names.append("name")
    return f"{ref} has another {', '.join(names)}" if names else None
