"""The demo's view works without a terminal and trusts no text that comes from AWS."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from landbridge.demo import calls
from landbridge.demo_progress import ProgressView
from landbridge.demo_view import View

STEPS = [
    {"id": "a", "state": "succeeded"},
    {"id": "b", "state": "running"},
    {"id": "c", "state": "verifying"},
    {"id": "d", "state": "pending"},
]
PHASES = {"a": "prepare", "b": "link", "c": "link", "d": "instances"}

FLOW = {
    "id": "flow-1",
    "sources": ["instance:i-1", "instance:i-2"],
    "targets": ["rds_instance:main"],
    "protocol": "tcp",
    "from_port": 3306,
    "to_port": 3306,
    "verdict": "interrupted",
    "reason": "the database restarts",
    "interruptions": [{"estimated_seconds": 60.0}],
}


def plain() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=160), out


def test_without_a_terminal_progress_is_lines() -> None:
    console, out = plain()
    with ProgressView(console, PHASES, estimated=90.0) as progress:
        progress.show("running", STEPS)
        progress.show("running", STEPS)
    assert out.getvalue().splitlines() == [
        "    0 s of about 90: running, 1 of 4 steps done, 1 running, 1 waiting for AWS"
    ]


def test_the_end_is_said_even_right_after_a_line() -> None:
    console, out = plain()
    with ProgressView(console, PHASES, estimated=90.0) as progress:
        progress.show("running", STEPS)
        progress.show("halted", STEPS)
    assert "halted" in out.getvalue().splitlines()[-1]


def test_on_a_terminal_progress_is_a_table_by_phase() -> None:
    out = io.StringIO()
    console = Console(file=out, width=160, force_terminal=True)
    with ProgressView(console, PHASES, estimated=90.0) as progress:
        progress.show("running", STEPS)
    assert "prepare" in out.getvalue()
    assert "1/1" in out.getvalue()
    assert out.getvalue().index("link") < out.getvalue().index("instances")


def test_markup_in_somebody_elses_text_is_shown_as_it_is() -> None:
    console, out = plain()
    View(console).findings(
        [{"level": "warning", "code": "x", "subject": "instance:[red]i-1[/red]", "message": "look [bold]here[/]"}]
    )
    assert "[red]i-1[/red]: look [bold]here[/]" in out.getvalue()


def test_findings_of_one_sort_are_told_once_with_their_number_the_gravest_first() -> None:
    console, out = plain()
    disks = {"level": "note", "code": "disks", "message": "web-1 may have disks."}
    view = View(console)
    view.resources([{"ref": "instance:i-1", "kind": "instance", "platform": "classic", "name": "web-1"}])
    view.findings(
        [
            {**disks, "subject": "instance:i-1"},
            {**disks, "subject": "instance:i-2"},
            {"level": "blocker", "code": "full", "subject": "instance:i-1", "message": "No room in the subnet."},
        ]
    )
    first, second = (line.strip() for line in out.getvalue().splitlines()[-2:])
    assert first == "blocker web-1: No room in the subnet."
    assert second == "note web-1 may have disks. And 1 more like it."


def test_a_flow_is_told_by_names_with_its_reason() -> None:
    console, out = plain()
    view = View(console)
    view.resources([{"ref": "rds_instance:main", "kind": "rds_instance", "platform": "classic", "name": "orders"}])
    view.flows([{**FLOW, "reason": "rds_instance:main restarts in 'rds_instance.modify/rds_instance:main'."}])
    assert "i-1, i-2 -> orders" in out.getvalue()
    assert "orders restarts in 'rds_instance.modify/orders'." in out.getvalue()


def test_predicted_and_measured_outages_stand_side_by_side() -> None:
    console, out = plain()
    down = {**FLOW, "predicted_seconds": 60.0, "measured_seconds": 42.0}
    spared = {**FLOW, "id": "flow-2", "predicted_seconds": 0.0, "measured_seconds": 0.0}
    View(console).outages([down, spared, {**FLOW, "id": "flow-3", "predicted_seconds": 9.0}])
    assert "1 of 2 flows watched were never interrupted." in out.getvalue()
    row = next(line for line in out.getvalue().splitlines() if "tcp/3306" in line)
    assert row.split()[-4:] == ["60", "s", "42", "s"]


def test_calls_are_told_the_most_frequent_first() -> None:
    assert calls({"ec2.run_instances": 2, "ec2.describe_instances": 7}) == (
        "7 ec2.describe_instances, 2 ec2.run_instances"
    )


def test_how_a_group_moved_is_told_in_the_order_in_which_it_happened() -> None:
    console, out = plain()
    group = {"subject": "auto_scaling_group:web"}
    planned = [
        {"id": "drain", "explanation": "Scale auto_scaling_group:web down to none."},
        {"id": "freeze", "explanation": "Suspend what scales it."},
        {"id": "stop", "explanation": "Stop a box."},
    ]
    steps: list[dict[str, Any]] = [
        {"id": "drain", **group, "started_at": "2021-06-01T09:00:03Z"},
        {"id": "freeze", **group, "started_at": "2021-06-01T09:00:01.500Z"},
        {"id": "stop", "subject": "instance:i-1", "started_at": "2021-06-01T09:00:00Z"},
        {"id": "thaw", **group, "started_at": None},
    ]

    View(console).groups(planned, steps, 60.0)

    told = [line.split() for line in out.getvalue().splitlines() if " s " in line]
    assert [(line[0], line[2]) for line in told] == [("90", "Suspend"), ("180", "Scale")]


def test_where_no_group_moved_nothing_is_told_of_any() -> None:
    console, out = plain()
    View(console).groups([], [{"id": "a", "subject": "instance:i-1", "started_at": "2021-06-01T09:00:00Z"}], 60.0)
    assert out.getvalue() == ""
