"""A worker is killed at every seam of the way that the corner shop's database does not take: a database with a read
replica, which is fenced, snapshot, restored under its own name, and gets another replica."""

from app.execution.journal import MemoryJournal
from app.planning.context import Target
from sandbox.builder import Builder
from tests.crash.test_every_seam import drive, ended, shape, unlike
from tests.kit import corner_shop
from tests.kit.account import account
from tests.kit.bench import Bench
from tests.kit.killing import Seams, outlive
from tests.kit.undone import unrestored


def a_database_and_its_replica() -> tuple[Bench, Target]:
    bench = Bench()
    builder = Builder(bench.boto, bench.world)
    corner_shop.database(builder, [builder.group("web", "whoever calls it")])
    changes = {"BackupRetentionPeriod": 1, "ApplyImmediately": True}
    builder.call("rds", "ModifyDBInstance", DBInstanceIdentifier="main", **changes)
    builder.wait(600)
    builder.call(
        "rds", "CreateDBInstanceReadReplica", DBInstanceIdentifier="reports", SourceDBInstanceIdentifier="main"
    )
    builder.wait(1_800)
    zones = {"us-east-1a": "172.20.1.0/24", "us-east-1b": "172.20.2.0/24"}
    _, subnets = builder.network("target", "172.20.0.0/16", zones)
    group = {"DBSubnetGroupName": "landing", "DBSubnetGroupDescription": "x"}
    builder.call("rds", "CreateDBSubnetGroup", **group, SubnetIds=subnets)
    builder.wait(600)
    return bench.past_the_wire(), bench.target()


def test_a_worker_killed_at_any_seam_of_a_restore_is_survived_forward_and_by_undo() -> None:
    rehearsal, target = a_database_and_its_replica()
    assert drive(rehearsal, rehearsal.plan(target), MemoryJournal(), Seams()) == "succeeded"
    expected = shape(rehearsal)

    bench, target = a_database_and_its_replica()
    before = account(bench.look)
    plan, journal = bench.plan(target), MemoryJournal()
    assert "rds_instance.fence" in {step.action for step in plan.steps}

    def another_worker_finishes() -> list[str]:
        outcome = drive(bench, plan, journal, Seams())
        return ended(outcome, "succeeded", journal) + unlike(bench, expected)

    def a_person_asks_for_undo() -> list[str]:
        outcome = drive(bench, plan, journal, Seams(), back=True)
        return ended(outcome, "undone", journal) + unrestored(before, account(bench.look))

    seams = Seams({"another worker": another_worker_finishes, "undo": a_person_asks_for_undo})
    assert outlive(lambda: drive(bench, plan, journal, seams)) == "succeeded"
    assert seams.wrong == []


def test_a_worker_killed_at_any_seam_of_undoing_a_restore_is_survived() -> None:
    bench, target = a_database_and_its_replica()
    before = account(bench.look)
    plan, journal = bench.plan(target), MemoryJournal()
    assert drive(bench, plan, journal, Seams()) == "succeeded"

    def another_worker_goes_on() -> list[str]:
        outcome = drive(bench, plan, journal, Seams(), back=True)
        return ended(outcome, "undone", journal) + unrestored(before, account(bench.look))

    seams = Seams({"another worker": another_worker_goes_on})
    assert outlive(lambda: drive(bench, plan, journal, seams, back=True)) == "undone"
    assert seams.wrong == []
