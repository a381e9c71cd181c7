"""Databases moved for real, against the sandbox."""

from typing import Any

import pytest

from app.planning.plan import Plan
from tests.scenarios.shop_account import Shop, actions, codes, errors

DATABASE = "rds_instance:main"


@pytest.fixture
def shop() -> Shop:
    return Shop()


def _carried(seen: dict[str, Any]) -> dict[str, Any]:
    keys = (
        "DBInstanceClass",
        "Engine",
        "EngineVersion",
        "AllocatedStorage",
        "MultiAZ",
        "BackupRetentionPeriod",
        "PreferredBackupWindow",
        "PreferredMaintenanceWindow",
        "AutoMinorVersionUpgrade",
        "CopyTagsToSnapshot",
        "LicenseModel",
        "Endpoint",
        "TagList",
    )
    return {key: seen.get(key) for key in keys}


def test_a_database_moves_by_modify_and_keeps_its_name_and_its_callers(shop: Shop) -> None:
    before = shop.database(BackupRetentionPeriod=7, Tags=[{"Key": "app", "Value": "shop"}])
    plan = shop.plan(DATABASE)
    assert actions(plan, "rds_instance") == ["snapshot", "modify"]
    assert not codes(plan, "blocker")
    outcome, journal = shop.bench.execute(plan)

    assert outcome == "succeeded", errors(journal)
    moved = shop.seen("main")
    assert moved["DBSubnetGroup"]["VpcId"] == shop.vpc
    assert _carried(moved) == _carried(before)
    assert all(shop.reaches(f"instance:{id_}", DATABASE, 3306) for id_ in shop.web)
    assert not moved["PubliclyAccessible"]


def test_a_multi_az_database_is_moved_without_its_standby_and_gets_another(shop: Shop) -> None:
    shop.database(MultiAZ=True)
    plan = shop.plan(DATABASE)
    assert actions(plan, "rds_instance") == ["single_az", "snapshot", "modify", "multi_az"]
    assert "multi_az" in codes(plan, "note")
    outcome, journal = shop.bench.execute(plan)

    assert outcome == "succeeded", errors(journal)
    assert shop.seen("main")["MultiAZ"]
    assert shop.bench.undo(plan, journal) == "undone", errors(journal)
    assert shop.seen("main")["MultiAZ"]
    assert "DBSubnetGroup" not in shop.seen("main")


def test_undo_of_a_moved_database_restores_it_in_classic_and_keeps_what_was_written_since(shop: Shop) -> None:
    shop.database(BackupRetentionPeriod=7, DeletionProtection=True, Tags=[{"Key": "app", "Value": "shop"}])
    before = shop.account()
    plan = shop.plan(DATABASE)
    _, journal = shop.bench.execute(plan)
    assert shop.bench.undo(plan, journal) == "undone", errors(journal)

    assert shop.changed_since(before, "/db_snapshots") == []
    assert shop.names() == ["main"]
    assert all(shop.reaches(f"instance:{id_}", DATABASE, 3306) for id_ in shop.web)
    [kept] = shop.rds.describe_db_snapshots()["DBSnapshots"]
    assert kept["VpcId"] == shop.vpc
    assert "undo_loses_writes" in codes(plan, "warning")


def test_a_database_is_restored_beside_itself_and_takes_its_name_over(shop: Shop) -> None:
    before = shop.database(BackupRetentionPeriod=7, Tags=[{"Key": "app", "Value": "shop"}])
    plan = shop.plan(DATABASE, main={"method": "restore"})
    assert actions(plan, "rds_instance") == ["presnapshot", "fence", "final_snapshot", "restore", "delete_source"]
    outcome, journal = shop.bench.execute(plan)

    assert outcome == "succeeded", errors(journal)
    assert shop.names() == ["main", "main-classic"]
    moved = shop.seen("main")
    assert moved["DBSubnetGroup"]["VpcId"] == shop.vpc
    tags = {"TagList"}
    assert {k: v for k, v in _carried(moved).items() if k not in tags} == {
        k: v for k, v in _carried(before).items() if k not in tags
    }
    assert {"Key": "app", "Value": "shop"} in moved["TagList"]
    assert all(shop.reaches(f"instance:{id_}", DATABASE, 3306) for id_ in shop.web)
    assert not any(shop.reaches(f"instance:{id_}", "rds_instance:main-classic", 3306) for id_ in shop.web)
    assert (journal.lines[f"rds_instance.restore/{DATABASE}"].result or {})["counterpart"] == "main"


