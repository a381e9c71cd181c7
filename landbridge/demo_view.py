"""How the demo looks: tables, and a progress view that also works where there is no terminal."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from landbridge.demo_verdict import seconds_down

Thing = Mapping[str, Any]

PHASES = ("prepare", "link", "managed_services", "load_balancers", "instances", "unlink", "finalize")
DONE = frozenset({"succeeded", "skipped"})
LINE_EVERY = 5.0
LEVELS = {"blocker": "bold red", "warning": "yellow", "note": "dim"}
VERDICTS = {"kept": "green", "interrupted": "yellow", "already_broken": "dim"}


class View:
    """Writes to a person; what AWS and the API say is escaped, since it is somebody else's text."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def heading(self, text: str) -> None:
        """A part of the story begins."""
        self.console.print(f"\n[bold]{escape(text)}[/bold]", highlight=False)

    def say(self, text: str) -> None:
        """A line."""
        self.console.print(escape(text), highlight=False, soft_wrap=True)

    def resources(self, resources: Iterable[Thing]) -> None:
        """What there is, by kind and platform."""
        counts = Counter((resource["kind"], resource["platform"]) for resource in resources)
        table = plain_table("kind", "platform", "how many")
        for (kind, platform), count in sorted(counts.items()):
            table.add_row(escape(kind), escape(platform), str(count))
        self.console.print(table)

    def findings(self, findings: Sequence[Thing]) -> None:
        """What a person must know before approving, the gravest first."""
        order = list(LEVELS)
        for finding in sorted(findings, key=lambda one: order.index(one["level"])):
            level, text = finding["level"], finding["message"]
            subject = finding["subject"]
            self.console.print(
                f"  [{LEVELS[level]}]{level:8}[/] {escape(str(subject))} {escape(text)}", highlight=False
            )

    def flows(self, flows: Sequence[Thing]) -> None:
        """Each flow and what becomes of it."""
        table = plain_table("flow", "port", "verdict", "seconds", "why")
        for flow in flows:
            colour = VERDICTS.get(flow["verdict"], "white")
            down = sum(gap["estimated_seconds"] for gap in flow.get("interruptions", ()))
            table.add_row(
                escape(arrow(flow)), ports(flow), f"[{colour}]{escape(flow['verdict'])}[/]",
                f"{down:.0f}" if down else "", escape(flow.get("reason", "")),
            )  # fmt: skip
        self.console.print(table)

    def counterparts(self, report: Thing) -> None:
        """What moved to what."""
        table = plain_table("source", "counterpart")
        for pair in report["counterparts"]:
            table.add_row(escape(pair["source"]), escape(str(pair.get("counterpart", ""))))
        self.console.print(table)

    def outages(self, flows: Sequence[Thing], outages: Sequence[Thing]) -> None:
        """Predicted and measured seconds of every flow that was to be, or was, interrupted."""
        measured = seconds_down(outages)
        table = plain_table("flow", "port", "predicted s", "measured s")
        for flow in flows:
            predicted = sum(gap["estimated_seconds"] for gap in flow.get("interruptions", ()))
            if predicted or flow["id"] in measured:
                table.add_row(
                    escape(arrow(flow)),
                    ports(flow),
                    f"{predicted:.0f}",
                    f"{measured.get(flow['id'], 0.0):.0f}",
                )
        watched = {outage["flow"] for outage in outages}
        self.say(f"{len(watched - measured.keys())} of {len(watched)} flows watched were never interrupted.")
        if table.row_count:
            self.console.print(table)


class ProgressView:
    """Steps by phase while a job runs: a live table on a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console, phases: Mapping[str, str], estimated: float) -> None:
        self._console = console
        self._phases = phases
        self._estimated = estimated
        self._started = time.monotonic()
        self._said = float("-inf")
        self._live = Live(console=console, refresh_per_second=4) if console.is_terminal else None

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
            self._live.update(self._table(status, steps, elapsed))
        elif elapsed - self._said >= LINE_EVERY or status != "running":
            self._said = elapsed
            states = Counter(step["state"] for step in steps)
            done = sum(states[state] for state in DONE)
            self._console.print(
                f"  {elapsed:4.0f} s of about {self._estimated:.0f} s: {status}, "
                f"{done} of {len(steps)} steps done, "
                f"{states['running']} running, {states['verifying']} waiting for AWS",
                highlight=False,
            )

    def _table(self, status: str, steps: Sequence[Thing], elapsed: float) -> Table:
        table = plain_table("phase", "done", "running", "waiting for AWS", "failed")
        table.title = f"{escape(status)}: {elapsed:.0f} s of about {self._estimated:.0f} s"
        for phase, states in self._by_phase(steps).items():
            done, total = sum(states[state] for state in DONE), states.total()
            table.add_row(
                f"[green]{phase}[/]" if done == total else escape(phase), f"{done}/{total}",
                str(states["running"] or ""), str(states["verifying"] or ""), str(states["failed"] or ""),
            )  # fmt: skip
        return table

    def _by_phase(self, steps: Sequence[Thing]) -> dict[str, Counter[str]]:
        found: dict[str, Counter[str]] = {}
        for step in steps:
            found.setdefault(self._phases.get(step["id"], "other"), Counter())[step["state"]] += 1
        return dict(sorted(found.items(), key=lambda item: PHASES.index(item[0]) if item[0] in PHASES else 99))


def plain_table(*columns: str) -> Table:
    """A table without a frame."""
    table = Table(box=None, pad_edge=True, title_justify="left", header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def arrow(flow: Thing) -> str:
    """Who calls whom, shortened."""
    return f"{some(flow['sources'])} -> {some(flow['targets'])}"


def some(refs: Sequence[str]) -> str:
    """The first of them, and how many more."""
    first = refs[0] if refs else "(nobody)"
    return first if len(refs) < 2 else f"{first} and {len(refs) - 1} more"


def ports(flow: Thing) -> str:
    """tcp/80, tcp/1024-2048, or the protocol alone."""
    low, high = flow.get("from_port"), flow.get("to_port")
    if low is None:
        return str(flow["protocol"])
    return f"{flow['protocol']}/{low}" if low == high else f"{flow['protocol']}/{low}-{high}"
