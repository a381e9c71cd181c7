"""A sandbox as the server runs it: a world, its scenario, what watches it, and how it begins anew."""

import importlib
import pkgutil
from dataclasses import dataclass, field

import sandbox.scenarios
from sandbox.calls import Calls
from sandbox.clock import Clock
from sandbox.hook import connect
from sandbox.outages import Outages
from sandbox.world import ACCOUNT_ID, World

EMPTY = "none"
# A role that clients may assume without further ado; POST /_sandbox/roles makes others.
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/landbridge"


@dataclass
class Running:
    """Raises ValueError for an unknown scenario."""

    scenario: str = EMPTY
    time_scale: float = 1.0
    seed: int = 0
    throttled: bool = True
    world: World = field(init=False)
    outages: Outages = field(init=False)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """A new world with the scenario in it. The clock stands still, unthrottled, while it is built."""
        world = World(Clock(0), self.seed)
        world.roles[ROLE] = ""
        if self.scenario not in scenarios():
            raise ValueError(f"there is no scenario {self.scenario!r}: use one of {', '.join(scenarios())}")
        module = importlib.import_module(f"sandbox.scenarios.{self.scenario}")
        module.build(connect(world), world)
        world.calls = Calls()  # what made the scenario is not counted
        world.clock.set_scale(self.time_scale)
        world.throttle.enabled = self.throttled
        self.world, self.outages = world, Outages(world)


def scenarios() -> list[str]:
    """The names of the modules in sandbox/scenarios."""
    modules = pkgutil.iter_modules(sandbox.scenarios.__path__)
    return sorted(module.name for module in modules if not module.name.startswith("_"))
