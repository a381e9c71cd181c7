"""What is planned for DB subnet groups."""

from app.planning.context import Target
from app.planning.plan import promise
from tests.unit.resources.shop_inventory import balancer, database, db_group, group, plan_of, steps


def test_one_group_is_made_of_the_targets_subnets_for_all_databases() -> None:
    plan = plan_of(group(), db_group(), database(), database("stats"))
    made = steps(plan)["db_subnet_group.create/vpc:vpc-1"]
    assert made.params["subnets"] == {"us-east-1a": "subnet-a", "us-east-1b": "subnet-b"}


def test_in_a_vpc_still_to_be_made_the_subnets_are_promises() -> None:
    other = database("stats", zone="us-east-1b")
    plan = plan_of(
        group(), db_group(), database(), other, target=Target(create_cidr="172.20.0.0/16"), more_kinds=("vpc",)
    )
    made = steps(plan)["db_subnet_group.create/vpc:new"]
    assert made.params["subnets"]["us-east-1b"] == promise("vpc.create/vpc:new", "subnets.us-east-1b")


def test_without_databases_there_is_none() -> None:
    assert not [id_ for id_ in steps(plan_of(balancer("front"))) if id_.startswith("db_subnet_group.")]
