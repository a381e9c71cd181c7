"""Which steps may start next: kept up to date step by step, so that a large graph costs no rescans."""

from collections import deque
from collections.abc import Iterable, Mapping

from app.planning.plan import StepId


class Frontier:
    """`blockers`: per step, the steps that have to be finished before it may start.

    A step that is `finished` beforehand is never handed out, but what waits for it still waits for its
    blockers: whoever comes after a skipped step comes after what that one came after.
    """

    def __init__(self, blockers: Mapping[StepId, Iterable[StepId]], finished: set[StepId]) -> None:
        self._finished = frozenset(finished)
        self._open = {id_: {blocker for blocker in found if blocker in blockers} for id_, found in blockers.items()}
        self._blocked: dict[StepId, list[StepId]] = {id_: [] for id_ in blockers}
        for id_, found in self._open.items():
            for blocker in found:
                self._blocked[blocker].append(id_)
        self._ready: deque[StepId] = deque()
        for id_ in [id_ for id_, found in self._open.items() if not found]:
            if id_ in self._finished:
                self.finish(id_)
            else:
                self._ready.append(id_)

    def take(self) -> StepId | None:
        """A step that may start and was not handed out before."""
        return self._ready.popleft() if self._ready else None

    def finish(self, id_: StepId) -> None:
        """Whatever waited for this one alone may start now."""
        passed = [id_]
        while passed:
            ended = passed.pop()
            for waiting in self._blocked[ended]:
                self._open[waiting].discard(ended)
                if not self._open[waiting]:
                    (passed if waiting in self._finished else self._ready).append(waiting)
