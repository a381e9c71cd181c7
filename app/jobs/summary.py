"""A job in a few lines, fit for a chat message."""

from typing import Any

from app.jobs.control import allowed
from app.jobs.models import Job
from app.manners.formats import MARKDOWN
from app.manners.markdown import code, escaped, plain


def summary(job: Job, media_type: str) -> str:
    """The job as text/plain, or as text/markdown."""
    marked = media_type == MARKDOWN
    say = escaped if marked else plain
    head = f"{job.action}: {job.status}"
    head = f"**{escaped(head)}** ({code(job.id)})" if marked else f"{head} ({job.id})"
    lines = [head, figures(job)]
    error: Any = job.error
    if error:
        lines.append(say(f"{error['code']}: {error['detail']}"))
    if closed := [str(gate) for gate in job.gates if gate not in job.approved_gates]:
        lines.append(say(f"Gates to approve: {', '.join(closed)}."))
    if job.requested:
        lines.append(say(f"Asked to {job.requested}; the worker comes to a safe point first."))
    lines.append(f"You may {' or '.join(allowed(job)) or 'read its report'}.")
    return ("  \n" if marked else "\n").join(lines) + "\n"


def figures(job: Job) -> str:
    """How many steps are how far."""
    counts: Any = {"total": 0, "done": 0, "running": 0, "waiting": 0, "failed": 0, **job.progress}
    return (
        f"{counts['done']} of {counts['total']} steps done, {counts['running']} running, "
        f"{counts['waiting']} waiting for AWS, {counts['failed']} failed."
    )
