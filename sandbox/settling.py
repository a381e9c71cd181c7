"""Work that follows changes: done once when a moment's changes are over, however many there were."""

from collections.abc import Callable

from sandbox.world import Place, World


def after_changes(world: World, action: Callable[[World], None]) -> None:
    """Have `action` run after every change of the world, once for all changes of one moment.

    It runs from the clock, so it may be late in real time, but never in the sandbox's: `now()` is
    the moment of the change. An action that is known already is not added again.
    """
    known = [one.action for one in world.on_change if isinstance(one, _Settling)]
    if action not in known:
        world.on_change.append(_Settling(action))


class _Settling:
    def __init__(self, action: Callable[[World], None]) -> None:
        self.action = action
        self._due = False

    def __call__(self, place: Place) -> None:
        if not self._due:
            self._due = True
            place.clock.after(0, lambda: self._run(place.world))

    def _run(self, world: World) -> None:
        self._due = False
        self.action(world)
