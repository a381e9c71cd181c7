"""The preview of an undo as Markdown."""

from collections.abc import Iterator

from app.jobs.undo_schemas import UndoPreview, UndoStep
from app.manners.markdown import code, escaped, some, span

MOST_SHOWN = 50


def markdown(preview: UndoPreview) -> str:
    """The preview for a person."""
    return "\n".join(lines(preview)) + "\n"


def lines(preview: UndoPreview) -> Iterator[str]:
    """The preview, line by line."""
    yield f"# Undo of job {code(preview.job_id)}: {'possible' if preview.possible else 'not possible'}"
    yield ""
    yield f"- It is {escaped(preview.status)}; plan {code(preview.plan_id)}"
    if preview.refusal:
        yield f"- {escaped(preview.refusal.detail)}"
    if preview.at_work:
        yield "- A worker is at work: what it does until it comes to a safe point is taken back too"
    yield f"- {len(preview.steps)} steps to take back, in about {span(preview.estimated_seconds)}"
    yield from stays(preview)
    yield from order(preview)
    if preview.untouched:
        yield from ("", "## What was never done", "")
        yield f"Left as it is: {some((step.id for step in preview.untouched), MOST_SHOWN)}."


def stays(preview: UndoPreview) -> Iterator[str]:
    """What is not put back."""
    yield from ("", "## What is not put back", "")
    if not preview.irreversible and not preview.finalized:
        yield "Nothing: all is put back."
    for item in preview.irreversible:
        yield f"- {code(item.step)}: {escaped(item.explanation)}"
    for step in preview.finalized:
        yield f"- {code(step.id)} of job {code(step.job_id)}, {escaped(step.state)}: {escaped(step.explanation)}"


def order(preview: UndoPreview) -> Iterator[str]:
    """The steps, level by level."""
    if preview.steps:
        yield from ("", "## In this order", "")
    for step in preview.steps:
        yield f"- {step.level}: {code(step.id)}, about {span(step.estimated_seconds)}{service(step)}"


def service(step: UndoStep) -> str:
    """Who serves and who does not, once it is taken back."""
    back = f"; {some(step.serves_again)} serves again" if step.serves_again else ""
    out = f"; the counterpart of {some(step.serves_no_more)} serves no more" if step.serves_no_more else ""
    return back + out
