"""Bugs in what is sent to AWS, how often, what its answers are taken for, and what is told of it."""

from tests.teeth.plant import Plant

PACING = "tests/unit/execution/test_pacing.py"
WITNESS = "tests/unit/execution/test_witness.py"
MEANINGS = "tests/unit/app/aws/test_meanings.py"
CHAIN = "tests/integration/app/audit/test_chain.py"

CALL_PLANTS = (
    Plant(
        "token-left-out",
        "instances are launched without a client token, and launched again when an answer is lost",
        "app/resources/instance_launch.py",
        '        "ClientToken": run.token,\n',
        "",
        ("tests/scenarios/test_instance_crashes.py::test_a_launch_whose_answer_nobody_heard_makes_one_twin",),
    ),
    Plant(
        "token-made-up",
        "each try has a client token of its own",
        "app/execution/runs.py",
        'return hashlib.sha256(f"{job_id}/{step}/{attempt}".encode()).hexdigest()',
        'return __import__("secrets").token_hex(32)',
        ("tests/unit/execution/test_runs.py",),
    ),
    Plant(
        "adopted-by-name",
        "whatever has the right name is taken for our own, whoever made it",
        "app/resources/security_group_steps.py",
        """\
            if not found or not run.owns(found.get("Tags")):
                raise
""",
        """\
            if not found:
                raise
""",
        ("tests/scenarios/test_names_that_were_taken.py",),
    ),
    Plant(
        "balancer-adopted-by-name",
        "a load balancer that somebody made under the twin's name is taken for the twin",
        "app/resources/load_balancer_twin.py",
        """\
            if not run.owns(await _tags(run, name)):
                raise
""",
        """\
            await _tags(run, name)
""",
        ("tests/scenarios/test_names_that_were_taken.py",),
    ),
    Plant(
        "tag-of-any-job",
        "what another step of the job made is taken for this one's",
        "app/execution/step.py",
        'return found.get("landbridge:job") == self.job_id and found.get("landbridge:step") == self.step_id',
        'return found.get("landbridge:job") == self.job_id',
        ("tests/unit/execution/test_runs.py",),
    ),
    Plant(
        "boto-retries",
        "boto3 sends a change again by itself when its answer is lost",
        "app/aws/sessions.py",
        '    retries={"mode": "standard", "total_max_attempts": 1},\n',
        "",
        ("tests/integration/app/aws/test_sessions.py",),
    ),
    Plant(
        "lost-change-repeated",
        "a change whose answer was lost is sent again without looking first",
        "app/execution/pacing.py",
        "return isinstance(error, Throttled) or (is_read(operation) and isinstance(error, UnknownOutcome))",
        "return isinstance(error, Throttled | UnknownOutcome)",
        (PACING,),
    ),
    Plant(
        "throttled-counts-as-done",
        "a change that AWS throttled is taken for made",
        "app/execution/pacing.py",
        """\
                if attempt == tries - 1 or not _repeatable(operation, error):
                    raise
""",
        """\
                if isinstance(error, Throttled) and not is_read(operation):
                    return {}
                if attempt == tries - 1 or not _repeatable(operation, error):
                    raise
""",
        (PACING,),
    ),
    Plant(
        "server-error-is-a-refusal",
        "an error of AWS's own is taken for a refusal, though the change may have been made",
        "app/aws/errors.py",
        "return UnknownOutcome if status >= 500 else Rejected",
        "return Rejected",
        (MEANINGS,),
    ),
    Plant(
        "lost-answer-is-a-refusal",
        "a connection that broke is taken for a refusal, though the change may have been made",
        "app/aws/errors.py",
        "return UnknownOutcome(operation, type(error).__name__, unquoting(str(error), params))",
        "return Rejected(operation, type(error).__name__, unquoting(str(error), params))",
        (MEANINGS,),
    ),
    Plant(
        "told-after-the-call",
        "the audit trail hears of a change when it has been made",
        "app/execution/witness.py",
        """\
        name = await self._witness.before(intent)
        try:
            answer = await self._cloud.call(operation, **params)
        except""",
        """\
        name = ""
        try:
            answer = await self._cloud.call(operation, **params)
            name = await self._witness.before(intent)
        except""",
        (WITNESS,),
    ),
    Plant(
        "chain-unlinked",
        "a line of the audit trail is checked by itself, without the hash before it",
        "app/audit/chain.py",
        "if entry.hash != (due := link_of(link, entry)):",
        "if len(due := entry.hash) != HASH_BYTES:",
        (CHAIN,),
    ),
    Plant(
        "rehearsal-is-real",
        "a dry run makes the changes that it should only ask about",
        "app/execution/rehearsal.py",
        "await self._cloud.call(operation, **params, DryRun=True)",
        "await self._cloud.call(operation, **params)",
        ("tests/unit/execution/test_rehearsal.py",),
    ),
)
