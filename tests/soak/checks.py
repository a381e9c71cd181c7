"""What must be true of a job, whatever happened to it: each returns what is wrong."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.kit.shop_over_http import made_twice, unaccounted
from tests.kit.undone import unrestored
from tests.soak.client import Thing
from tests.soak.watching import LOOK_EVERY, Hold

# Where a job stands still in the middle: a step that came to no end may have made something.
UNENDED = frozenset({"succeeded", "running", "verifying", "failed", "undoing", "undo_failed"})
SLACK = timedelta(seconds=3 * LOOK_EVERY)
MEASURED = ("instance:", "rds_instance:", "load_balancer:", "auto_scaling_group:", "cidr:")


def twice(made: Sequence[Any]) -> list[str]:
    """I1."""
    return list(made_twice([(type_, id_, step) for type_, id_, step in made]))


def strays(made: Sequence[Any], steps: Sequence[Thing], touched: Set[str], *, ended: bool) -> list[str]:
    """I2; what a third party touched aside. `ended`: every step came to an end."""
    there = [(type_, id_, step) for type_, id_, step in made if id_ not in touched]
    good = frozenset({"succeeded"}) if ended else UNENDED
    found = unaccounted(there, steps, good)
    return [line for line in found if not any(id_ in line for id_ in touched)]


def untold(changes: Mapping[str, int], lines: Sequence[Thing]) -> list[str]:
    """I6: calls that arrived more often than they were meant."""
    meant = Counter(str(line["data"]["operation"]) for line in lines if line["event"] == "aws.intent")
    return [
        f"{operation} was called {made} times and meant {meant[operation]} times"
        for operation, made in changes.items()
        if made > meant[operation]
    ]


def usurped(lines: Sequence[Thing], holds: Sequence[Hold]) -> Iterator[str]:
    """I9: calls that somebody made who did not hold the job when he meant them. Nothing is concluded where a hold was
    too short to be seen."""
    if not holds or [hold.fence for hold in holds] != list(range(1, len(holds) + 1)):
        return
    meant: dict[tuple[str, str, str], datetime] = {}
    for line in sorted(lines, key=lambda each: int(each["seq"])):
        what = (str(line["actor"]), str(line["step_id"]), str(line["data"]["operation"]))
        if line["event"] == "aws.intent":
            meant[what] = datetime.fromisoformat(line["at"])
            continue
        at, holder = meant[what], what[0].removeprefix("worker:")
        if not _held(holds, holder, at):
            yield f"{what[2]} of {what[1]} was meant by {holder} at {at}, who held it not: {holds}"


def _held(holds: Sequence[Hold], holder: str, at: datetime) -> bool:
    """Whether `holder` may have held it: a hold is seen a moment after it began."""
    ends = [each.seen for each in holds[1:]]
    spans = [(hold, hold.seen - SLACK, end) for hold, end in zip(holds, [*ends, None], strict=True)]
    return any(hold.holder == holder and began <= at and (end is None or at <= end) for hold, began, end in spans)


def changed(before: Thing, after: Thing, touched: Set[str]) -> list[str]:
    """I4: where the account is not as it was; what a third party touched aside."""
    return unrestored(without(before, touched), without(after, touched))


def without(picture: Thing, ids: Set[str]) -> Thing:
    """A picture less the things that have to do with these ids."""
    return {
        name: [one for one in things if not any(id_ in repr(one) for id_ in ids)] for name, things in picture.items()
    }


def watchable(flow: Thing) -> bool:
    """Whether the sandbox can tell if it is up."""
    parties = (*flow["sources"], *flow["targets"])
    known = all(party.startswith(MEASURED) for party in parties)
    on_a_port = flow["protocol"] in ("tcp", "udp") and flow.get("from_port") is not None
    return on_a_port and known and bool(flow["sources"] and flow["targets"])


@dataclass(frozen=True, slots=True)
class Promises:
    """What a plan promises, by flow id: those it calls kept, and how many serve behind each load balancer."""

    kept: frozenset[str]
    least: Mapping[str, int]


def promises_of(flows: Iterable[Thing]) -> Promises:
    flows = list(flows)
    return Promises(
        frozenset(flow["id"] for flow in flows if flow["verdict"] == "kept"),
        {flow["id"]: flow["least_in_service"] for flow in flows if "least_in_service" in flow},
    )


def short(outages: Sequence[Thing], least: Mapping[str, int]) -> list[str]:
    """I5: load balancers that could call fewer of their members than the plan allows."""
    return [
        f"{one['flow']} had {one['least_in_service']} in service of the {least[one['flow']]} that the plan promises: "
        f"{one['down'][:2]}"
        for one in outages
        if one.get("least_in_service", 0) < least.get(one["flow"], 0)
    ]


def broken(outages: Sequence[Thing], kept: Set[str]) -> list[str]:
    """I10: flows that were to be kept and were down."""
    return [
        f"{one['flow']} was to be kept and was down for {one['total_seconds']:.0f} s: {one['down'][:2]}"
        for one in outages
        if one["flow"] in kept and one["total_seconds"] > 0
    ]
