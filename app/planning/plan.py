"""A plan as frozen data: steps, findings and flows; explaining, running, drawing and storing use the same value."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from app.planning import effects as doing
from app.planning.effects import Effect
from app.planning.inventory import Json, Ref

StepId: TypeAlias = str
Strategy = Literal["all_at_once", "incremental"]
Level = Literal["blocker", "warning", "note"]
FlowVerdict = Literal["kept", "interrupted", "already_broken"]
Extent = Literal["wholly", "partly"]

LEVELS: tuple[Level, ...] = ("blocker", "warning", "note")

PHASES = ("prepare", "link", "managed_services", "load_balancers", "instances", "unlink", "finalize")


def step_id(action: str, subject: Ref) -> StepId:
    return f"{action}/{subject}"


def promise(source: StepId, key: str = "counterpart") -> dict[str, str]:
    """A value known only once the step `source` has a result: its `key` (dots reach into it)."""
    return {"$from": source, "$key": key}


def promises(value: Json) -> Iterator[tuple[StepId, str]]:
    """Every promise inside a JSON value, as (step, key)."""
    if isinstance(value, Mapping):
        if "$from" in value:
            yield value["$from"], value["$key"]
            return
        for inner in value.values():
            yield from promises(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from promises(inner)


@dataclass(frozen=True, slots=True, order=True)
class Milestone:
    """Something that becomes true of a resource once every step that reaches it has succeeded.

    The names are open; the planner's own rules use these:
    `linked`     the source talks with the VPC over ClassicLink
    `ready`      the counterpart exists and could take traffic
    `in_service` the counterpart takes the traffic: the cutover is over
    `stopped`    the source no longer serves and no longer writes
    """

    name: str
    ref: Ref

    def __str__(self) -> str:
        return f"{self.name} {self.ref}"


def linked(ref: Ref) -> Milestone:
    return Milestone("linked", ref)


def ready(ref: Ref) -> Milestone:
    return Milestone("ready", ref)


def in_service(ref: Ref) -> Milestone:
    return Milestone("in_service", ref)


def stopped(ref: Ref) -> Milestone:
    return Milestone("stopped", ref)


# Every step of the phase `prepare` has ended; and the step that waits for just that.
PREPARATIONS_ENDED = Milestone("ended", Ref("phase", "prepare"))
PREPARED = Milestone("prepared", Ref("phase", "prepare"))


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person must know. `message` says what to do; a blocker forbids approval."""

    level: Level
    code: str
    subject: str
    message: str

    @property
    def rank(self) -> tuple[int, str, str, str]:
        """Their order for a person: blockers first, notes last."""
        return LEVELS.index(self.level), self.code, self.subject, self.message


@dataclass(frozen=True, slots=True)
class Draft:
    """What a step kind proposes for one resource; the planner adds order and makes it a PlannedStep.

    `needs`: steps that must have succeeded, and milestones that must be reached; the steps promised
    in `params` are needed without saying. Milestones that no step reaches are taken as given.
    `begins`: refs whose cutover starts with this step: everything the planner asks for before the
    counterpart may go to work must be true by then.
    `interrupts`: refs whose source stops serving when this step starts.
    `hold_seconds`: once settled, how long to wait before it counts. `lingering_seconds`: the same where
    callers may still go the old way meanwhile (DNS answers in caches), so that it is part of an outage.
    `kept_until`: of a step that keeps what it made true (execution's `Step.keep`): the first of these to
    start ends that. It orders nothing: they must come after this step by what they need.
    `not_undone`: what an undo of this step does not put back, or takes along, in whole sentences; "" where it
    leaves no trace. Of a step that is not `reversible` at all the explanation says it.
    `undo_seconds`: how long an undo of it takes; None: as long as the step, with what it holds.
    """

    params: Mapping[str, Json]
    explanation: str
    seconds: float = 1.0
    calls: int = 1
    needs: frozenset[StepId | Milestone] = frozenset()
    reaches: frozenset[Milestone] = frozenset()
    begins: frozenset[Ref] = frozenset()
    interrupts: frozenset[Ref] = frozenset()
    reversible: bool = True
    hold_seconds: float = 0.0
    lingering_seconds: float = 0.0
    kept_until: frozenset[StepId | Milestone] = frozenset()
    not_undone: str = ""
    undo_seconds: float | None = None


