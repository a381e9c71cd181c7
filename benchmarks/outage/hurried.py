"""What somebody in a hurry does: the plan's own steps in the order in which people think of things."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.planning.graph import in_order
from app.planning.inventory import Json, Ref
from app.planning.plan import PlannedStep, StepId, promises, step_id

# Wave by wave, each begun when the one before has ended; all that the plan calls preparing comes first.
WAVES = (
    ("instance.", "elastic_ip.", "dns_record.follow_instance"),
    ("load_balancer.",),
    ("dns_record.cutover",),
    ("rds_instance.",),
)
# Nobody is linked, so that no Classic instance can stand behind a twin, or be taken from there.
LINKS = frozenset({"link", "unlink"})
LEFT_OUT = (
    "classic_link.",
    "load_balancer.register/",
    "load_balancer.deregister/",
    "auto_scaling_group.register_members/",
)


def hurried(steps: Sequence[PlannedStep]) -> tuple[PlannedStep, ...]:
    """An incremental plan's steps without ClassicLink: instances first, then load balancers, then databases.

    What a step is promised by another still comes after it, or it could not run at all. `steps` as a plan has
    them: each after what it needs.
    """
    kept = [step for step in steps if step.phase not in ("finalize", *LINKS) and not step.id.startswith(LEFT_OUT)]
    waves = {step.id: wave_of(step) for step in kept}
    for step in reversed(kept):
        for source, _ in promises(step.params):
            if source in waves:
                waves[source] = min(waves[source], waves[step.id])
    return tuple(in_order([_swapped(step, waves) for step in kept]))


def wave_of(step: PlannedStep) -> int:
    """The place of a step's wave; 0 is preparing."""
    if step.phase == "prepare":
        return 0
    return next((place for place, actions in enumerate(WAVES, 1) if step.action.startswith(actions)), 1)


def _swapped(step: PlannedStep, waves: Mapping[StepId, int]) -> PlannedStep:
    mine = waves[step.id]
    needs = {need for need in step.needs if waves.get(need, mine + 1) <= mine}
    needs |= {source for source, _ in promises(step.params) if source in waves}
    earlier = max((wave for wave in waves.values() if wave < mine), default=0)
    needs |= {id_ for id_, wave in waves.items() if wave == earlier < mine}
    if step.action == "instance.retire":  # the new one runs, so the old one is switched off
        needs.add(step_id("instance.launch", Ref.parse(step.subject)))
    return replace(step, needs=tuple(sorted(needs)), params=_alone(step))


def _alone(step: PlannedStep) -> Mapping[str, Json]:
    """Behind a twin nobody is linked whom a counterpart could be compared with: it has to serve by itself."""
    return {**step.params, "require": "always"} if step.action == "load_balancer.register_twin" else step.params
