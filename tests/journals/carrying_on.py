"""What this release makes of a job that an earlier one left, in one process; each tells what is wrong in the end."""

from collections.abc import Callable, Mapping, Sequence

from app.execution.executor import Executor
from app.execution.journal import MemoryJournal
from app.execution.step import Result
from app.planning.plan import PlannedStep
from tests.crash.test_every_seam import ended
from tests.journals.replaying import Scene
from tests.journals.standing import amiss
from tests.journals.tape import Row
from tests.kit.account import account
from tests.kit.undone import unrestored
from tests.kit.virtual_time import run

Way = Callable[[Scene], list[str]]

LATER = 60.0  # seconds until a worker of this release takes over


def finish(scene: Scene) -> list[str]:
    """The move comes to its end, after what had failed is tried again."""
    [job] = scene.jobs
    journal = scene.journal(job, retried=True)
    outcome = run(scene.bench.world, _taken_over(scene, job, journal).advance())
    return ended(outcome, "succeeded", journal) + amiss(scene.bench, scene.ends["execute"])


def undo(scene: Scene) -> list[str]:
    """A person asks for undo, or has asked: the account is as it was."""
    [job] = scene.jobs
    journal = scene.journal(job)
    outcome = run(scene.bench.world, _taken_over(scene, job, journal).retreat())
    return ended(outcome, "undone", journal) + unrestored(scene.before, account(scene.bench.look))


def finalize(scene: Scene) -> list[str]:
    """The sources are destroyed by a job of this release, or by one that the earlier release began."""
    moved, *begun = scene.jobs
    job = begun[0] if begun else {"id": "job_finalizing"}
    journal = scene.journal(job)
    steps = [step for step in scene.steps if step.phase == "finalize"]
    earlier = {id_: line.result for id_, line in scene.lines(moved).items() if line.result is not None}
    outcome = run(scene.bench.world, _taken_over(scene, job, journal, steps, earlier).advance())
    return ended(outcome, "succeeded", journal) + amiss(scene.bench, scene.ends["finalize"])


def ways_on(jobs: Sequence[Row]) -> list[Way]:
    """What may be done with jobs that stand like that."""
    if len(jobs) > 1:
        return [finalize]
    open_to: Mapping[str, list[Way]] = {"undoing": [undo], "succeeded": [undo, finalize]}
    return open_to.get(str(jobs[0]["status"]), [finish, undo])


def _taken_over(
    scene: Scene,
    job: Row,
    journal: MemoryJournal,
    steps: Sequence[PlannedStep] | None = None,
    earlier: Mapping[str, Result] | None = None,
) -> Executor:
    """Of the plan's steps those that the journal has, as the runner picks them."""
    scene.bench.world.clock.advance(LATER)
    mine = steps or [step for step in scene.steps if step.id in journal.lines]
    return scene.bench.executor(mine, journal, job_id=str(job["id"]), earlier=earlier)
