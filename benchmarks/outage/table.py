"""The outages as a page for a person: one table of all moves, then each interrupted flow and what its time was."""

from collections.abc import Iterator, Sequence

from app.planning.chain import Part
from app.planning.plan import StepId
from benchmarks.outage.inside import SHOWN_FROM, inside, longest
from benchmarks.outage.measuring import Method, Moved, Watched
from landbridge.demo_names import Names, ports

TITLES: dict[Method, str] = {
    "incremental": "incremental",
    "all_at_once": "all at once",
    "hurried": "in a hurry",
}
COLUMNS = ("Moved", "Order", "Flows", "Down", "Worst, foretold", "measured", "In all, foretold", "measured")
INTRODUCTION = """\
# How long is what down?

The same applications, moved from EC2-Classic into a VPC in three orders: `incremental` and `all_at_once` as Landbridge
plans them, and in a hurry: the incremental plan's steps without ClassicLink, instances first, then load balancers, then
databases. Written by `make outage`; the same commit writes the same page.

*Foretold* is what the plan says before anything runs; of the hurried order, what Landbridge's judge says of it.
*Measured* is what the simulated AWS account recorded on its own clock, from its own state alone: who could reach whom
at each moment. Nothing of the one is known to the other. All times are seconds of AWS's time, where AWS is as slow as
the simulated account is set to be (`sandbox/durations.py`): AWS publishes none of them.

![Outages of each application by order](outage.svg)
"""


def page(moves: Sequence[Moved]) -> str:
    """The whole of docs/outage.md."""
    return "\n".join(_lines(moves)) + "\n"


def _lines(moves: Sequence[Moved]) -> Iterator[str]:
    yield INTRODUCTION
    yield from _table(moves)
    yield from _promises(moves)
    for moved in moves:
        if moved.method != "hurried":
            yield from _flows(moved)


def rows(moves: Sequence[Moved]) -> Iterator[tuple[str, ...]]:
    """A row per application and order; seconds of the worst flow, and of all flows added up."""
    for moved in moves:
        yield (
            moved.application.name,
            TITLES[moved.method],
            str(len(moved.flows)),
            str(len(moved.interrupted)),
            *(
                _seconds(max((getattr(one, what) for one in moved.flows), default=0.0))
                for what in ("foretold", "measured")
            ),
            *(_seconds(sum(getattr(one, what) for one in moved.flows)) for what in ("foretold", "measured")),
        )


def _table(moves: Sequence[Moved]) -> Iterator[str]:
    yield from (f"| {' | '.join(COLUMNS)} |", "|---|---|" + "---:|" * (len(COLUMNS) - 2))
    for row in rows(moves):
        yield f"| {' | '.join(row)} |"
    yield ""
    for application in dict.fromkeys(moved.application for moved in moves):
        yield f"- `{application.name}`: {application.title}"
    yield ""


def _promises(moves: Sequence[Moved]) -> Iterator[str]:
    kept = sum(one.flow.verdict == "kept" for moved in moves for one in moved.flows)
    broken = sum(len(moved.broken_promises) for moved in moves)
    far = sum(not one.close for moved in moves for one in moved.flows)
    yield f"Of {kept} flows called kept, {broken} were seen down. Of all flows, {far} were foretold by more than a"
    yield "fifth (or, of outages under half a minute, by more than six seconds) off what was measured."


def _flows(moved: Moved) -> Iterator[str]:
    yield f"\n## {moved.application.name}, {TITLES[moved.method]}: {len(moved.interrupted)} of {len(moved.flows)} flows"
    yield f"\nThe job took {_seconds(moved.seconds)} s and {moved.calls} calls to AWS.\n"
    shown = [one for one in moved.interrupted if one.measured >= SHOWN_FROM]
    if not shown:
        yield "No flow was down for longer than a moment."
        return
    names = Names({"ref": str(one.ref), "name": one.name} for one in moved.inventory)
    yield "| Who calls whom | Port | Foretold | Measured | What ran in its longest outage, one after the other |"
    yield "|---|---|---:|---:|---|"
    for one in shown:
        yield _flow(moved, one, names)
    more = len(moved.interrupted) - len(shown)
    if more:
        yield f"\n{more} more were down for less than {SHOWN_FROM:.0f} seconds."


def _flow(moved: Moved, one: Watched, names: Names) -> str:
    flow = {
        "sources": one.flow.sources,
        "targets": one.flow.targets,
        "protocol": one.flow.protocol,
        "from_port": one.flow.from_port,
        "to_port": one.flow.to_port,
    }
    parts = inside(moved, one)
    words = ", ".join(_part(part, names) for part in parts)
    began, ended = longest(one)
    idle = sum(part.waited for part in parts)
    waiting = f"; nothing waited for {_seconds(idle)} of {_seconds(ended - began)} s" if idle >= 1 else ""
    arrow = names.arrow(flow).replace("->", "→")
    return f"| {arrow} | {ports(flow)} | {_seconds(one.foretold)} | {_seconds(one.measured)} | {words}{waiting} |"


def _part(part: Part, names: Names) -> str:
    return f"{_step(part.step, names)} {_seconds(part.seconds)}"


def _step(step: StepId, names: Names) -> str:
    action, _, subject = step.partition("/")
    return f"`{action}` {names.of(subject)}"


def _seconds(seconds: float) -> str:
    return f"{round(seconds):,}"
