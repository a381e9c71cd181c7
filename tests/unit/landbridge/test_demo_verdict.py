"""The demo calls itself a success only where everything that was promised was seen."""

from __future__ import annotations

from dataclasses import replace

from landbridge.demo_verdict import Shown, measurable, seconds_down, shortcomings

WEB = {"ref": "instance:i-1", "kind": "instance", "platform": "classic"}
NETWORK = {"ref": "vpc:vpc-1", "kind": "vpc", "platform": "vpc"}
KEPT = {"id": "flow-web", "verdict": "kept"}
CUT = {"id": "flow-db", "verdict": "interrupted"}

GOOD = Shown(
    resources=[WEB, NETWORK],
    findings=[],
    flows=[KEPT, CUT],
    job={"status": "succeeded"},
    steps=[],
    report={"counterparts": [{"source": "instance:i-1", "counterpart": "instance:i-2"}]},
    outages=[{"flow": "flow-db", "total_seconds": 40.0}],
)


def test_a_job_that_kept_its_promises_has_no_shortcomings() -> None:
    assert shortcomings(GOOD) == []


def test_fewer_in_service_than_planned_is_told() -> None:
    flows: list[dict[str, object]] = [{**KEPT, "least_in_service": 2}, {**CUT}]
    seen = {"flow": "flow-web", "total_seconds": 0.0}
    assert shortcomings(replace(GOOD, flows=flows, outages=[seen | {"least_in_service": 2}])) == []
    said = shortcomings(replace(GOOD, flows=flows, outages=[seen | {"least_in_service": 1}]))
    assert said == ["Of flow-web 1 were in service at one moment, where the plan allows 2."]


def test_a_halted_job_is_told_with_the_step_that_failed() -> None:
    steps = [{"id": "instance.launch/instance:i-1", "state": "failed", "error": {"detail": "no capacity"}}]
    said = shortcomings(replace(GOOD, job={"status": "halted"}, steps=steps))
    assert said == ["The job ended halted.", "instance.launch/instance:i-1 failed: no capacity"]


def test_a_classic_source_without_a_counterpart_is_told() -> None:
    pairs = {"counterparts": [{"source": "security_group:sg-1", "counterpart": "security_group:sg-2"}]}
    said = shortcomings(replace(GOOD, report=pairs))
    assert said == ["instance:i-1 has no counterpart, and no finding says why."]


def test_a_finding_explains_a_missing_counterpart() -> None:
    lone = {**WEB, "ref": "instance:i-9"}
    finding = {"subject": "instance:i-9", "level": "warning", "message": "instance store"}
    assert shortcomings(replace(GOOD, resources=[WEB, lone], findings=[finding])) == []


def test_a_member_of_a_group_needs_no_counterpart_of_its_own() -> None:
    member = {**WEB, "ref": "instance:i-9", "facts": {"held_by": "auto_scaling_group:web"}}
    assert shortcomings(replace(GOOD, resources=[WEB, member])) == []


def test_a_report_that_names_nothing_is_no_success() -> None:
    said = shortcomings(replace(GOOD, resources=[], report={"counterparts": []}))
    assert said == ["The report names no counterpart."]


def test_a_resource_of_unknown_platform_is_told() -> None:
    said = shortcomings(replace(GOOD, resources=[{**WEB, "platform": "unknown"}]))
    assert said == ["instance:i-1: whether it is Classic is unknown."]


def test_a_flow_that_was_to_be_kept_and_was_down_is_told() -> None:
    said = shortcomings(replace(GOOD, outages=[{"flow": "flow-web", "total_seconds": 3.0}]))
    assert said == ["The flow flow-web was to be kept and was down for 3 seconds."]


def test_flows_that_were_never_down_are_left_out() -> None:
    outages = [{"flow": "a", "total_seconds": 3.0}, {"flow": "b", "total_seconds": 0.0}]
    assert seconds_down(outages) == {"a": 3.0}


def test_only_flows_on_a_port_between_known_parties_are_measured() -> None:
    flow = {"sources": ["cidr:0.0.0.0/0"], "targets": ["instance:i-1"], "protocol": "tcp", "from_port": 80}
    assert measurable(flow)
    assert not measurable({**flow, "protocol": "icmp"})
    assert not measurable({**flow, "from_port": None})
    assert not measurable({**flow, "sources": []})
    assert not measurable({**flow, "sources": ["something:else"]})
