"""What is planned for DB security groups."""

from app.planning.inventory import Ref, Resource
from app.planning.plan import promise
from tests.unit.resources.shop_inventory import VPC, database, db_group, found, group, instance, plan_of, steps

AUTHORIZE = "db_security_group.authorize/db_security_group:db"


def test_rules_without_a_port_get_the_port_of_each_database_that_uses_them() -> None:
    postgres = database("stats", port=5432)
    plan = plan_of(group(), db_group(cidrs=("203.0.113.0/24",)), database(), postgres)
    permissions = steps(plan)[AUTHORIZE].params["permissions"]
    assert [(each["FromPort"], "IpRanges" in each) for each in permissions] == [
        (3306, False),
        (3306, True),
        (5432, False),
        (5432, True),
    ]
    assert permissions[0]["UserIdGroupPairs"] == [{"GroupId": promise("security_group.create/security_group:sg-web")}]


def test_the_groups_that_a_db_group_admits_come_along() -> None:
    plan = plan_of(group(), db_group(), database(), refs=("rds_instance:main",))
    assert {"db_security_group:db", "security_group:sg-web"} <= set(plan.scope)


def test_members_and_addresses_are_flows_to_the_databases() -> None:
    plan = plan_of(instance("i-1"), group(), db_group(cidrs=("203.0.113.0/24",)), database())
    sources = {flow.sources for flow in plan.flows if flow.targets == ("rds_instance:main",)}
    assert sources == {("instance:i-1",), ("cidr:203.0.113.0/24",)}


def test_a_group_nobody_uses_has_no_port_and_stays() -> None:
    plan = plan_of(group(), db_group(), db_group("idle"), database())
    assert found(plan, "note")["db_security_group_unused"] == "db_security_group:idle"
    assert not [id_ for id_ in steps(plan) if id_.endswith(":idle")]


def test_a_default_group_nobody_uses_is_told_of_too() -> None:
    plan = plan_of(group(), db_group(), db_group("default", groups=()), database())
    assert found(plan, "note")["db_security_group_unused"] == "db_security_group:default"


def test_the_default_group_gets_a_twin_when_used_and_is_never_deleted() -> None:
    plan = plan_of(group(), db_group("default"), database(db_security_groups=["default"]))
    planned = steps(plan)
    assert planned["db_security_group.create/db_security_group:default"].params["name"] == "rds-default"
    assert "db_security_group.delete/db_security_group:default" not in planned


def test_a_group_that_a_staying_database_uses_is_not_deleted() -> None:
    plan = plan_of(group(), db_group(), database(), database("stays"), refs=("rds_instance:main",))
    assert "db_security_group.delete/db_security_group:db" not in steps(plan)


def test_another_accounts_group_is_not_carried_in_silence() -> None:
    admitting = db_group()
    admitting.facts["groups"][0]["owner"] = "2"
    assert "rule_names_other_account" in found(plan_of(group(), admitting, database()), "warning")


def test_a_twin_does_not_take_the_name_of_a_group_in_the_vpc() -> None:
    plan = plan_of(group(), group("sg-2", "RDS-db", vpc="vpc-1"), db_group(), database())
    name = steps(plan)["db_security_group.create/db_security_group:db"].params["name"]
    assert name.startswith("rds-db-")


def test_its_twin_has_a_free_name_however_many_parts_moved_before() -> None:
    names = []
    resources = [group(), db_group(), database()]
    for number in range(3):
        names.append(steps(plan_of(*resources))["db_security_group.create/db_security_group:db"].params["name"])
        taken = Resource(Ref("security_group", f"sg-{number}"), names[-1], "vpc", {**group().facts, "vpc": VPC})
        resources.append(taken)
    assert len(set(names)) == 3