def test_undo_of_a_restored_database_gives_the_source_its_name_and_callers_back(shop: Shop) -> None:
    shop.database(BackupRetentionPeriod=7)
    before = shop.account()
    plan = shop.plan(DATABASE, main={"method": "restore"})
    _, journal = shop.bench.execute(plan)
    assert shop.bench.undo(plan, journal) == "undone", errors(journal)

    assert shop.changed_since(before, "/db_snapshots") == []
    assert all(shop.reaches(f"instance:{id_}", DATABASE, 3306) for id_ in shop.web)


def test_finalize_deletes_the_source_with_a_last_snapshot_and_the_fence_with_it(shop: Shop) -> None:
    shop.database()
    plan = shop.plan(main={"method": "restore"})
    _, journal = shop.bench.execute(plan)
    outcome, finalized = shop.bench.finalize(plan, journal)

    assert outcome == "succeeded", errors(finalized)
    assert shop.names() == ["main"]
    groups = [each["DBSecurityGroupName"] for each in shop.rds.describe_db_security_groups()["DBSecurityGroups"]]
    assert groups == ["default"]
    final = finalized.lines[f"rds_instance.delete_source/{DATABASE}"].result
    assert final
    names = {each["DBSnapshotIdentifier"] for each in shop.rds.describe_db_snapshots()["DBSnapshots"]}
    assert final["final_snapshot"] in names
    assert (journal.lines[f"rds_instance.presnapshot/{DATABASE}"].result or {})["snapshot"] not in names


def seconds_out_of_reach(shop: Shop, plan: Plan) -> float:
    """While the plan is carried out."""
    changes: list[tuple[float, bool]] = []
    caller = f"instance:{shop.web[0]}"
    shop.bench.world.on_change.append(
        lambda _: changes.append((shop.bench.clock.now(), shop.reaches(caller, DATABASE, 3306)))
    )
    outcome, journal = shop.bench.execute(plan)
    assert outcome == "succeeded", errors(journal)
    ends = [at for at, _ in changes[1:]] + [shop.bench.clock.now()]
    return sum(end - at for (at, reached), end in zip(changes, ends, strict=True) if not reached)


@pytest.mark.parametrize("method", ["modify", "restore"])
def test_a_database_is_out_for_as_long_as_the_plan_says_and_nothing_else_waits_meanwhile(
    shop: Shop, method: str
) -> None:
    shop.database()
    plan = shop.plan(DATABASE, main={"method": method})
    [said] = [flow.outage_seconds for flow in plan.flows if flow.targets == (DATABASE,)]
    durations = shop.bench.world.durations
    alone = {
        "modify": durations.db_move_to_vpc,
        "restore": durations.db_rename + durations.db_snapshot_base + durations.db_restore,
    }
    measured = seconds_out_of_reach(shop, plan)
    assert measured <= alone[method] + 45
    assert measured == pytest.approx(said, rel=0.2)


def test_of_two_ways_the_one_with_the_shorter_outage_is_taken(shop: Shop) -> None:
    shop.database(DBInstanceClass="db.m1.small")
    in_two_goes = {"db_instance_class": "db.m3.medium"}
    assert "restore" in actions(shop.plan(DATABASE, main=in_two_goes), "rds_instance")
    assert "modify" in actions(shop.plan(DATABASE, main={**in_two_goes, "method": "modify"}), "rds_instance")
    assert "modify" in actions(shop.plan(strategy="all_at_once", main=in_two_goes), "rds_instance")


