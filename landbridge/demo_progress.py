"""How far a job is: a live table by phase on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Self

from rich import markup
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from app.manners.markdown import plain

Thing = Mapping[str, Any]

PHASES = ("prepare", "link", "managed_services", "load_balancers", "instances", "unlink", "finalize")
DONE = frozenset({"succeeded", "skipped"})
LINE_EVERY = 5.0
BAR_WIDTH = 24


class ProgressView:
    """`phases`: each step's phase; `estimated`: seconds of ours that the whole should take."""

    def __init__(self, console: Console, phases: Mapping[str, str], estimated: float) -> None:
        self._console = console
        self._phases = phases
        self._estimated = estimated
        self._started = time.monotonic()
        self._said = float("-inf")
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, status: str, steps: Sequence[Thing]) -> None:
        """The job as it is now."""
        elapsed = time.monotonic() - self._started
        if self._live:
            self._live.update(self._table(status, steps, elapsed), refresh=True)
        elif elapsed - self._said >= LINE_EVERY or status not in ("queued", "running"):
            self._said = elapsed
            states = Counter(step["state"] for step in steps)
            done = sum(states[state] for state in DONE)
            self._console.print(
                f"  {elapsed:3.0f} s of about {self._estimated:.0f}: {status}, "
                f"{done} of {len(steps)} steps done, "
                f"{states['running']} running, {states['verifying']} waiting for AWS",
                highlight=False,
            )

    def _table(self, status: str, steps: Sequence[Thing], elapsed: float) -> Table:
        table = plain_table("phase", "", "done", "running", "waiting for AWS", "failed")
        table.title = f" {escape(status)}: {elapsed:.0f} s of about {self._estimated:.0f}"
        for phase, states in self._by_phase(steps).items():
            done, total = sum(states[state] for state in DONE), states.total()
            name = escape(phase.replace("_", " "))
            table.add_row(
                f"[green]{name}[/]" if done == total else name,
                ProgressBar(total=total, completed=done, width=BAR_WIDTH),
                f"{done}/{total}",
                str(states["running"] or ""), str(states["verifying"] or ""),
                f"[bold red]{states['failed']}[/]" if states["failed"] else "",
            )  # fmt: skip
        return table

    def _by_phase(self, steps: Sequence[Thing]) -> dict[str, Counter[str]]:
        found: dict[str, Counter[str]] = {}
        for step in steps:
            found.setdefault(self._phases.get(step["id"], "other"), Counter())[step["state"]] += 1
        return dict(sorted(found.items(), key=lambda item: PHASES.index(item[0]) if item[0] in PHASES else 99))


def escape(text: object) -> str:
    """`text` as it may be printed: it neither marks up nor moves the cursor."""
    return markup.escape(plain(text))


def plain_table(*columns: str) -> Table:
    """A table without a frame."""
    table = Table(box=None, pad_edge=True, title_justify="left", title_style="bold", header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
