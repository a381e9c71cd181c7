"""Whether a demo showed what it should; pure, so that the demo cannot talk itself into success."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Thing = Mapping[str, Any]

MEASURED = ("instance:", "auto_scaling_group:", "rds_instance:", "load_balancer:", "cidr:")


@dataclass(frozen=True, slots=True)
class Shown:
    """All that the demo has seen by its end, in the API's own words."""

    resources: Sequence[Thing]
    findings: Sequence[Thing]
    flows: Sequence[Thing]
    job: Thing
    steps: Sequence[Thing]
    report: Thing
    outages: Sequence[Thing]


def shortcomings(shown: Shown) -> list[str]:
    """What fell short, a sentence each; empty if the migration is what was promised."""
    return [*_job(shown), *_counterparts(shown), *_outages(shown), *_members(shown)]


def _job(shown: Shown) -> Iterator[str]:
    status = shown.job["status"]
    if status == "succeeded":
        return
    yield f"The job ended {status}."
    for step in shown.steps:
        if step.get("state") == "failed":
            yield f"{step['id']} failed: {_words(step.get('error'))}"


def _counterparts(shown: Shown) -> Iterator[str]:
    if not shown.report["counterparts"]:
        yield "The report names no counterpart."
    moved = {pair["source"] for pair in shown.report["counterparts"] if pair.get("counterpart")}
    explained = {finding["subject"] for finding in shown.findings}
    for resource in shown.resources:
        if resource["platform"] == "unknown":
            yield f"{resource['ref']}: whether it is Classic is unknown."
        elif resource.get("facts", {}).get("held_by"):
            continue  # a group's member: the group's counterpart has members of its own
        elif resource["platform"] == "classic" and resource["ref"] not in moved | explained:
            yield f"{resource['ref']} has no counterpart, and no finding says why."


def _outages(shown: Shown) -> Iterator[str]:
    predicted = {flow["id"] for flow in shown.flows if flow["verdict"] != "kept"}
    for flow, seconds in seconds_down(shown.outages).items():
        if flow not in predicted:
            yield f"The flow {flow} was to be kept and was down for {seconds:.0f} seconds."


def _members(shown: Shown) -> Iterator[str]:
    allowed = {flow["id"]: flow["least_in_service"] for flow in shown.flows if "least_in_service" in flow}
    for one in shown.outages:
        least, planned = one.get("least_in_service"), allowed.get(one["flow"])
        if least is not None and planned is not None and least < planned:
            yield f"Of {one['flow']} {least} were in service at one moment, where the plan allows {planned}."


def seconds_down(outages: Iterable[Thing]) -> dict[str, float]:
    """How long each flow was down in all, those that never were left out."""
    return {one["flow"]: one["total_seconds"] for one in outages if one["total_seconds"] > 0}


def measurable(flow: Thing) -> bool:
    """Whether the sandbox can watch it: on a port, between parties that it knows."""
    parties = (*flow["sources"], *flow["targets"])
    known = all(party.startswith(MEASURED) for party in parties)
    on_a_port = flow["protocol"] in ("tcp", "udp") and flow.get("from_port") is not None
    return on_a_port and known and bool(flow["sources"] and flow["targets"])


def _words(error: object) -> str:
    if isinstance(error, Mapping):
        return str(error.get("detail") or error.get("message") or dict(error))
    return str(error)
