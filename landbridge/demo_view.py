"""How the demo looks: headings, tables and findings, for a person who sees all of it for the first time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.padding import Padding

from landbridge.demo_names import Names, expected_seconds, ports
from landbridge.demo_progress import escape, plain_table

Thing = Mapping[str, Any]

LEVELS = {"blocker": "bold red", "warning": "yellow", "note": "dim"}
VERDICTS = {"kept": "green", "interrupted": "yellow", "already_broken": "dim"}
REASONS = 12
GROUP = "auto_scaling_group:"


class View:
    """Writes to a person; what AWS and the API say is escaped, since it is somebody else's text."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._names = Names()

    def heading(self, text: str) -> None:
        """A part of the story begins."""
        self.console.print(f"\n[bold]{escape(text)}[/bold]", highlight=False)

    def say(self, text: str) -> None:
        """A line."""
        self.console.print("\n".join(map(escape, text.splitlines())), highlight=False, soft_wrap=True)

    def resources(self, resources: Sequence[Thing]) -> None:
        """What there is, by kind; from here on things are called by their names."""
        self._names = Names(resources)
        counts = Counter((resource["kind"], resource["platform"]) for resource in resources)
        platforms = sorted({platform for _, platform in counts})
        table = plain_table("", *(f"in {platform}" for platform in platforms))
        for kind in sorted({kind for kind, _ in counts}):
            table.add_row(escape(kind), *(str(counts[kind, platform] or "") for platform in platforms))
        self.console.print(table)

    def findings(self, findings: Sequence[Thing]) -> None:
        """What a person must know before approving, the gravest first; the first of each sort in full."""
        order = list(LEVELS)
        sorts: dict[tuple[str, str], list[Thing]] = {}
        for finding in sorted(findings, key=lambda one: order.index(one["level"])):
            sorts.setdefault((finding["level"], finding["code"]), []).append(finding)
        for (level, _), alike in sorts.items():
            words = escape(self._finding(alike[0]))
            more = f" [cyan]And {len(alike) - 1} more like it.[/]" if len(alike) > 1 else ""
            self.console.print(Padding(f"[{LEVELS[level]}]{level}[/] {words}{more}", (0, 0, 0, 2)), highlight=False)

    def _finding(self, finding: Thing) -> str:
        """The message, after the subject where it does not name it itself."""
        name, message = self._names.of(str(finding["subject"])), self._names.in_text(str(finding["message"]))
        return message if name in message else f"{name}: {message}"

    def flows(self, flows: Sequence[Thing]) -> None:
        """Each flow and what becomes of it, the longest interruption first, and then why."""
        table = plain_table("who calls whom", "port", "verdict", "seconds")
        for flow in sorted(flows, key=expected_seconds, reverse=True):
            colour = VERDICTS.get(flow["verdict"], "white")
            verdict = f"[{colour}]{escape(flow['verdict'].replace('_', ' '))}[/]"
            down = "" if flow["verdict"] == "kept" else f"{expected_seconds(flow):.0f}"
            table.add_row(escape(self._names.arrow(flow)), escape(ports(flow)), verdict, down)
        self.console.print(table)
        self._reasons(flow["reason"] for flow in flows if flow.get("reason"))

    def _reasons(self, reasons: Iterable[str]) -> None:
        distinct = sorted({self._names.in_text(reason) for reason in reasons})
        for reason in distinct[:REASONS]:
            self.console.print(Padding(escape(reason), (0, 0, 0, 2)), style="dim", highlight=False)
        if len(distinct) > REASONS:
            self.say(f"  and {len(distinct) - REASONS} reasons more")

    def counterparts(self, report: Thing) -> None:
        """What moved to what."""
        table = plain_table("kind", "name", "from", "to")
        for pair in report["counterparts"]:
            source, counterpart = str(pair["source"]), str(pair.get("counterpart", ""))
            kind, _, id_ = source.partition(":")
            table.add_row(*map(escape, (kind, self._names.of(source), id_, counterpart.partition(":")[2])))
        self.console.print(table)

    def groups(self, planned: Sequence[Thing], steps: Sequence[Thing], time_scale: float) -> None:
        """How each Auto Scaling group moved: its steps in the order in which they were taken."""
        described = {str(step["id"]): str(step["explanation"]) for step in planned}
        taken = [step for step in steps if step.get("started_at")]
        began = min((_moment(step) for step in taken), default=None)
        ours = [step for step in taken if str(step["subject"]).startswith(GROUP)]
        if began is None or not ours:
            return
        self.heading("How the groups moved (AWS's seconds since the start)")
        table = plain_table("after", "")
        for step in sorted(ours, key=_moment):
            seconds = (_moment(step) - began).total_seconds() * time_scale
            table.add_row(f"{seconds:.0f} s", escape(self._names.in_text(described[str(step["id"])])))
        self.console.print(table)

    def outages(self, flows: Sequence[Thing]) -> None:
        """Predicted and measured seconds of every flow of the report that was to be, or was, interrupted."""
        watched = [flow for flow in flows if "measured_seconds" in flow]
        table = plain_table("who calls whom", "port", "predicted", "measured")
        for flow in sorted(watched, key=lambda flow: float(flow["measured_seconds"]), reverse=True):
            predicted, down = flow["predicted_seconds"], flow["measured_seconds"]
            if predicted or down:
                table.add_row(
                    escape(self._names.arrow(flow)), escape(ports(flow)), f"{predicted:.0f} s", f"{down:.0f} s"
                )
        spared = sum(1 for flow in watched if not flow["measured_seconds"])
        self.say(f"  {spared} of {len(watched)} flows watched were never interrupted.")
        if table.row_count:
            self.console.print(table)
        for flow in watched:
            if "measured_least_in_service" in flow and "least_in_service" in flow:
                self.say(
                    f"  {escape(self._names.arrow(flow))}: at least {flow['measured_least_in_service']} of "
                    f"{len(flow['targets'])} in service at every moment; planned: {flow['least_in_service']}."
                )


def _moment(step: Thing) -> datetime:
    return datetime.fromisoformat(str(step["started_at"]))
