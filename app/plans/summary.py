"""A plan in a few lines, fit for a chat message."""

from typing import Any

from app.manners.formats import MARKDOWN
from app.manners.markdown import code, escaped, plain, span
from app.plans.models import Plan


def summary(plan: Plan, media_type: str) -> str:
    """The plan as text/plain, or as text/markdown."""
    marked = media_type == MARKDOWN
    say = escaped if marked else plain
    name = f"**{escaped(plan.name)}**" if marked else plain(plan.name)
    id_ = code(plan.id) if marked else plan.id
    lines = [f"{name}: {say(plan.status)} ({id_})", figures(plan), findings(plan), flows(plan), *undo(plan), todo(plan)]
    return ("  \n" if marked else "\n").join(lines) + "\n"


def figures(plan: Plan) -> str:
    """How much, how long."""
    counts: Any = plan.counts
    estimate: Any = plan.estimate
    return (
        f"{counts['steps']} steps move {counts['resources']} resources in about {span(estimate['seconds'])}; "
        f"the longest interruption is {span(estimate['outage_seconds'])}."
    )


def findings(plan: Plan) -> str:
    """How many, by level."""
    found: Any = plan.counts["findings"]
    return f"Findings: {found['blocker']} blockers, {found['warning']} warnings, {found['note']} notes."


def flows(plan: Plan) -> str:
    """How many, by verdict."""
    found: Any = plan.counts["flows"]
    return f"Flows: {found['kept']} kept, {found['interrupted']} interrupted, {found['already_broken']} broken before."


def undo(plan: Plan) -> list[str]:
    """How many steps are not put back by an undo."""
    found: Any = plan.counts.get("irreversible")
    if not found:
        return []
    partly = f"Undo puts back all but parts of {found['partly']} steps"
    return [f"{partly}, until finalizing begins: its {found['wholly']} steps are for good."]


def todo(plan: Plan) -> str:
    """What a person does next."""
    found: Any = plan.counts["findings"]
    if plan.status == "approved":
        return "Approved: it can be executed."
    if found["blocker"]:
        return "Next: do what the blockers say, and plan anew."
    return "Next: somebody other than the author approves it."
