"""What is planned for DB subnet groups."""

from app.planning.context import Target
from app.planning.inventory import Ref, Resource
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


def test_a_vpc_still_to_be_made_has_two_zones_even_where_everything_is_in_one() -> None:
    offerings = {"us-east-1a": ["m3.medium"], "us-east-1b": ["m3.medium"], "us-east-1c": ["m3.medium"]}
    region = Resource(Ref("region", "us-east-1"), "us-east-1", "classic", {"offerings": offerings})
    target = Target(create_cidr="172.20.0.0/16")
    plan = plan_of(group(), db_group(), database(), region, target=target, more_kinds=("vpc",))
    assert list(steps(plan)["vpc.create/vpc:new"].params["subnets"]) == ["us-east-1a", "us-east-1b"]
    assert not [finding for finding in plan.findings if finding.level == "blocker"]


def test_without_databases_there_is_none() -> None:
    assert not [id_ for id_ in steps(plan_of(balancer("front"))) if id_.startswith("db_subnet_group.")]
