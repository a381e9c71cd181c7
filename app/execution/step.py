"""What a step is while it runs: `do`, look until it settles, `undo`; and what it is handed for that."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

from app.cloud import Cloud
from app.execution.calls import Calls, Reach
from app.planning.context import Context
from app.planning.effects import Effect
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, StepId

Result: TypeAlias = Mapping[str, Json]
Seen: TypeAlias = Mapping[str, Mapping[str, Any]]

Alters: TypeAlias = Mapping[str, frozenset[str]]  # facts by kind

EVERYTHING = frozenset({"*"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look told: go on looking, done, or never going to be. `learned` is merged into the result."""

    state: Literal["settled", "pending", "broken"]
    reason: str = ""
    learned: Mapping[str, Json] = field(default_factory=dict)


PENDING = Verdict("pending")


def settled(**learned: Json) -> Verdict:
    return Verdict("settled", learned=learned)


def pending(reason: str = "") -> Verdict:
    return Verdict("pending", reason)


def broken(reason: str) -> Verdict:
    return Verdict("broken", reason)


@dataclass(frozen=True, slots=True)
class Watch:
    """What to look at: the watcher asks once for the ids of everybody with the same `question`.

    `by`: how ids go into the request: "list:ImageIds" (a list parameter), "filter:instance-id" (an
    EC2 or RDS filter), "one:Id" (a single id a call), "all" (the call names no id).
    `items`: JMESPath to the list of items in the answer; `key`: where an item holds its id.
    `also`: further parameters, as sorted pairs of name and JSON-able value.
    `within`: seconds of AWS's time after which waiting is given up as broken.
    `most`: how many ids one call takes.
    `urgent`: somebody is out of service until it settles. The executor sets it (planning/urgency.py).
    """

    operation: str
    ids: tuple[str, ...]
    by: str
    items: str
    key: str
    also: tuple[tuple[str, Any], ...] = ()
    every: float = 5.0
    within: float = 6 * 3600.0
    most: int = 200
    urgent: bool = False

    @property
    def question(self) -> tuple[Any, ...]:
        return (self.operation, self.by, self.items, self.key, repr(self.also))


Judge: TypeAlias = Callable[[Seen], Verdict]


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt at one step.

    `params` has its promises filled. `token` (64 characters at most) is the same for the same job,
    step and attempt: use it as ClientToken. `tags` go on everything created; they say whose it is.
    `recovering`: an earlier do or undo, of this attempt or one before it, may have taken effect: look before creating.
    `fresh`: params name things this job made, which AWS may not show everywhere yet.
    `wait(watch, judge)` looks until settled and returns what was learned; raises StepBroken.
    `consistency()` waits until what an earlier call created must be visible: for creations that have
    neither token nor unique name.
    """

    job_id: str
    step_id: StepId
    subject: Ref
    params: Mapping[str, Any]
    attempt: int
    recovering: bool
    fresh: bool
    cloud: Cloud
    token: str
    tags: tuple[tuple[str, str], ...]
    result_of: Callable[[StepId], Result | None]
    wait: Callable[[Watch, Judge], Awaitable[Mapping[str, Json]]]
    consistency: Callable[[], Awaitable[None]]

    @property
    def tag_list(self) -> list[dict[str, str]]:
        """The tags as AWS takes them: [{"Key", "Value"}]."""
        return [{"Key": key, "Value": value} for key, value in self.tags]

    def tag_specifications(self, *types: str, extra: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """`TagSpecifications` for the resource types, with the source's own tags in `extra`."""
        own = {tag["Key"] for tag in self.tag_list}
        tags = self.tag_list + [{"Key": key, "Value": value} for key, value in (extra or {}).items() if key not in own]
        return [{"ResourceType": type_, "Tags": tags} for type_ in types]

    def owns(self, tags: list[dict[str, str]] | None) -> bool:
        """Whether a thing with these AWS tags was made by this job's step."""
        found = {tag["Key"]: tag.get("Value", "") for tag in tags or []}
        return found.get("landbridge:job") == self.job_id and found.get("landbridge:step") == self.step_id

    @property
    def mine(self) -> list[dict[str, Any]]:
        """EC2 filters that find what this step made."""
        return [
            {"Name": "tag:landbridge:job", "Values": [self.job_id]},
            {"Name": "tag:landbridge:step", "Values": [self.step_id]},
        ]


