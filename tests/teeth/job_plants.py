"""Bugs in who holds a job, what is written of it, and what a person's word is worth."""

from tests.teeth.plant import Plant

JOURNAL = "tests/integration/app/jobs/test_journal.py"
LEASES = "tests/integration/app/jobs/test_leases.py"
RUNNER = "tests/integration/app/jobs/test_runner.py"
CREW = "tests/integration/workers/test_crew.py"

JOB_PLANTS = (
    Plant(
        "fence-ignored",
        "a worker that lost its job goes on writing the journal",
        "app/jobs/journal.py",
        "where id = :job and fence = :fence returning last_event",
        "where id = :job and fence >= :fence returning last_event",
        (JOURNAL,),
    ),
    Plant(
        "fence-not-raised",
        "the next worker gets the same fence as the one before it",
        "app/jobs/leases.py",
        "update jobs set fence = fence + 1, lease_holder = :holder,",
        "update jobs set lease_holder = :holder,",
        (LEASES, JOURNAL),
    ),
    Plant(
        "lease-taken-alive",
        "a job is taken from a worker that holds it still",
        "app/jobs/leases.py",
        "      and (lease_expires_at is null or lease_expires_at < clock_timestamp())\n",
        "",
        (LEASES,),
    ),
    Plant(
        "late-calls-go-out",
        "a worker that wakes up after its lease goes on calling AWS",
        "app/jobs/leases.py",
        "if not self.alive:",
        "if self.fence < 0:",
        (LEASES,),
    ),
    Plant(
        "heartbeat-missed",
        "a lease is never renewed",
        "app/jobs/leases.py",
        "if time.monotonic() >= renew_at:",
        "if time.monotonic() < 0:",
        (LEASES,),
    ),
    Plant(
        "pause-ignored",
        "a job goes on when a person has paused it",
        "app/jobs/leases.py",
        'if row.requested in ("pause", "cancel", "undo"):',
        'if row.requested in ("cancel", "undo"):',
        (LEASES,),
    ),
    Plant(
        "commit-not-awaited",
        "a step's calls go out before its line in the journal is committed",
        "app/manners/gathering.py",
        "await asyncio.shield(waiting.written)",
        "await asyncio.sleep(0)",
        (JOURNAL,),
    ),
    Plant(
        "batch-written-twice",
        "what a commit wrote is written again when its answer was lost",
        "app/jobs/journal.py",
        "if not await self._is_written(session, batch):",
        "if batch.lines or batch.events:",
        (JOURNAL,),
    ),
    Plant(
        "sweep-left-out",
        "nobody looks for the jobs of dead workers",
        "workers/crew.py",
        """\
                await self.sweep()
                await self.tidy()
""",
        """\
                await self.tidy()
""",
        (CREW,),
    ),
    Plant(
        "wish-overwritten",
        "what a person asked for while the drive came to its end is forgotten",
        "app/jobs/outcomes.py",
        "_status(outcome, row.requested, row.on_failure)",
        "_status(outcome, None, row.on_failure)",
        ("tests/integration/app/jobs/test_outcomes.py",),
    ),
    Plant(
        "drift-not-looked-at",
        "a job begins although the account is not what the plan was made from",
        "app/jobs/runner.py",
        'if load.job.action == "execute" and not begun:',
        'if load.job.action == "execute" and begun:',
        (RUNNER,),
    ),
    Plant(
        "drift-not-looked-at-again",
        "a step begins although somebody changed what it relies on while the job ran",
        "app/jobs/runner.py",
        "            guard=guard,\n",
        "            guard=None,\n",
        ("tests/integration/app/jobs/test_drift_in_mid_job.py",),
    ),
    Plant(
        "any-drift-accepted",
        "what a person accepted for one state of a thing holds for every other",
        "app/jobs/guard.py",
        "return self._accepted.get(str(each.ref), {}).get(each.fact) == each.digest",
        "return each.fact in self._accepted.get(str(each.ref), {})",
        ("tests/integration/app/jobs/test_drift_in_mid_job.py",),
    ),
    Plant(
        "approval-not-asked-for",
        "a job begins although its plan's approval is void",
        "app/jobs/runner.py",
        "        if not approved:\n",
        "        if approved is None:\n",
        (RUNNER,),
    ),
    Plant(
        "approval-of-another-plan",
        "an approval goes on counting when the plan has changed",
        "app/plans/approval.py",
        "if plan.approved_hash != plan.plan_hash or plan.approval_expires_at is None:",
        "if plan.approved_hash is None or plan.approval_expires_at is None:",
        (RUNNER,),
    ),
    Plant(
        "doorbell-not-rung",
        "nobody tells the workers of a new job",
        "app/manners/doorbell.py",
        "after_commit(session, lambda: doorbell.ring(kind, id))",
        "after_commit(session, lambda: doorbell.close())",
        ("tests/api/test_transactions.py",),
    ),
    Plant(
        "key-kept-apart",
        "an Idempotency-Key is kept in a transaction of its own, and stays where the request's is lost",
        "app/manners/transactions.py",
        """\
                    await remember(request, session, response)
""",
        """\
                    async with database.transaction() as own:
                        await remember(request, own, response)
""",
        ("tests/api/test_transactions.py",),
    ),
)
