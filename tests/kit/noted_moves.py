"""Whole applications moved, undone, dry-run and finalized under a cloud that takes notes."""

from app.planning.context import Target
from app.planning.plan import Plan, Strategy
from sandbox.scenarios import scenarios
from tests.kit import corner_shop, odds
from tests.kit.noting import Notes, NotingBench

NEW_VPC = Target(create_cidr="172.22.0.0/16")
APPLICATIONS = {
    "shop": scenarios()["shop"].build,
    "elastic shop": scenarios()["elastic_shop"].build,
    "corner shop": corner_shop.build,
    "odds and ends": odds.build,
}
WAYS: list[tuple[Strategy, bool]] = [("incremental", False), ("all_at_once", True)]


def prepared(application: str, strategy: Strategy, new_vpc: bool, notes: Notes) -> tuple[NotingBench, Plan]:
    """A world with the application in it, and the plan to move it."""
    bench = NotingBench(notes)
    APPLICATIONS[application](bench.boto, bench.world)
    inventory = bench.discover()
    return bench, bench.plan(NEW_VPC if new_vpc else bench.target(inventory), strategy, inventory=inventory)


def there_and_back(bench: NotingBench, plan: Plan) -> None:
    """A dry run, the move with every step done twice, and its undo."""
    bench.rehearse(plan)
    bench.notes.twice = True
    outcome, journal = bench.execute(plan)
    bench.notes.twice = False
    assert (outcome, bench.undo(plan, journal)) == ("succeeded", "undone")


def there_for_good(bench: NotingBench, plan: Plan) -> None:
    """The move, and its finalizing."""
    outcome, journal = bench.execute(plan)
    assert (outcome, bench.finalize(plan, journal)[0]) == ("succeeded", "succeeded")