def test_a_database_with_a_replica_is_restored_and_the_replica_made_anew(shop: Shop) -> None:
    shop.database()
    shop.replica("reports", "main")
    plan = shop.plan()
    assert not codes(plan, "blocker")
    outcome, journal = shop.bench.execute(plan)

    assert outcome == "succeeded", errors(journal)
    assert shop.names() == ["main", "main-classic", "reports", "reports-classic"]
    assert shop.seen("reports")["ReadReplicaSourceDBInstanceIdentifier"] == "main"
    assert shop.seen("reports")["DBSubnetGroup"]["VpcId"] == shop.vpc
    assert shop.bench.undo(plan, journal) == "undone", errors(journal)
    assert shop.names() == ["main", "reports"]
    assert shop.seen("reports")["ReadReplicaSourceDBInstanceIdentifier"] == "main"


def test_finalize_deletes_replicas_before_their_source(shop: Shop) -> None:
    shop.database()
    shop.replica("reports", "main")
    plan = shop.plan()
    _, journal = shop.bench.execute(plan)
    outcome, finalized = shop.bench.finalize(plan, journal)

    assert outcome == "succeeded", errors(finalized)
    assert shop.names() == ["main", "reports"]


def test_an_old_class_and_a_custom_option_group_are_replaced_as_the_overrides_say(shop: Shop) -> None:
    shop.rds.create_option_group(
        OptionGroupName="shop-options",
        EngineName="mysql",
        MajorEngineVersion="5.7",
        OptionGroupDescription="of the shop",
    )
    shop.passes(10)
    shop.database(DBInstanceClass="db.m1.small", OptionGroupName="shop-options")
    assert "old_instance_class" in codes(shop.plan(DATABASE), "blocker")
    plan = shop.plan(DATABASE, main={"db_instance_class": "db.m3.medium", "method": "modify"})
    assert not codes(plan, "blocker")
    assert "option_group_replaced" in codes(plan, "warning")
    outcome, journal = shop.bench.execute(plan)

    assert outcome == "succeeded", errors(journal)
    moved = shop.seen("main")
    assert moved["DBInstanceClass"] == "db.m3.medium"
    assert moved["OptionGroupMemberships"][0]["OptionGroupName"] == "default:mysql-5-7"
    assert shop.bench.undo(plan, journal) == "undone", errors(journal)
    back = shop.seen("main")
    assert back["DBInstanceClass"] == "db.m1.small"
    assert back["OptionGroupMemberships"][0]["OptionGroupName"] == "shop-options"


def test_all_at_once_a_database_is_backed_up_when_its_callers_have_stopped(shop: Shop) -> None:
    shop.database()
    plan = shop.plan(strategy="all_at_once")
    needs = {step.id: set(step.needs) for step in plan.steps}
    stops = {f"instance.stop/instance:{id_}" for id_ in shop.web}
    assert stops <= needs[f"rds_instance.snapshot/{DATABASE}"]
    assert stops <= needs[f"rds_instance.modify/{DATABASE}"]
    outcome, journal = shop.bench.execute(plan)
    assert outcome == "succeeded", errors(journal)
    twins = [journal.lines[f"instance.launch/instance:{id_}"].result["counterpart"] for id_ in shop.web]  # type: ignore[index]
    assert all(shop.reaches(f"instance:{twin}", DATABASE, 3306) for twin in twins)


def test_a_rule_for_addresses_keeps_the_database_public_in_the_vpc(shop: Shop) -> None:
    shop.database()
    shop.rds.authorize_db_security_group_ingress(DBSecurityGroupName="db", CIDRIP="203.0.113.0/24")
    shop.passes(60)
    plan = shop.plan(DATABASE)
    outcome, journal = shop.bench.execute(plan)
    assert outcome == "succeeded", errors(journal)
    assert shop.seen("main")["PubliclyAccessible"]
    assert shop.reaches("cidr:203.0.113.7/32", DATABASE, 3306)
