"""A plan as a runbook: Markdown for the person who watches over the move."""

from collections.abc import Iterator, Sequence
from typing import Any

from app.manners.markdown import code, escaped, some, span
from app.planning.plan import PHASES
from app.plans.models import Plan, PlanDocument


def runbook(plan: Plan, document: PlanDocument) -> str:
    """Findings, interruptions, and every step by phase, in the order in which they can run."""
    return "\n".join(lines(plan, document)) + "\n"


def lines(plan: Plan, document: PlanDocument) -> Iterator[str]:
    """The runbook, line by line."""
    estimate: dict[str, Any] = plan.estimate
    yield f"# {escaped(plan.name)}"
    yield ""
    yield f"- Plan {code(plan.id)}, {escaped(plan.status)}, hash {code(plan.plan_hash)}"
    yield f"- Account {code(plan.account_id)}, region {code(plan.region)}, strategy {escaped(plan.strategy)}"
    yield (
        f"- About {span(estimate['seconds'])} in all, {span(estimate['outage_seconds'])} the longest interruption, "
        f"{estimate['aws_calls']:.0f} AWS calls"
    )
    yield from findings(document.findings)
    yield from interruptions(document.flows)
    yield from in_service(document.flows)
    yield from irreversible(document.steps)
    yield from steps(document.steps)


def findings(found: Sequence[Any]) -> Iterator[str]:
    """What a person must know, the gravest first."""
    yield from ("", "## Findings", "")
    if not found:
        yield "None."
    for finding in found:
        yield f"- **{escaped(finding['level'])}** {code(finding['subject'])}: {escaped(finding['message'])}"


def interruptions(flows: Sequence[Any]) -> Iterator[str]:
    """Who cannot call whom, from when to when, and for how long."""
    yield from ("", "## Interruptions", "")
    interrupted = [(flow, gap) for flow in flows for gap in flow["interruptions"]]
    if not interrupted:
        yield "None: every flow is kept."
    for flow, gap in interrupted:
        yield (
            f"- {some(gap['sources'])} cannot call {some(gap['targets'])} ({escaped(flow['rule'])}) for about "
            f"{span(gap['estimated_seconds'])}: from {code(gap['from_step'])} until {code(gap['to_step'])} has ended."
        )


def in_service(flows: Sequence[Any]) -> Iterator[str]:
    """How many serve behind each load balancer at every moment."""
    balanced = [flow for flow in flows if flow.get("least_in_service") is not None]
    if not balanced:
        return
    yield from ("", "## Behind the load balancers", "")
    for flow in balanced:
        ports = "" if flow.get("from_port") is None else f" on port {flow['from_port']}"
        yield (
            f"- {some(flow['sources'])} forwards{ports} to {len(flow['targets'])}: at every moment at least "
            f"{flow['least_in_service']} of them are in service."
        )


def irreversible(planned: Sequence[Any]) -> Iterator[str]:
    """What an undo does not put back, and what not even that is offered for."""
    yield from ("", "## What an undo does not put back", "")
    partly = [step for step in planned if step["reversible"] and step.get("not_undone")]
    wholly = [step for step in planned if not step["reversible"]]
    if not partly and not wholly:
        yield "Nothing: all is put back."
    for step in partly:
        yield f"- {code(step['id'])}: {escaped(step['not_undone'])}"
    if wholly:
        yield "- From the start of a finalize job on there is no undo. It does this for good:"
    for step in wholly:
        yield f"  - {code(step['id'])}: {escaped(step.get('not_undone') or step['explanation'])}"


def steps(planned: Sequence[Any]) -> Iterator[str]:
    """Every step, under its phase."""
    for phase in PHASES:
        of_phase = [step for step in planned if step["phase"] == phase]
        if not of_phase:
            continue
        yield from ("", f"## {phase.replace('_', ' ').capitalize()}", "")
        if phase == "finalize":
            yield from ("A job of its own, later; it destroys sources and cannot be undone.", "")
        for number, step in enumerate(of_phase, 1):
            undo = "reversible" if step["reversible"] else "**not reversible**"
            yield f"{number}. {escaped(step['explanation'])}"
            yield f"   {code(step['id'])}, about {span(step['estimate']['seconds'])}, {undo}"
