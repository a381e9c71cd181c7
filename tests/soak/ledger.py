"""What a long run did and found, and how it is told."""

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.soak.scripts import Script

TARGET_SECONDS = 30.0
# What an hour with all kinds of faults is asked for, and the faults that count.
LONG_RUN: Mapping[str, tuple[int, tuple[str, ...]]] = {
    "workers killed": (1_000, ("worker killed",)),
    "Postgres restarted": (200, ("Postgres restarted",)),
    "Redis wiped": (200, ("Redis flushed", "Redis killed and restarted")),
}
ALL_KINDS, KILLS_ALONE = "all kinds of faults", "dead workers alone"
INVARIANTS = {
    "I1": "one live object per job and step",
    "I2": "no orphan: what carries our tag is in the journal, and the reverse",
    "I3": "nothing changes after pause, halt, cancel or end, nor in a dry run",
    "I4": "a full undo restored the account field by field",
    "I5": "no load balancer had fewer members in service than the plan allows",
    "I6": "the audit chain verifies; an intent before every changing call",
    "I7": "ended, or asks for a person, in bounded time",
    "I8": "events without gaps",
    "I9": "only the newest lease holder writes and calls",
    "I10": "no flow that the plan called kept was down",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """`minute` of the run."""

    invariant: str
    job: str
    script: str
    what: str
    minute: float


class Ledger:
    """Counts; safe for threads."""

    def __init__(self, seed: str, replay: str, *, kills_only: bool = False) -> None:
        self.seed = seed
        self.replay = replay
        self.kills_only = kills_only
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self.faults: Counter[str] = Counter()
        self.jobs: Counter[tuple[str, str]] = Counter()
        self.checked: Counter[str] = Counter()
        self.violations: list[Violation] = []

    @property
    def minutes(self) -> float:
        return (time.monotonic() - self._began) / 60

    def fault(self, kind: str, times: int = 1) -> None:
        with self._lock:
            self.faults[kind] += times
            self.faults += Counter()  # without what never came about

    def job(self, kind: str, outcome: str) -> None:
        with self._lock:
            self.jobs[kind, outcome] += 1

    def check(self, invariant: str, script: Script, job: str, wrongs: Sequence[str]) -> None:
        """Count a check, and take down what it found."""
        with self._lock:
            self.checked[invariant] += 1
            for what in wrongs:
                self.violations.append(
                    Violation(invariant, job, f"{script.name} ({script.kind})", what[:600], self.minutes)
                )


def table(ledger: Ledger, takeovers: Sequence[float], lease: float, failure: str | None = None) -> str:
    """All of it as Markdown. `failure`: of the run itself."""
    lines = [f"Seed `{ledger.seed}`, {ledger.minutes:.1f} minutes, {sum(ledger.jobs.values())} jobs, "]
    lines[0] += f"{sum(ledger.faults.values())} faults, {sum(ledger.checked.values())} checks, "
    lines[0] += f"**{len(ledger.violations)} violations**. Again: `{ledger.replay}`."
    if failure:
        lines += ["", f"The run itself failed: {failure}"]
    if not ledger.kills_only:
        lines += ["", "| Asked of a long run | At least | Reached |", "|---|---:|---:|"]
        lines += [f"| {what} | {least:,} | {reached:,} |" for what, least, reached in asked_and_reached(ledger.faults)]
    lines += ["", "| Fault | Times |", "|---|---:|"]
    lines += [f"| {kind} | {count} |" for kind, count in sorted(ledger.faults.items())]
    lines += ["", "| Job | Outcome | Jobs |", "|---|---|---:|"]
    lines += [f"| {kind} | {outcome} | {count} |" for (kind, outcome), count in sorted(ledger.jobs.items())]
    lines += ["", "| Invariant | | Checked | Violations |", "|---|---|---:|---:|"]
    broken = Counter(each.invariant for each in ledger.violations)
    lines += [f"| {name} | {INVARIANTS[name]} | {ledger.checked[name]} | {broken[name]} |" for name in INVARIANTS]
    lines += ["", f"Takeover of a killed worker's job, with a lease of {lease:g} s: {told(takeovers)}."]
    if ledger.violations:
        lines += ["", "| Violation | Job | Minute | What |", "|---|---|---:|---|"]
    for each in ledger.violations:
        what = each.what.replace("|", "\\|").replace("\n", " ")
        lines.append(f"| {each.invariant} | {each.job}: {each.script} | {each.minute:.1f} | {what} |")
    return "\n".join(lines) + "\n"


def asked_and_reached(faults: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """What a long run is asked for, how often at least, and how often it came about."""
    return [(what, least, sum(faults.get(each, 0) for each in kinds)) for what, (least, kinds) in LONG_RUN.items()]


def told(takeovers: Sequence[float]) -> str:
    """How many there were, and how long they took."""
    if not takeovers:
        return "none was measured"
    quantiles = f"p50 {percentile(takeovers, 50):.1f} s, p99 {percentile(takeovers, 99):.1f} s"
    return f"{len(takeovers)} measured, {quantiles}, at most {max(takeovers):.1f} s (target: p99 {TARGET_SECONDS:g} s)"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` percent of all are not above."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * int(share) // 100) - 1)]


def write(page: Path, text: str, place: str) -> None:
    """Put the table between the page's markers of that name. Raises ValueError for a page without them."""
    words = page.read_text()
    begin, end = f"<!-- {place}: begin -->", f"<!-- {place}: end -->"
    if begin not in words or end not in words:
        raise ValueError(f"{page} has no place for the table: put {begin} and {end} where it shall stand")
    before, _, rest = words.partition(begin)
    page.write_text(f"{before}{begin}\n\n{text}\n{end}{rest.partition(end)[2]}")
