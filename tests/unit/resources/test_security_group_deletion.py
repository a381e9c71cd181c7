"""Which Classic groups finalize takes away, and which it leaves to those who still use them."""

from app.planning.plan import Plan
from tests.unit.resources.inventories import a_group, an_instance, plan_of
from tests.unit.resources.shop_inventory import database, db_group
from tests.unit.resources.shop_inventory import plan_of as plan_of_shop


def ended(plan: Plan) -> set[str]:
    """The steps of finalize about groups, without the kind."""
    return {step.id.removeprefix("security_group.") for step in plan.steps if step.phase == "finalize"} & {
        f"{end}/security_group:sg-{name}" for end in ("clear", "delete") for name in ("web", "app", "ops", "default")
    }


def both(*names: str) -> set[str]:
    return {f"{end}/security_group:sg-{name}" for end in ("clear", "delete") for name in names}


def test_groups_that_name_each_other_are_all_cleared_before_any_is_deleted() -> None:
    plan = plan_of(
        an_instance(), an_instance("i-2", group="sg-app"), a_group("sg-web", "sg-app"), a_group("sg-app", "sg-web")
    )
    assert ended(plan) == both("web", "app")
    [delete] = [step for step in plan.steps if step.id == "security_group.delete/security_group:sg-web"]
    assert {"security_group.clear/security_group:sg-web", "security_group.clear/security_group:sg-app"} <= set(
        delete.needs
    )


def test_a_group_with_an_instance_that_stays_is_left_alone() -> None:
    plan = plan_of(an_instance(), an_instance("i-2"), refs=("instance:i-1",))
    assert ended(plan) == set()


def test_a_group_goes_when_its_last_instance_has_gone() -> None:
    plan = plan_of(an_instance(), refs=("instance:i-1",))
    assert ended(plan) == both("web")
    [clear] = [step for step in plan.steps if step.action == "security_group.clear"]
    assert "instance.terminate/instance:i-1" in clear.needs


def test_what_a_staying_group_names_is_left_alone() -> None:
    groups = (a_group("sg-web", "sg-app"), a_group("sg-app", "sg-ops"), a_group("sg-ops"))
    instances = (an_instance(), an_instance("i-2"), an_instance("i-3", group="sg-app"))
    plan = plan_of(*instances, *groups, refs=("instance:i-1", "instance:i-3"), strategy="all_at_once")
    assert ended(plan) == set()


def test_a_group_named_by_one_outside_the_scope_is_left_alone() -> None:
    plan = plan_of(an_instance(), a_group(), a_group("sg-app", "sg-web"), refs=("instance:i-1",))
    assert ended(plan) == set()


def test_a_default_group_lets_go_of_the_others_and_stays() -> None:
    plan = plan_of(an_instance(), a_group(), a_group("sg-default", "sg-web"))
    assert ended(plan) == {*both("web"), "clear/security_group:sg-default"}


def test_a_group_that_a_staying_databases_group_admits_is_left_alone() -> None:
    resources = (a_group(), db_group(), database(), database("stays"))
    assert ended(plan_of_shop(*resources, refs=("rds_instance:main",))) == set()
    assert ended(plan_of_shop(*resources)) == both("web")
