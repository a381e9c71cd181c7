"""All legal moves of a step and of a job, in one table each, with the reason beside each surprising pair."""

from typing import Literal, TypeAlias

StepState: TypeAlias = Literal[
    "pending", "running", "verifying", "succeeded", "failed", "skipped", "undoing", "undone", "undo_failed"
]
JobStatus: TypeAlias = Literal[
    "queued",
    "running",
    "paused",
    "waiting_for_approval",
    "halted",
    "succeeded",
    "cancelled",
    "undoing",
    "undone",
    "undo_failed",
]

STEP_MOVES: dict[str, frozenset[str]] = {
    # pending -> failed: what it relies on turned out not to be so; not one call was made.
    # pending -> undoing: it failed, was to be tried again, and is taken back instead.
    "pending": frozenset({"running", "skipped", "failed", "undoing"}),
    # running -> running: a worker died in mid-call, or the call is sent again after looking.
    "running": frozenset({"running", "verifying", "succeeded", "failed", "undoing"}),
    # verifying -> undoing: what is still settling is taken back without waiting for it.
    "verifying": frozenset({"succeeded", "failed", "undoing"}),
    "succeeded": frozenset({"undoing"}),
    # failed -> pending is a person's retry; failed -> undoing because do() may have taken effect in part.
    "failed": frozenset({"pending", "skipped", "undoing"}),
    # skipped -> undoing: it failed before it was skipped, and may have taken effect in part.
    "skipped": frozenset({"undoing"}),
    "undoing": frozenset({"undoing", "undone", "undo_failed"}),
    "undone": frozenset(),
    # undo_failed -> undoing: a person mended the account and asked for undo again.
    "undo_failed": frozenset({"undoing"}),
}

JOB_MOVES: dict[str, frozenset[str]] = {
    # queued -> halted: a bug met before the first step asks for a person, not for worker after worker.
    "queued": frozenset({"running", "paused", "halted", "cancelled"}),
    "running": frozenset({"running", "paused", "waiting_for_approval", "halted", "succeeded", "cancelled", "undoing"}),
    "paused": frozenset({"running", "cancelled", "undoing"}),
    # waiting_for_approval -> halted: a bug met, or an approval found void, while a worker keeps at the gate.
    "waiting_for_approval": frozenset({"running", "paused", "halted", "cancelled", "undoing"}),
    "halted": frozenset({"running", "cancelled", "undoing"}),
    # a succeeded or cancelled job can be undone until its sources are gone
    "succeeded": frozenset({"undoing"}),
    "cancelled": frozenset({"undoing"}),
    "undoing": frozenset({"undoing", "undone", "undo_failed"}),
    "undone": frozenset(),
    "undo_failed": frozenset({"undoing"}),
}

SETTLED: frozenset[str] = frozenset({"succeeded", "skipped"})
# What undo has nothing to do for.
DRIFTED = "drifted"  # code of the error of a step that did not begin because the account had changed
UNTOUCHED: frozenset[str] = frozenset({"pending", "skipped", "undone"})
# A worker has something to do for a job in one of these.
WORKING: frozenset[str] = frozenset({"queued", "running", "undoing"})


class IllegalMove(Exception):
    """A change of state that the table does not know: a bug of ours, never a person's fault."""


def check_move(moves: dict[str, frozenset[str]], old: str, new: str) -> None:
    """Raises IllegalMove."""
    if new not in moves[old]:
        raise IllegalMove(f"{old} -> {new}")
