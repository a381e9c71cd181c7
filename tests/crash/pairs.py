"""A move whose worker dies, whose next worker dies as well, and which a third one sees to its end."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from app.execution.executor import Outcome
from app.execution.journal import MemoryJournal
from app.planning.plan import Plan
from tests.crash.test_every_seam import drive, ended, shape, unlike
from tests.kit.account import account
from tests.kit.bench import Bench
from tests.kit.forked import apart
from tests.kit.killing import Killed, Seams, outlive
from tests.kit.second_deaths import FirstDeaths, Odds, SecondDeaths, Tally
from tests.kit.shop_over_http import made_twice, tagged, unaccounted
from tests.kit.undone import unrestored

UNDONE_TOO = 0.1  # of the moves that a third worker has finished


@dataclass
class Case:
    """A move about to begin, past the wire; try it apart. `expected`: how it ends without a death.

    `part` (which, of how many) of its first seams are tried. `tally` counts the pairs.
    """

    bench: Bench
    plan: Plan
    odds: Odds
    part: tuple[int, int] = (0, 1)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    tally: Tally = field(default_factory=Tally)
    before: dict[str, Any] = field(default_factory=dict)
    expected: dict[str, Counter[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.before = account(self.bench.look)
        [told] = apart(self._rehearsed)
        self.expected = {name: Counter(found) for name, found in json.loads(told).items()}

    def _rehearsed(self) -> list[str]:
        assert self.drive(Seams()) == "succeeded"
        return [json.dumps(shape(self.bench))]

    def drive(self, seams: Seams, *, back: bool = False) -> Outcome:
        return drive(self.bench, self.plan, self.journal, seams, back=back)

    def killed_twice(self) -> list[str]:
        """The first worker goes forward; the second does so, too, or undoes, and the third does as the second did."""

        def another_worker() -> list[str]:
            return self._killed_again(first, back=False)

        def a_person_asks_for_undo() -> list[str]:
            return self._killed_again(first, back=True)

        first = FirstDeaths({"the next": another_worker, "undo": a_person_asks_for_undo}, self.odds, self.part)
        assert outlive(lambda: self.drive(first)) == "succeeded"
        return first.wrong

    def killed_twice_in_undo(self) -> list[str]:
        assert self.drive(Seams()) == "succeeded"
        first = FirstDeaths({"the next": lambda: self._killed_again(first, back=True)}, self.odds, self.part)
        assert outlive(lambda: self.drive(first, back=True)) == "undone"
        return first.wrong

    def _killed_again(self, first: Seams, *, back: bool) -> list[str]:
        aftermath: Callable[[], list[str]] = self._undone if back else lambda: self._done(first, second)
        second = SecondDeaths(
            {"a third": aftermath},
            self.odds,
            self.tally,
            journal=self.journal,
            died_at=first.died_at,
            now=self.bench.clock.now(),
            back=back,
        )
        with suppress(Killed):  # how a single death ends is asked elsewhere
            outlive(lambda: self.drive(second, back=back))
        return second.wrong

    def _done(self, first: Seams, second: Seams) -> list[str]:
        """A worker that lives sees it to its end, and of some of them a person thinks better afterwards."""
        wrong = ended(self.drive(Seams()), "succeeded", self.journal) + unlike(self.bench, self.expected)
        wrong += self._strays()
        if wrong or not self.odds.fall(UNDONE_TOO, first.died_at, second.died_at, "undone"):
            return wrong
        return [f"undone afterwards: {each}" for each in self._undone()]

    def _undone(self) -> list[str]:
        wrong = ended(self.drive(Seams(), back=True), "undone", self.journal)
        return wrong + unrestored(self.before, account(self.bench.look)) + self._strays()

    def _strays(self) -> list[str]:
        """What is there twice, or is in no result, and what a result names and is not there."""
        made = list(tagged(self.bench.look, "job_test"))  # type: ignore[arg-type]  # past the wire it is no session
        lines = self.journal.lines.items()
        steps = [{"id": id_, "state": entry.state, "result": entry.result} for id_, entry in lines]
        return [*made_twice(made), *unaccounted(made, steps)]
