"""200 instances in 20 groups, made by AWS calls alone, move into a VPC without anybody's help."""

from functools import cache

from app.planning.context import Settings
from sandbox.scenarios import scenarios
from tests.kit.bench import Bench
from tests.scenarios.comparing import picture
from tests.scenarios.whole_move import Move


@cache
def fleet() -> Move:
    """The fleet after execute, for tests that only look. The account's own quotas are those a person asked for."""
    bench = Bench()
    scenarios()["fleet"].build(bench.boto, bench.world)
    bench.past_the_wire()
    return Move("incremental", bench=bench, settings=Settings(max_parallel_instances=50)).execute()


def test_nothing_about_a_fleet_needs_a_persons_decision() -> None:
    assert not [finding for finding in fleet().plan.findings if finding.level == "blocker"]


def test_every_instance_of_a_fleet_has_a_counterpart_like_it() -> None:
    now = picture(fleet().bench.boto)
    twins = {id_: fleet().counterparts[f"instance:{id_}"] for id_ in fleet().old.instances}
    assert len(set(twins.values())) == 200
    assert {id_: now.instances[twin] for id_, twin in twins.items()} == fleet().old.instances
    assert len([ref for ref in fleet().counterparts if ref.startswith("security_group:")]) == 21


def test_every_call_within_a_fleet_is_possible_after_the_move() -> None:
    assert len(fleet().reached) > 1_500
    assert fleet().reached - fleet().reachable(twins=True) == set()


def test_whoever_is_behind_a_load_balancer_is_never_out() -> None:
    measured = fleet().measured()
    fronted = [
        flow
        for flow in fleet().plan.flows
        if any(ref.startswith("load_balancer:") for ref in (*flow.sources, *flow.targets))
    ]
    assert len(fronted) == 10
    assert {flow.verdict for flow in fronted} == {"kept"}
    assert not {flow.id for flow in fronted} & set(measured)


def test_no_flow_of_a_fleet_that_the_plan_calls_kept_was_ever_down() -> None:
    assert fleet().broken_promises() == []
