"""Plans robbed of some of their needs and judged anew: no planner made them, but no judge may be fooled by them."""

import random
from collections.abc import Set
from dataclasses import replace

from app.planning.outage import Judge
from app.planning.plan import PlannedStep, promises
from tests.kit.any_order import HaltedError
from tests.kit.applications import App, Ask
from tests.kit.kept_cases import Planned, Tally, balanced, down_in_one_order


def spoiled(planned: Planned, chance: random.Random) -> Planned:
    """Without one to three needs, but those that a step takes a result from."""
    steps = list(planned.plan.steps)
    for _ in range(chance.randint(1, 3)):
        number = chance.randrange(len(steps))
        steps[number] = _robbed(steps[number], chance)
    unjudged = [
        replace(flow, verdict="kept", reason="", interruptions=(), outage_seconds=0.0) for flow in planned.plan.flows
    ]
    flows = Judge(steps, planned.around).judge(unjudged)
    return replace(planned, plan=replace(planned.plan, steps=tuple(steps), flows=flows))


def check_spoiled(app: App, ask: Ask, first_seed: int, tally: Tally) -> None:
    """Raises BrokenPromiseError. That a step of a spoiled plan fails is nobody's fault."""
    planned = Planned.of(app, ask)
    if planned.plan.blocked or not planned.plan.steps:
        return
    for seed in range(first_seed, first_seed + 6):
        chosen = spoiled(planned, random.Random(seed))
        if watched := _kept(chosen) | balanced(chosen.plan):
            try:
                down_in_one_order(app, chosen, watched, seed, tally)
            except HaltedError:
                tally.blocked += 1


def _kept(planned: Planned) -> Set[str]:
    return {flow.id for flow in planned.plan.flows if flow.verdict == "kept"}


def _robbed(step: PlannedStep, chance: random.Random) -> PlannedStep:
    free = sorted(set(step.needs) - {source for source, _ in promises(step.params)})
    if not free:
        return step
    gone = chance.choice(free)
    return replace(step, needs=tuple(need for need in step.needs if need != gone))