class StepBroken(Exception):
    """A step cannot succeed as things stand; `reason` is a sentence for a person, with what to do; `more` stands
    beside it in the step's error."""

    def __init__(self, reason: str, code: str = "step_broken", **more: Json) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.more = more


class Step(ABC):
    """One kind of change to one kind of subject.

    `action` is stored and never renamed. `subject` is the kind of resource it is planned for.
    `do` finds and adopts its own earlier result; `undo` is quiet where there is nothing to take
    back (`result` None: do may or may not have happened).

    A step that `keeps_every` so many seconds of AWS's time (0: nothing to keep) looks after what it made
    true: see `keep`.

    `alters`: by kind, the facts that it changes, or that change because of it: of its subject, and of other
    things that refer to the subject or are referred to by it. EVERYTHING where nothing stays comparable. Drift
    is not looked for there any more once the step has begun.

    `calls`: every operation that do, watch, keep, check or undo may call, and on what. `permits`: what AWS asks
    for besides when it carries them out. The job's permissions are made from these, and from nothing else.
    """

    action: ClassVar[str]
    subject: ClassVar[str]
    phase: ClassVar[str]
    keeps_every: ClassVar[float] = 0.0
    alters: ClassVar[Alters] = {}
    calls: ClassVar[Calls] = {}
    permits: ClassVar[Calls] = {}

    @abstractmethod
    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        """Pure: the change this step would make to `resource`, or None where there is nothing to do."""

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        """Pure: what a step with these params does to what can call what. Flows are proved from this and from
        nothing else, so read it off `params`, where promises stand unfilled, and from nowhere else."""
        return ()

    def untagged(self, params: Mapping[str, Json]) -> Reach:
        """Pure: what promises of its result may stand for that does not carry our tag (what AWS does not tag,
        what was there already)."""
        return ()

    async def check(self, run: Run) -> None:
        """Dry run: raise StepBroken or CloudError where `do` would be refused. Changes nothing."""
        return

    @abstractmethod
    async def do(self, run: Run) -> Result:
        """Make the change and return what `undo` and later steps need."""

    def watch(self, result: Result) -> Watch | None:
        """What to look at until it settles; None where `do` returning is the end of it."""
        return None

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        """Pure: what was seen (by id; absent ids are not visible yet), judged."""
        return settled()

    async def keep(self, run: Run, result: Result) -> None:
        """Look whether what `do` made true still is, and mend what can be mended; quick, and quiet if all is well.

        Called every `keeps_every` seconds once the step has succeeded (never before), and once more right
        before each step that needs this one directly starts; two calls never overlap. It ends when the first
        of the draft's `kept_until` steps starts: the last call is over before that step makes its own first.
        It goes on after a takeover and at a gate, not while the job is paused, halted, cancelled or undone.

        It is repeated for as long as the job goes on, and may be left between two of its calls: make only
        calls that set what is to be (registering what is registered changes nothing), create nothing, and
        leave what undo restores as undo expects it. Its calls are covered by the intent of the step itself.
        `result` is what the step ended with, and does not change.

        Raises StepBroken, with what happened and the next action, where a person has to decide: that fails a
        step which relies on this one; between them it is only told in the log. A CloudError is met again with
        the next round, and before a step that relies on this one by the same patience as in `do`.
        """
        return

    @abstractmethod
    async def undo(self, run: Run, result: Result | None) -> None:
        """Take the change back; repeatable. Deletes only what carries our tag."""
