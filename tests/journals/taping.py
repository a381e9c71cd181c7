"""The account's own tape: every changing call, in an order of chance that a replay can have again."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from app.execution.pacing import is_read
from sandbox.clock import START
from sandbox.errors import AwsError
from sandbox.service import prepare
from sandbox.world import World
from tests.journals.names import names_in
from tests.journals.tape import Call, Names
from tests.kit.direct_cloud import DirectCloud

# What comes into being without a call that names it: members of Auto Scaling groups, volumes, addresses.
LISTINGS: Mapping[str, Mapping[str, Any]] = {
    "ec2.describe_instances": {},
    "ec2.describe_volumes": {},
    "ec2.describe_snapshots": {"OwnerIds": ["self"]},
    "ec2.describe_images": {"Owners": ["self"]},
    "ec2.describe_security_groups": {},
    "ec2.describe_route_tables": {},
    "rds.describe_db_instances": {},
    "elb.describe_load_balancers": {},
    "autoscaling.describe_auto_scaling_groups": {},
}
SEED = "landbridge"


def cast(world: World, seed: str, number: int) -> None:
    """Chance before changing call `number`: what is made by it, or of itself until the next, is named by this alone."""
    world.random.seed(f"{seed}/{number}")


def begin(world: World, seed: str = SEED) -> None:
    """A world before its first call."""
    world.random.seed(seed)
    prepare(world.place())


def seconds_in(world: World) -> float:
    """How old the world is."""
    return (world.clock.now() - START).total_seconds()


class TapingCloud(DirectCloud):
    """Takes down what is changed through it; reads leave no trace, not even in the world's chance."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        begin(world)
        self.calls: list[Call] = []
        self._known: set[str] = set()

    def handle(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        world = self._world
        world.clock.run_due()
        if is_read(operation):
            with self._chance_as_it_is():
                return super().handle(operation, params)
        appeared, at = self.appeared(), seconds_in(world)
        before = world.random.getstate()
        cast(world, SEED, len(self.calls))
        try:
            answer = super().handle(operation, params)
        except AwsError:  # it changed nothing
            world.random.setstate(before)
            raise
        self._known.update(name for _, name in names_in(params))
        self.calls.append(Call(at, operation, params, self._new(answer), appeared))
        return answer

    def appeared(self) -> dict[str, Names]:
        """What there is by now that no answer has told of."""
        with self._chance_as_it_is():
            found = {each: self._new(super(TapingCloud, self).handle(each, LISTINGS[each])) for each in LISTINGS}
        return {each: names for each, names in found.items() if names}

    def _new(self, answer: Mapping[str, Any]) -> Names:
        new = {path: name for path, name in names_in(answer) if name not in self._known}
        self._known.update(new.values())
        return new

    @contextmanager
    def _chance_as_it_is(self) -> Iterator[None]:
        state = self._world.random.getstate()
        yield
        self._world.random.setstate(state)