_LISTS = ("needs", "reaches", "interrupts", "kept_until")


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One change, reversible or said not to be. `needs` is sorted; `estimate` is {"seconds", "calls", "undo_seconds"},
    the last of which plans of earlier releases have not got.

    `reaches` holds milestones as "name ref", `interrupts` refs whose source stops serving when the
    step starts: what the order was made from. `effects`, sorted, is what it does: what the proof of the
    flows is made from. `kept_until` is sorted. `not_undone`: see Draft.
    """

    id: StepId
    action: str
    subject: str
    phase: str
    needs: tuple[StepId, ...]
    params: Mapping[str, Json]
    reversible: bool
    estimate: Mapping[str, float]
    explanation: str
    reaches: tuple[str, ...] = ()
    interrupts: tuple[str, ...] = ()
    hold_seconds: float = 0.0
    lingering_seconds: float = 0.0
    kept_until: tuple[StepId, ...] = ()
    effects: tuple[Effect, ...] = ()
    not_undone: str = ""

    @property
    def stays(self) -> Extent | None:
        """How much of it an undo does not put back: all of it, a part, or nothing."""
        if not self.reversible:
            return "wholly"
        return "partly" if self.not_undone else None

    def as_json(self) -> dict[str, Json]:
        body = asdict(self)
        for key in _LISTS:
            body[key] = list(body[key])
        body["effects"] = [doing.as_json(effect) for effect in self.effects]
        return body

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "PlannedStep":
        """`body` may be of an earlier release, which knew fewer of the fields that have a default."""
        lists: dict[str, Any] = {key: tuple(body[key]) for key in _LISTS if key in body}
        lists["effects"] = tuple(map(doing.from_json, body.get("effects", ())))
        return cls(**{**body, **lists})


@dataclass(frozen=True, slots=True)
class Interruption:
    """These sources cannot call these targets from the start of one step to the end of another."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    from_step: StepId
    to_step: StepId
    estimated_seconds: float


@dataclass(frozen=True, slots=True)
class Flow:
    """One rule that lets members of one set call members of another; ports None mean any.

    `outage_seconds`: how long some target is expected to be out of reach in all, windows that overlap
    counted once. `least_in_service`: where a load balancer is the source, how many targets it can call at
    every moment, in whatever order steps run.
    """

    id: str
    rule: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    protocol: str
    from_port: int | None
    to_port: int | None
    verdict: FlowVerdict = "kept"
    reason: str = ""
    interruptions: tuple[Interruption, ...] = ()
    outage_seconds: float = 0.0
    least_in_service: int | None = None

    def as_json(self) -> dict[str, Json]:
        """The shape of api.md; what is absent is left out."""
        body = {key: value for key, value in asdict(self).items() if value is not None}
        for key in ("sources", "targets", "interruptions"):
            body[key] = list(body[key])
        return body


@dataclass(frozen=True)
class Plan:
    """Equal inputs give an equal plan and an equal hash."""

    strategy: Strategy
    region: str
    steps: tuple[PlannedStep, ...]
    findings: tuple[Finding, ...]
    flows: tuple[Flow, ...]
    scope: tuple[str, ...] = ()
    estimate: Mapping[str, float] = field(default_factory=dict)

    @property
    def blocked(self) -> bool:
        return any(finding.level == "blocker" for finding in self.findings)

    def as_json(self) -> dict[str, Json]:
        return {
            "strategy": self.strategy,
            "region": self.region,
            "scope": list(self.scope),
            "steps": [step.as_json() for step in self.steps],
            "findings": [asdict(finding) for finding in self.findings],
            "flows": [flow.as_json() for flow in self.flows],
            "estimate": dict(self.estimate),
        }

    @property
    def hash(self) -> str:
        """SHA-256 over the canonical JSON: what an approval is bound to."""
        text = json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
