"""A recorded account made again, call by call at the recorded times, and the job's rows with the names it has there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from app.execution.journal import Entry, MemoryJournal
from app.execution.runs import token_of
from app.planning.plan import PlannedStep
from sandbox.clock import START
from sandbox.world import World
from tests.journals.names import Renaming
from tests.journals.standing import Standing
from tests.journals.tape import Names, Row, Tape
from tests.journals.taping import LISTINGS, SEED, begin, cast
from tests.kit.account import account
from tests.kit.bench import Bench
from tests.kit.direct_cloud import DirectCloud


@dataclass(frozen=True)
class Scene:
    """An account as a worker left it: what it was `before` the job, the database's rows, what stands there (`stands`)
    and will when a job has ended (`ends`, by the job's action)."""

    bench: Bench
    before: Mapping[str, Any]
    rows: Mapping[str, Sequence[Row]]
    stands: Standing
    ends: Mapping[str, Standing]

    @property
    def jobs(self) -> list[Row]:
        """In the order in which they were made."""
        return sorted(self.rows["jobs"], key=lambda job: str(job["id"]))

    @property
    def steps(self) -> list[PlannedStep]:
        """Every step of the plan, read as a worker reads them."""
        [document] = self.rows["plan_documents"]
        return [PlannedStep.from_json(body) for body in document["steps"]]

    def lines(self, job: Row) -> dict[str, Entry]:
        """A job's journal, read as a worker reads it."""
        return {
            row["step_id"]: Entry(row["state"], row["attempts"], row["result"], row["error"])
            for row in self.rows["job_steps"]
            if row["job_id"] == job["id"]
        }

    def journal(self, job: Row, *, retried: bool = False) -> MemoryJournal:
        """`retried`: a person has had tried again what had failed."""
        lines = self.lines(job)
        if retried:
            lines = {
                id_: Entry("pending", entry.attempt + 1, entry.result) if entry.state == "failed" else entry
                for id_, entry in lines.items()
            }
        return MemoryJournal(lines)


def replay(tape: Tape, seed: str = SEED) -> Scene:
    """With the seed it was recorded with, everything has its recorded name as long as the sandbox draws as it did."""
    bench = Bench(World()).past_the_wire()
    begin(bench.world, seed)
    player = _Player(tape, bench.world, seed)
    player.play(0, tape.built)
    player.wait_until(tape.planned_at)
    before = account(bench.look)
    player.learn_tokens()
    player.play(tape.built, len(tape.calls))
    player.wait_until(tape.ended_at)
    player.learn_appeared(tape.appeared)
    new = player.renaming
    return Scene(bench, before, new(tape.rows), new(tape.stands), new(tape.ends))


class _Player:
    def __init__(self, tape: Tape, world: World, seed: str) -> None:
        self._tape = tape
        self._world = world
        self._seed = seed
        self._cloud = DirectCloud(world)
        self.renaming = Renaming()

    def play(self, first: int, end: int) -> None:
        for number in range(first, end):
            call = self._tape.calls[number]
            self.wait_until(call.at)
            self.learn_appeared(call.appeared)
            cast(self._world, self._seed, number)
            answer = self._cloud.handle(call.operation, self.renaming(call.params))
            self.renaming.learn_all(call.names, answer)

    def wait_until(self, at: float) -> None:
        clock = self._world.clock
        clock.advance((START + timedelta(seconds=at) - clock.now()).total_seconds())

    def learn_appeared(self, appeared: Mapping[str, Names]) -> None:
        state = self._world.random.getstate()
        for listing, names in appeared.items():
            self.renaming.learn_all(names, self._cloud.handle(listing, LISTINGS[listing]))
        self._world.random.setstate(state)

    def learn_tokens(self) -> None:
        """Tokens are made from the steps' ids, which hold names."""
        for line in self._tape.lines:
            for attempt in range(1, line["attempts"] + 1):
                old, new = line["step_id"], self.renaming(line["step_id"])
                job = str(line["job_id"])
                self.renaming.learn(token_of(job, old, attempt), token_of(job, new, attempt))
