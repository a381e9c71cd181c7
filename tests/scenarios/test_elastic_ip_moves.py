"""Elastic IPs moved for real, against the sandbox."""

import pytest

from app.planning.context import Target
from tests.scenarios.classic_account import ClassicAccount, errors, result

NEW = Target(create_cidr="172.20.0.0/16")


@pytest.fixture
def account() -> ClassicAccount:
    return ClassicAccount()


def test_the_address_follows_its_lone_instance(account: ClassicAccount) -> None:
    source = account.launch()
    public_ip = account.address(source)
    plan = account.bench.plan(NEW, refs=[f"instance:{source}"])
    outcome, journal = account.bench.execute(plan)

    assert outcome == "succeeded", errors(journal)
    address = account.elastic_ip(public_ip)
    twin = result(journal, "instance.launch", f"instance:{source}")["counterpart"]
    assert (address["Domain"], address["InstanceId"]) == ("vpc", twin)
    moved = result(journal, "elastic_ip.move", f"elastic_ip:{public_ip}")
    assert moved["counterpart"] == address["AllocationId"]
    [outside] = [flow for flow in plan.flows if "0.0.0.0/0" in flow.rule]
    assert outside.interruptions[0].to_step == f"elastic_ip.associate/elastic_ip:{public_ip}"


def test_undo_brings_the_address_back_to_the_source(account: ClassicAccount) -> None:
    source = account.launch()
    public_ip = account.address(source)
    plan = account.bench.plan(NEW)
    _, journal = account.bench.execute(plan)

    assert account.bench.undo(plan, journal) == "undone", errors(journal)
    address = account.elastic_ip(public_ip)
    assert (address["Domain"], address["InstanceId"]) == ("standard", source)


def test_the_address_of_a_balanced_member_moves_when_its_counterpart_is_ready_and_comes_back(
    account: ClassicAccount,
) -> None:
    source = account.launch()
    public_ip = account.address(source)
    account.balancer(source)
    plan = account.bench.plan(NEW)
    needs = {step.action: step.needs for step in plan.steps}
    assert f"instance.launch/instance:{source}" in needs["elastic_ip.disassociate"]
    assert f"elastic_ip.associate/elastic_ip:{public_ip}" in needs["instance.retire"]
    assert [flow.verdict for flow in plan.flows if "instance" in flow.targets[0] and "cidr" not in flow.sources[0]] == [
        "kept"
    ] * sum("instance" in flow.targets[0] and "cidr" not in flow.sources[0] for flow in plan.flows)
    outcome, journal = account.bench.execute(plan)
    assert outcome == "succeeded", errors(journal)
    twin = result(journal, "instance.launch", f"instance:{source}")["counterpart"]
    assert account.elastic_ip(public_ip)["InstanceId"] == twin

    assert account.bench.undo(plan, journal) == "undone", errors(journal)
    assert account.elastic_ip(public_ip)["InstanceId"] == source


def test_an_unattached_address_just_moves(account: ClassicAccount) -> None:
    public_ip = account.address()
    plan = account.bench.plan(NEW)
    outcome, journal = account.bench.execute(plan)
    assert outcome == "succeeded", errors(journal)
    assert account.elastic_ip(public_ip)["Domain"] == "vpc"
    assert account.bench.undo(plan, journal) == "undone", errors(journal)
    assert account.elastic_ip(public_ip)["Domain"] == "standard"


def test_an_address_younger_than_a_day_halts_the_job_and_says_so(account: ClassicAccount) -> None:
    public_ip = account.address(age=3600)
    plan = account.bench.plan(NEW)
    outcome, journal = account.bench.execute(plan)
    assert outcome == "halted"
    assert "more than 24 hours ago" in errors(journal)[f"elastic_ip.move/elastic_ip:{public_ip}"]["detail"]
