"""Changes: when what was asked of Route 53 has reached all of its servers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.errors import AwsError
from sandbox.route53.home import everywhere
from sandbox.service import operation
from sandbox.world import Place


@dataclass
class Change:
    id: str
    comment: str
    submitted_at: datetime
    in_sync: bool
    visible_at: datetime


def new_change(home: Place, comment: str) -> Change:
    """A change that is PENDING until `durations.dns_change` has passed."""
    now = home.clock.now()
    digits = home.world.random.getrandbits(56)
    change = Change(f"C{digits:014X}", comment, now, False, now)
    home.table(Change)[change.id] = change

    def finish() -> None:
        change.in_sync = True

    home.clock.after(home.durations.dns_change, finish)
    return change


def change_view(change: Change) -> dict[str, Any]:
    view: dict[str, Any] = {
        "Id": f"/change/{change.id}",
        "Status": "INSYNC" if change.in_sync else "PENDING",
        "SubmittedAt": change.submitted_at,
    }
    if change.comment:
        view["Comment"] = change.comment
    return view


@operation("route53", "GetChange")
def get_change(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    change_id = request["Id"].removeprefix("/change/")
    change = everywhere(place).seen(Change).get(change_id)
    if change is None:
        raise AwsError("NoSuchChange", f"Could not find resource with ID: {change_id}", 404)
    return {"ChangeInfo": change_view(change)}
