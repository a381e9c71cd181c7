"""Drift: whether the account is still what the plan was made from, asked before the first change."""

from collections.abc import Collection, Sequence
from typing import Any

from app.execution.pacing import PacedCloud
from app.execution.states import DRIFTED
from app.planning.inventory import Inventory, Ref
from app.planning.plan import PlannedStep
from app.resources import all_kinds
from app.resources.discovery import discover
from app.resources.drift import SHOWN, differences, listed


async def drift_of(before: Inventory, steps: Sequence[PlannedStep], cloud: PacedCloud) -> dict[str, Any] | None:
    """An error that says what changed, or None. Reads the account anew."""
    now = await discover(cloud, all_kinds())
    touched = {Ref.parse(step.subject) for step in steps}
    touched |= {ref for known in touched if (found := before.get(known)) for ref in found.refers_to}
    if unread := _unread(touched, now):
        return unread
    standing = sorted(ref for ref in touched if before.party(ref) == ref)  # a holder's members come and go
    changed = differences(standing, before, now, all_kinds())
    if not changed:
        return None
    return {
        "code": DRIFTED,
        "detail": "The account changed since the plan was made, and nothing was touched. Discover and plan anew. "
        f"Changed: {listed(changed)}.",
        "changed": [each.as_json() for each in changed[:SHOWN]],
        "planning_anew": "would_do",
    }


def _unread(touched: Collection[Ref], now: Inventory) -> dict[str, Any] | None:
    """What could not be read may be there or not: neither is to be believed."""
    kinds = {ref.kind for ref in touched}
    for gap in now.gaps:
        if gap.kind in kinds and (gap.ref is None or Ref.parse(gap.ref) in touched):
            return {
                "code": "account_unreadable",
                "detail": f"Whether the account is as the plan takes it to be cannot be told, and nothing was touched: "
                f"{gap.detail} Mend the cause, then resume the job.",
            }
    return None
