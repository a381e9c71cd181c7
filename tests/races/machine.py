"""Requests, workers and faults in any order: what the API answers is held against the contract's model, and every
change of the account against what people have said."""

import itertools
from collections.abc import Sequence
from typing import Any

import httpx2
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.races.aws import TROUBLES
from tests.races.model import Answer, Ask, JobNow, Now, answer
from tests.races.stage import GATES, Stage
from tests.races.workers import Worker

MOST_JOBS = 8
MOST_PLANS = 3
SWEEPS = 2  # a job that was asked to be undone before its worker began waits for the next one
IN_PROGRESS = (409, "idempotency_in_progress")
WORKING = ("queued", "running", "undoing")
WISHES = ("pause", "resume", "cancel", "undo")
ACTIONS = ("execute", "dry_run", "finalize")

some = st.integers(0, 1_000)
asks = st.tuples(
    st.sampled_from(["wish"] * 5 + ["gate", "decide", "create", "create", "approve", "change"]), some, some, some
)


class Races(RuleBasedStateMachine):
    """One account. `some` numbers choose among what there is, so that every rule can always be told in numbers."""

    numbers = itertools.count(1)

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage
        self._workers: list[Worker] = []
        self._retired: list[Worker] = []
        self._now = Now({}, {})

    @initialize(approved=st.booleans())
    def a_shop_with_a_plan(self, approved: bool) -> None:
        """Somebody has planned, and perhaps had it approved."""
        self._run(self._stage.begin(next(self.numbers)))
        self._run(self._stage.plan())
        self._look()
        if approved:
            self._ask(("approve", 0, 0, 0))

    # What people do.

    @precondition(lambda self: len(self._now.plans) < MOST_PLANS)
    @rule()
    def plan(self) -> None:
        """Another plan of the same account."""
        self._run(self._stage.plan())

    @rule(which=some)
    def approval_expires(self, which: int) -> None:
        """A plan's approval runs out."""
        plan = _one(self._now.plans, which)
        self._run(self._stage.expire(plan))
        self._stage.shop.approved.discard(plan)

    @rule(ask=asks)
    def ask(self, ask: tuple[str, int, int, int]) -> None:
        """One request."""
        self._ask(ask)

    @rule(two=st.tuples(asks, asks), barred=st.booleans())
    def race(self, two: tuple[Any, Any], barred: bool) -> None:
        """Two different requests together: what they are answered must be so in one order or the other."""
        self._race([self._asking(one) for one in two], barred)

    @rule(ask=asks, times=st.integers(2, 3), barred=st.booleans())
    def repeat_at_once(self, ask: tuple[str, int, int, int], times: int, barred: bool) -> None:
        """One request several times together."""
        self._race([self._asking(ask)] * times, barred)

    @rule(ask=asks, barred=st.booleans())
    def repeat_under_one_key(self, ask: tuple[str, int, int, int], barred: bool) -> None:
        """One request twice together and once more afterwards, under one key: it is done once."""
        asking = self._asking(ask)
        if asking.what == "change":  # a PATCH takes no key
            return
        key, before = f"key {next(self.numbers)}", self._now
        answers = self._run(self._stage.together([asking, asking], [key, key], barred))
        due, then = answer(before, asking)
        told = [one for one in map(_told, answers) if one != IN_PROGRESS]
        assert told, answers
        good = {one.content for one in answers if one.status_code < 300}
        assert len(good) <= 1, good
        # What was refused keeps no key: the other one was a request of its own, and answered like the first.
        assert set(told) == {due}, (asking, before, told, due)
        self._accept([asking], [due])
        self._agree(then)
        if good:
            again = self._run(self._stage.ask(asking, key))
            assert (again.content, again.headers["Idempotency-Replayed"]) == (good.pop(), "true")
            self._agree(then)

    # What happens to AWS.

    @rule(trouble=st.sampled_from(sorted(TROUBLES)), times=st.sampled_from([1, 1, 1, 2, 40]))
    def trouble(self, trouble: str, times: int) -> None:
        """AWS's next changes do not go well."""
        self._stage.shop.troubles[:] = [trouble] * times

    # What workers do.

    @precondition(lambda self: len(self._workers) < 3 and any(job.status in WORKING for job in self._now.jobs.values()))
    @rule(which=some, calls=st.lists(st.integers(0, 3), max_size=4))
    def work(self, which: int, calls: list[int]) -> None:
        """A worker takes a job that waits for one, whoever holds it, and makes a few calls."""
        waiting = {id_: job for id_, job in self._now.jobs.items() if job.status in WORKING}
        worker = self._worker(_one(waiting, which))
        self._run(worker.begin())
        self._go_on(worker, calls)

    @precondition(lambda self: len(self._workers) < 2 and any(job.status in WORKING for job in self._now.jobs.values()))
    @rule(which=some)
    def work_through(self, which: int) -> None:
        """A worker takes a job and drives it as far as it goes."""
        waiting = {id_: job for id_, job in self._now.jobs.items() if job.status in WORKING}
        worker = self._worker(_one(waiting, which))
        self._run(worker.begin())
        self._finish(worker)

    @precondition(lambda self: self._workers)
    @rule(which=some, calls=st.lists(st.integers(0, 3), min_size=1, max_size=6))
    def calls_go_on(self, which: int, calls: list[int]) -> None:
        """Some of a worker's calls go out, or come back."""
        self._go_on(self._workers[which % len(self._workers)], calls)

    @precondition(lambda self: self._workers)
    @rule(which=some)
    def drive_ends(self, which: int) -> None:
        """A worker drives as far as it goes, and hears on the way what people want."""
        worker = self._workers[which % len(self._workers)]
        if not worker.frozen:
            self._finish(worker)

    @precondition(lambda self: self._workers)
    @rule(which=some, two=st.tuples(asks, asks))
    def race_with_a_drive(self, which: int, two: tuple[Any, Any]) -> None:
        """Two requests while a worker drives on: nobody can tell who comes first, and all must be well anyway."""
        worker = self._workers[which % len(self._workers)]
        if worker.frozen:
            return
        asked = [self._asking(one) for one in two]

        async def together() -> list[httpx2.Response]:
            worker.valve.open()
            answers = await self._stage.together(asked, [None, None], barred=False)
            await worker.to_end()
            return answers

        told = [_told(one) for one in self._run(together())]
        self._accept(asked, told)
        self._drop_ended()

    @precondition(lambda self: self._workers)
    @rule(which=some)
    def freeze(self, which: int) -> None:
        """A worker stands still until its lease is over."""
        worker = self._workers[which % len(self._workers)]
        if not worker.frozen:
            self._run(worker.freeze())

    @precondition(lambda self: any(worker.frozen for worker in self._workers))
    @rule()
    def wake(self) -> None:
        """It goes on where it was."""
        worker = next(worker for worker in self._workers if worker.frozen)
        self._run(worker.wake())
        self._finish(worker)

    @precondition(lambda self: self._workers)
    @rule(which=some, over=st.booleans())
    def die(self, which: int, over: bool) -> None:
        """A worker is killed in the middle of its calls; perhaps its lease is over before anything else happens."""
        worker = self._workers.pop(which % len(self._workers))
        self._run(worker.die())
        if over:
            self._run(worker.lease_runs_out())
        else:
            self._retired.append(worker)

    @precondition(lambda self: self._retired)
    @rule()
    def a_dead_workers_lease_is_over(self) -> None:
        """Time has passed since a worker died."""
        self._run(self._retired.pop().lease_runs_out())

    # What is always so.

    @invariant()
    def all_is_well(self) -> None:
        """I1, I3, I6, I8, I9, and one changing job at a time."""
        if not self._now.plans:
            return
        self._look()
        shop = self._stage.shop
        assert shop.wrong == []
        assert sum(job.holds for job in self._now.jobs.values()) <= 1
        assert self._run(self._stage.gaps()) == []
        assert [made for made, count in shop.tagged().items() if count > 1] == []

    def teardown(self) -> None:
        """Faults stop and everybody comes home: every job ends, or waits for a person, and the trail is whole."""
        if not self._now.plans:
            return
        try:
            self._come_home()
        finally:
            for worker in self._workers:
                self._run(worker.die())
        verified = self._run(self._stage.author.get("/v1/audit/verify")).json()
        assert verified["verified"], verified

    def _come_home(self) -> None:
        self._stage.shop.troubles.clear()
        for worker in tuple(self._workers):
            if worker.frozen:
                self._run(worker.wake())
            self._finish(worker)
        for worker in self._retired:
            self._run(worker.lease_runs_out())
        for _ in range(SWEEPS):
            self._sweep()
        self.all_is_well()
        left = self._stage.shop.tagged()
        for id_, job in self._now.jobs.items():
            assert (job.status not in WORKING, job.requested) == (True, None), (id_, job)
            kept = [step for made, step in left if made == id_]
            assert not (kept and job.status == "undone"), (id_, job, kept)

    def _sweep(self) -> None:
        self._look()
        for id_, job in self._now.jobs.items():
            if job.status in WORKING:
                worker = self._worker(id_)
                self._run(worker.begin())
                self._finish(worker)

    # How it is done.

    def _run(self, work: Any) -> Any:
        return self._stage.run(work)

    def _look(self) -> None:
        self._now = self._run(self._stage.now())

    def _asking(self, ask: tuple[str, int, int, int]) -> Ask:
        """The request that numbers stand for; one that needs a job makes one where there is none."""
        what, whom, which, more = ask
        plan = _one(self._now.plans, whom)
        if what in ("approve", "change"):
            version = self._now.plans[plan].version
            return Ask(what, plan, (version if more % 8 else version - 1,))  # type: ignore[arg-type]
        if what == "create" or not self._now.jobs:
            full = len(self._now.jobs) >= MOST_JOBS
            return Ask("create", plan, (ACTIONS[which % 3] if more % 2 and not full else "execute",))
        # The newest are where something happens.
        id_ = sorted(self._now.jobs)[-1 - whom % min(3, len(self._now.jobs))]
        if what == "wish":
            return Ask("wish", id_, (WISHES[which % 4],))
        if what == "gate":
            return Ask("gate", id_, ([*GATES, "before:link"][which % 3],))
        return Ask("decide", id_, (_stepping(self._now.jobs[id_], which), ("retry", "skip")[more % 2]))

    def _ask(self, ask: tuple[str, int, int, int]) -> None:
        asking = self._asking(ask)
        due, then = answer(self._now, asking)
        told = _told(self._run(self._stage.ask(asking)))
        assert told == due, (asking, self._now, told, due)
        self._accept([asking], [told])
        self._agree(then)

    def _race(self, asked: Sequence[Ask], barred: bool) -> None:
        before = self._now
        told = [_told(one) for one in self._run(self._stage.together(asked, [None] * len(asked), barred))]
        ends = [then for answers, then in _orders(before, asked) if answers == told]
        assert ends, (asked, before, told, [answers for answers, _ in _orders(before, asked)])
        self._accept(asked, told)
        self._look()
        assert any(_alike(self._now, then) for then in ends), (asked, before, told, self._now)

    def _agree(self, then: Now) -> None:
        """Things stand as the model has it."""
        self._look()
        assert _alike(self._now, then), (self._now, then)

    def _accept(self, asked: Sequence[Ask], told: Sequence[Answer]) -> None:
        """Remember what people know of approvals. A plan is changed by whoever comes last, if at all."""
        for ask, (status, _) in zip(asked, told, strict=True):
            if status == 200 and ask.what == "approve":
                self._stage.shop.approved.add(ask.whom)
        for ask, (status, _) in zip(asked, told, strict=True):
            if status == 200 and ask.what == "change":
                self._stage.shop.approved.discard(ask.whom)

    def _worker(self, job: str) -> Worker:
        shop = self._stage.shop
        plan = self._now.jobs[job].plan
        worker = Worker(shop, f"worker-{next(self.numbers)}", job, plan in shop.approved)
        self._workers.append(worker)
        return worker

    def _go_on(self, worker: Worker, calls: Sequence[int]) -> None:
        for which in calls:
            if not worker.done and not worker.frozen:
                self._run(worker.go_on(which))
        self._drop_ended()

    def _finish(self, worker: Worker) -> None:
        self._run(worker.to_end())
        self._drop_ended()

    def _drop_ended(self) -> None:
        self._workers = [worker for worker in self._workers if not worker.done]


