"""Second deaths: whoever took over dies as well, while it sees to its end what it found under way, or later."""

import mmap
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.execution.journal import MemoryJournal
from app.execution.states import SETTLED, UNTOUCHED
from tests.kit.killing import Seams

UNDER_WAY = frozenset({"running", "verifying", "undoing"})


class Tally:
    """A count that forked children share; one of them counts at a time."""

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, 8)

    def add(self) -> None:
        self._page[:] = (self.count + 1).to_bytes(8, "big")

    @property
    def count(self) -> int:
        return int.from_bytes(self._page[:], "big")


@dataclass(frozen=True, slots=True)
class Odds:
    """Which deaths are tried, by chance: 1 is each of them. The same seed tries the same.

    Second ones are `recovering` in steps like those that were found under way and are not settled yet; `beside` in
    others meanwhile; `later` when all that was found under way is settled.
    """

    seed: int
    first: float = 1.0
    recovering: float = 1.0
    beside: float = 0.0
    later: float = 0.0

    def fall(self, share: float, *what: str) -> bool:
        return random.Random(f"{self.seed}/{what}").random() < share


class FirstDeaths(Seams):
    """Those that the odds leave, each with what comes after it."""

    def __init__(
        self, aftermaths: Mapping[str, Callable[[], list[str]]], odds: Odds, part: tuple[int, int] = (0, 1)
    ) -> None:
        super().__init__(aftermaths, part=part)
        self._odds = odds

    def wanted(self, seam: str) -> bool:
        return self._odds.fall(self._odds.first, seam)


class SecondDeaths(Seams):
    """Those of one who takes over a job as `journal` says it stands, whose first worker `died_at` that seam.

    Each is another than the first: something has changed since, or it is later. Where there is none `later`, this
    worker is done for when recovery is over.
    """

    def __init__(
        self,
        aftermaths: Mapping[str, Callable[[], list[str]]],
        odds: Odds,
        tally: Tally,
        *,
        journal: MemoryJournal,
        died_at: str,
        now: float,
        back: bool,
    ) -> None:
        counted = {name: _counted(aftermath, tally) for name, aftermath in aftermaths.items()}
        super().__init__(counted)
        self._odds = odds
        self._journal = journal
        self._first = f"{died_at} {'back' if back else 'forward'}"
        self._ends = UNTOUCHED if back else SETTLED
        self._found = {id_ for id_, entry in journal.lines.items() if entry.state in UNDER_WAY}
        self._tried = (0, now)

    def wanted(self, seam: str) -> bool:
        self._found = {id_ for id_ in self._found if self._journal.lines[id_].state not in self._ends}
        if not self._found and not self._odds.later:
            self.dead = True
            return False
        action = seam.rpartition(" ")[2]
        if any(id_.partition("/")[0] == action for id_ in self._found):
            share = self._odds.recovering
        else:
            share = self._odds.beside if self._found else self._odds.later
        return self._odds.fall(share, self._first, seam)


def _counted(aftermath: Callable[[], list[str]], tally: Tally) -> Callable[[], list[str]]:
    def after() -> list[str]:
        tally.add()
        return aftermath()

    return after
