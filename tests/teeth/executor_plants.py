"""Bugs in how a plan is carried out: order, the journal's moves, waiting, trying again."""

from tests.teeth.plant import Plant

EXECUTOR = "tests/unit/execution/test_executor.py"
STOPS = "tests/unit/execution/test_executor_stops.py"
HISTORIES = "tests/unit/execution/test_executor_histories.py"
KEEPING = "tests/unit/execution/test_keeping.py"
WATCHER = "tests/unit/execution/test_watcher.py"

EXECUTOR_PLANTS = (
    Plant(
        "intent-after-call",
        "a step is written down as running only when its calls have gone out",
        "app/execution/executor.py",
        """\
        await self._move(step, "running")
        run = self._runs.make(step, entry.attempt, recovering=entry.tried)
        return await self._attempts.persist(run, action.do)
""",
        """\
        run = self._runs.make(step, entry.attempt, recovering=entry.tried)
        result = await self._attempts.persist(run, action.do)
        await self._move(step, "running")
        return result
""",
        (EXECUTOR, HISTORIES),
    ),
    Plant(
        "done-before-doing",
        "a step is written down as done before its first call, so that nobody does it after a crash",
        "app/execution/executor.py",
        """\
        run = self._runs.make(step, entry.attempt, recovering=entry.tried)
""",
        """\
        run = self._runs.make(step, entry.attempt, recovering=entry.tried)
        await self._move(step, "verifying", {})
""",
        (HISTORIES,),
    ),
    Plant(
        "takeover-untold",
        "a step that was under way when its worker died is done again as if for the first time",
        "app/execution/journal.py",
        'return self.state == "running" or self.attempt > 1',
        "return self.attempt > 1",
        (EXECUTOR,),
    ),
    Plant(
        "retry-untold",
        "a step that failed after its call took effect is done again as if for the first time",
        "app/execution/journal.py",
        'return self.state == "running" or self.attempt > 1',
        'return self.state == "running"',
        (EXECUTOR,),
    ),
    Plant(
        "undo-trusts-missing-result",
        "undo passes over a step that has no result, though its call may have gone out",
        "app/execution/executor.py",
        """\
            await self._attempts.persist(run, lambda run: action.undo(run, entry.result))
""",
        """\
            if entry.result is not None:
                await self._attempts.persist(run, lambda run: action.undo(run, entry.result))
""",
        (EXECUTOR,),
    ),
    Plant(
        "undo-does-not-wait",
        "undo is not told that what the step made may be invisible still, and finds nothing to take back",
        "app/execution/executor.py",
        """\
            run = self._runs.make(step, entry.attempt, recovering=True)
            await self._attempts.persist""",
        """\
            run = self._runs.make(step, entry.attempt, recovering=False)
            await self._attempts.persist""",
        (EXECUTOR,),
    ),
    Plant(
        "failed-counts-as-untouched",
        "undo passes over a step that failed, whatever of it took effect",
        "app/execution/journal.py",
        'if self.state == "undone":',
        'if self.state in ("undone", "failed"):',
        (EXECUTOR,),
    ),
    Plant(
        "retried-counts-as-untouched",
        "undo passes over a step that failed, once a person has it skipped or tried again",
        "app/execution/journal.py",
        "return still and self.attempt == 1 and (self.error is None or drifted)",
        "return still",
        (EXECUTOR,),
    ),
    Plant(
        "undo-forwards",
        "undo goes through the steps in the order in which they were done",
        "app/execution/executor.py",
        "Frontier(dependents_of(list(self._steps.values())), untouched)",
        "Frontier({id_: step.needs for id_, step in self._steps.items()}, untouched)",
        (EXECUTOR,),
    ),
    Plant(
        "gate-ignored",
        "the job goes through its gates without a person's approval",
        "app/execution/executor.py",
        'state == "pending" and not self._failed and not self._gated(step)',
        'state == "pending" and not self._failed',
        (EXECUTOR,),
    ),
    Plant(
        "failure-ignored",
        "further steps start although one has failed",
        "app/execution/executor.py",
        'state == "pending" and not self._failed and not self._gated(step)',
        'state == "pending" and not self._gated(step)',
        (EXECUTOR,),
    ),
    Plant(
        "undo-goes-on",
        "undo goes on to further steps when the worker is told to stop",
        "app/execution/executor.py",
        "if self.control.stopping.is_set() or not may_start(step):",
        "if not may_start(step):",
        (STOPS,),
    ),
    Plant(
        "wakeup-lost",
        "the executor sleeps on when a gate is approved",
        "app/execution/attempts.py",
        """\
        self.approved_gates.add(gate)
        self.changed.set()
""",
        """\
        self.approved_gates.add(gate)
""",
        (EXECUTOR,),
    ),
    Plant(
        "stop-unheard",
        "the executor sleeps on, for as long as AWS takes, when it is told to stop",
        "app/execution/attempts.py",
        """\
        self.stopping.set()
        self.changed.set()
""",
        """\
        self.stopping.set()
""",
        (STOPS,),
    ),
    Plant(
        "consistency-skipped",
        "what a lost call may have made is looked for at once, before AWS shows it everywhere",
        "app/execution/attempts.py",
        "await self.sleep(CONSISTENCY_SECONDS)",
        "await self.sleep(0.0)",
        (EXECUTOR,),
    ),
    Plant(
        "stale-result",
        "promises are filled with a step's first result, not with what was learned since",
        "app/execution/journal.py",
        "result=self.result if result is None else result,",
        "result=result if self.result is None else self.result,",
        (EXECUTOR,),
    ),
    Plant(
        "started-too-early",
        "a step starts when the first of those it needs has ended",
        "app/execution/frontier.py",
        "{blocker for blocker in found if blocker in blockers}",
        "{blocker for blocker in list(found)[:1] if blocker in blockers}",
        ("tests/unit/execution/test_frontier.py",),
    ),
    Plant(
        "watcher-drops-an-id",
        "where more is looked at than goes into one call, the first id of the next is left out",
        "app/execution/watcher.py",
        "range(0, max(len(wanted), 1), size)",
        "range(0, max(len(wanted), 1), size + 1)",
        (WATCHER,),
    ),
    Plant(
        "watcher-drops-who-joins",
        "a step that begins to wait during a look is forgotten",
        "app/execution/watcher.py",
        "[waiter for waiter in waiters if id(waiter) not in done",
        "[waiter for waiter in asked if id(waiter) not in done",
        (WATCHER,),
    ),
    Plant(
        "look-left-out",
        "what was made true is not looked at again before the step that relies on it",
        "app/execution/keeping.py",
        "                await self._check(self._keepers[need])\n",
        "                continue\n",
        (KEEPING,),
    ),
    Plant(
        "keeper-goes-on",
        "what was made true is kept on while the step that ends it takes it away",
        "app/execution/keeping.py",
        "                await self._end(self._keepers[kept])\n",
        "                continue\n",
        (KEEPING,),
    ),
)
