"""What the API may answer: the contract of plans and jobs as a pure function of how things stand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Answer = tuple[int, str]  # status, and the problem's code ("" for none)

FINAL = ("succeeded", "cancelled", "undone", "undo_failed")
ALLOWED: Mapping[str, frozenset[str]] = {
    "queued": frozenset({"pause", "cancel"}),
    "running": frozenset({"pause", "cancel", "undo"}),
    "paused": frozenset({"resume", "cancel", "undo"}),
    "waiting_for_approval": frozenset({"pause", "resume", "cancel", "undo"}),
    "halted": frozenset({"resume", "cancel", "undo"}),
    "succeeded": frozenset({"undo"}),
    "cancelled": frozenset({"undo"}),
    "undoing": frozenset(),
    "undone": frozenset(),
    "undo_failed": frozenset({"undo"}),
}
BECOMES = {"pause": "paused", "resume": "running", "cancel": "cancelled", "undo": "undoing"}
STRENGTH = {"pause": 1, "cancel": 2, "undo": 3}
STANDING = {"retry": ("halted",), "skip": ("halted", "paused", "waiting_for_approval")}
DECIDED = {"retry": ("failed",), "skip": ("failed", "pending")}

JOB_STATE = (409, "job_state")


@dataclass(frozen=True)
class PlanNow:
    """A plan: `version` counts its changes; `live` is an approval that counts."""

    version: int
    live: bool


@dataclass(frozen=True)
class JobNow:
    """A job: `held` by a worker, which `keeps` at a gate; `begun` once a step of it may have changed something."""

    plan: str
    action: str
    status: str
    requested: str | None = None
    held: bool = False
    keeps: bool = False
    begun: bool = False
    gates: frozenset[str] = frozenset()
    approved: frozenset[str] = frozenset()
    steps: Mapping[str, str] = None  # type: ignore[assignment]

    @property
    def holds(self) -> bool:
        """Whether it holds its account and region."""
        return self.action != "dry_run" and self.status not in FINAL


@dataclass(frozen=True)
class Now:
    """Plans and jobs of one account by id. Jobs that the model made have ids of its own."""

    plans: Mapping[str, PlanNow]
    jobs: Mapping[str, JobNow]

    def with_job(self, id_: str, job: JobNow) -> "Now":
        return replace(self, jobs={**self.jobs, id_: job})

    def with_plan(self, id_: str, plan: PlanNow) -> "Now":
        return replace(self, plans={**self.plans, id_: plan})

    def held_by_another(self, id_: str) -> bool:
        return any(job.holds for other, job in self.jobs.items() if other != id_)

    def of_plan(self, plan: str) -> list[JobNow]:
        return [job for job in self.jobs.values() if job.plan == plan]


@dataclass(frozen=True)
class Ask:
    """One request: `what` of `whom` (a job's or plan's id), and its `more`: a gate, step, action or version."""

    what: Literal["wish", "gate", "decide", "create", "approve", "change"]
    whom: str
    more: tuple[Any, ...] = ()


def answer(now: Now, ask: Ask) -> tuple[Answer, Now]:
    """What the contract says, and how things stand then."""
    return _ANSWERS[ask.what](now, ask.whom, *ask.more)


def _wish(now: Now, id_: str, wish: str) -> tuple[Answer, Now]:
    job = now.jobs[id_]
    if wish not in ALLOWED[job.status] or (wish == "undo" and job.action != "execute"):
        return JOB_STATE, now
    at_work = job.status == "running" or (job.status == "queued" and job.held) or job.keeps
    if at_work and wish != "resume":
        if job.requested and STRENGTH[job.requested] > STRENGTH[wish]:
            return JOB_STATE, now
        return (202, ""), now.with_job(id_, replace(job, requested=wish))
    if refusal := _refused(now, id_, wish):
        return refusal, now
    return (202, ""), now.with_job(id_, replace(job, status=BECOMES[wish], requested=None))


def _refused(now: Now, id_: str, wish: str) -> Answer | None:
    job = now.jobs[id_]
    if wish == "resume":
        if "failed" in job.steps.values():
            return JOB_STATE
        if job.action != "dry_run" and not now.plans[job.plan].live:
            return 409, "plan_not_approved"
    if wish == "undo":
        if any(other.begun for other in now.of_plan(job.plan) if other.action == "finalize"):
            return JOB_STATE
        if now.held_by_another(id_):
            return 409, "job_conflict"
    return None


def _gate(now: Now, id_: str, gate: str) -> tuple[Answer, Now]:
    job = now.jobs[id_]
    if gate not in job.gates:
        return (404, "not_found"), now
    if job.status in FINAL:
        return JOB_STATE, now
    through = replace(job, approved=job.approved | {gate})
    if job.status == "waiting_for_approval" and job.requested is None:
        through = replace(through, status="running")
    return (200, ""), now.with_job(id_, through)


def _decide(now: Now, id_: str, step: str, decision: str) -> tuple[Answer, Now]:
    job = now.jobs[id_]
    if job.status not in STANDING[decision] or job.steps[step] not in DECIDED[decision]:
        return JOB_STATE, now
    becomes = {"retry": "pending", "skip": "skipped"}[decision]
    return (200, ""), now.with_job(id_, replace(job, steps={**job.steps, step: becomes}))


def _create(now: Now, plan: str, action: str) -> tuple[Answer, Now]:
    if action != "dry_run":
        if not now.plans[plan].live:
            return (409, "plan_not_approved"), now
        if any(job.holds for job in now.jobs.values()):
            return (409, "job_conflict"), now
        moved = any(job.action == "execute" and job.status == "succeeded" for job in now.of_plan(plan))
        if moved != (action == "finalize"):
            return JOB_STATE, now
    return (202, ""), now.with_job(f"new {len(now.jobs)}", JobNow(plan, action, "queued", steps={}))


def _approve(now: Now, id_: str, version: int) -> tuple[Answer, Now]:
    plan = now.plans[id_]
    if plan.version != version:
        return (412, "precondition_failed"), now
    return (200, ""), now if plan.live else now.with_plan(id_, PlanNow(version + 1, True))


def _change(now: Now, id_: str, version: int) -> tuple[Answer, Now]:
    if now.plans[id_].version != version:
        return (412, "precondition_failed"), now
    if any(job.action != "dry_run" or job.status not in FINAL for job in now.of_plan(id_)):
        return (409, "wrong_state"), now
    return (200, ""), now.with_plan(id_, PlanNow(version + 1, False))


_ANSWERS: Mapping[str, Callable[..., tuple[Answer, Now]]] = {
    "wish": _wish,
    "gate": _gate,
    "decide": _decide,
    "create": _create,
    "approve": _approve,
    "change": _change,
}