def _one(among: Any, which: int) -> str:
    names = sorted(among)
    return str(names[which % len(names)])


def _stepping(job: JobNow, which: int) -> str:
    """A step; mostly one that has failed, where one has."""
    failed = [step for step, state in job.steps.items() if state == "failed"]
    return _one(failed if failed and which % 4 else job.steps, which)


def _told(response: httpx2.Response) -> Answer:
    """A response as the model has it. Errors are problem documents, and none is of our own making."""
    if response.status_code < 300:
        return response.status_code, ""
    assert response.status_code < 500, response.text
    assert response.headers["Content-Type"] == "application/problem+json", response.text
    return response.status_code, str(response.json()["code"])


def _orders(before: Now, asked: Sequence[Ask]) -> list[tuple[list[Answer], Now]]:
    """What each order of the requests would be answered, in the order in which they were asked."""
    ways = []
    for order in itertools.permutations(range(len(asked))):
        now, answers = before, dict.fromkeys(order, (0, ""))
        for place in order:
            answers[place], now = answer(now, asked[place])
        ways.append(([answers[place] for place in range(len(asked))], now))
    return ways


def _alike(now: Now, then: Now) -> bool:
    """Whether things stand as the model has it; of new jobs it knows the plan and the action."""
    known = {id_ for id_ in then.jobs if not id_.startswith("new ")}
    new = sorted((job.plan, job.action, job.status) for id_, job in now.jobs.items() if id_ not in known)
    due = sorted((job.plan, job.action, job.status) for id_, job in then.jobs.items() if id_ not in known)
    return now.plans == then.plans and new == due and all(now.jobs[id_] == then.jobs[id_] for id_ in known)
