"""Which steps may start next: kept up to date step by step, so that a large graph costs no rescans."""

from collections import deque
from collections.abc import Iterable, Mapping

from app.planning.plan import StepId


class Frontier:
    """`blockers`: per step, the steps that have to be finished before it may start."""

    def __init__(self, blockers: Mapping[StepId, Iterable[StepId]], finished: set[StepId]) -> None:
        self._open = {
            id_: {blocker for blocker in found if blocker in blockers and blocker not in finished}
            for id_, found in blockers.items()
        }
        self._blocked: dict[StepId, list[StepId]] = {id_: [] for id_ in blockers}
        for id_, found in self._open.items():
            for blocker in found:
                self._blocked[blocker].append(id_)
        self._ready = deque(id_ for id_, found in self._open.items() if not found and id_ not in finished)

    def take(self) -> StepId | None:
        """A step that may start and was not handed out before."""
        return self._ready.popleft() if self._ready else None

    def finish(self, id_: StepId) -> None:
        """Whatever waited for this one alone may start now."""
        for waiting in self._blocked[id_]:
            self._open[waiting].discard(id_)
            if not self._open[waiting]:
                self._ready.append(waiting)
