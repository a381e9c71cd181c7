"""A job's report as Markdown."""

from collections.abc import Iterator

from app.jobs.report_schemas import Inside, JobReport, ReportInterruption
from app.manners.markdown import code, escaped, some, span

MOST_LEFT = 50
WORTH_TELLING = 5.0  # seconds that an interruption stood still between two steps


def markdown(report: JobReport) -> str:
    """The report for a person."""
    return "\n".join(lines(report)) + "\n"


def lines(report: JobReport) -> Iterator[str]:
    """The report, line by line."""
    yield f"# Job {code(report.job_id)}: {escaped(report.action)}, {escaped(report.status)}"
    yield ""
    yield f"- Plan {code(report.plan_id)}"
    if report.duration_seconds is not None:
        yield f"- Took {span(report.duration_seconds)}" + ("" if report.done else " until now")
    yield "- Steps: " + (", ".join(f"{number} {escaped(state)}" for state, number in report.steps.items()) or "none")
    yield from moved(report)
    yield from interruptions(report)
    yield from in_service(report)
    yield from called(report)
    yield from left(report)


def moved(report: JobReport) -> Iterator[str]:
    """What moved to what."""
    yield from ("", "## What moved", "")
    if not report.counterparts:
        yield "Nothing."
        return
    yield from ("| Source | Counterpart |", "|---|---|")
    for pair in report.counterparts:
        # In a table a bar ends the cell even inside code.
        yield f"| {escaped(pair.source)} | {escaped(pair.counterpart)} |"


def interruptions(report: JobReport) -> Iterator[str]:
    """Who could not call whom, and for how long."""
    yield from ("", "## Interruptions", "")
    broken = [flow for flow in report.flows if flow.predicted_seconds or flow.measured_seconds]
    watched = [flow for flow in report.flows if flow.measured_seconds is not None]
    if watched:
        yield from ("| Rule | Predicted | Measured |", "|---|---|---|")
        for flow in sorted(broken, key=lambda flow: -(flow.measured_seconds or 0.0)):
            seen = "not watched" if flow.measured_seconds is None else span(flow.measured_seconds)
            yield f"| {escaped(flow.rule)} | {span(flow.predicted_seconds)} | {seen} |"
        yield from ("", f"{len(watched)} of {len(report.flows)} flows were watched.", "")
    found = [(flow, gap) for flow in report.flows for gap in flow.interruptions]
    if not found:
        yield "None was foretold: every flow is to be kept."
    for flow, gap in found:
        yield f"- {some(gap.sources)} to {some(gap.targets)} ({escaped(flow.rule)}): {length(gap)}."
        if gap.inside:
            yield f"  Inside it: {', '.join(map(part, gap.inside))}."


def in_service(report: JobReport) -> Iterator[str]:
    """How many served behind each load balancer."""
    balanced = [flow for flow in report.flows if flow.least_in_service is not None]
    if not balanced:
        return
    yield from ("", "## Behind the load balancers", "")
    yield from ("| Load balancer | Members | In service at least, as planned | Measured |", "|---|---|---|---|")
    for flow in balanced:
        seen = flow.measured_least_in_service
        yield (
            f"| {escaped(', '.join(flow.sources))} | {len(flow.targets)} | {flow.least_in_service} "
            f"| {'not watched' if seen is None else seen} |"
        )


def part(one: Inside) -> str:
    """A step inside an interruption."""
    waited = f", {span(one.waited_seconds)} after the one before" if one.waited_seconds >= WORTH_TELLING else ""
    return f"{code(one.step)} ({span(one.seconds)}{waited})"


def length(gap: ReportInterruption) -> str:
    """Foretold, and as it was."""
    foretold = f"foretold {span(gap.estimated_seconds)}"
    return foretold if gap.measured_seconds is None else f"{foretold}, measured {span(gap.measured_seconds)}"


def called(report: JobReport) -> Iterator[str]:
    """Calls to AWS."""
    total = report.aws_calls
    yield from ("", "## AWS calls", "", f"{total.made} made, {total.throttled} throttled, {total.failed} failed.")
    if total.by_operation:
        yield from ("", "| Operation | Made | Throttled | Failed |", "|---|---|---|---|")
    for name, one in sorted(total.by_operation.items(), key=lambda item: -item[1].made):
        yield f"| {escaped(name)} | {one.made} | {one.throttled} | {one.failed} |"


def left(report: JobReport) -> Iterator[str]:
    """What is not done."""
    yield from ("", "## What is left", "")
    if not report.left.steps and not report.left.resources:
        yield "Nothing."
    if report.left.resources:
        yield f"- Without a counterpart: {some(report.left.resources, MOST_LEFT)}"
    if report.left.steps:
        yield f"- Steps: {some(report.left.steps, MOST_LEFT)}"
