"""Judges a plan: which flows stay up in whatever order its concurrent steps may run, and which do not.

Nothing of the planner is in here: it reads the steps' needs and what each step does to what is in
service, and judges plans however they were made. A flow is up when every stand-in of a source that
is in service can call a stand-in in service of each target. It breaks in three ways:

gone      the target's source stops before its counterpart serves, while a caller is in service
left      a caller still in EC2-Classic has only the counterpart in the VPC to call, and no link to it
ahead     a caller's counterpart serves in the VPC while the target is still in EC2-Classic, where it
          can be reached over a link alone, and a managed service not at all (aws-facts A1, "Direction")

What must be true before is true in every order only if its step is an ancestor of the step that
relies on it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from app.planning.inventory import Ref
from app.planning.lives import Edge, Lives, Surroundings, together
from app.planning.plan import Flow, Interruption, PlannedStep

BALANCER = "load_balancer:"  # reached over its public name on either platform
OUTSIDE = "cidr:"
WORDS = {
    "gone": "serves nobody",
    "left": "is in the VPC, where callers that are still in EC2-Classic cannot reach it,",
    "ahead": "is still in EC2-Classic, where callers already in the VPC cannot reach it,",
}


@dataclass(frozen=True, order=True)
class _Window:
    opens: Edge
    closes: Edge
    cause: str


Windows = dict[_Window, tuple[set[str], set[str]]]  # sources and targets cut off from each other


class Judge:
    """One plan's judge."""

    def __init__(self, steps: Sequence[PlannedStep], around: Surroundings | None = None) -> None:
        self._lives = Lives(steps)
        self._around = around or Surroundings()

    def judge(self, flows: Iterable[Flow]) -> tuple[Flow, ...]:
        """Each flow with its verdict, reason, interruptions and outage."""
        flows = tuple(flows)
        behind = {source: flow.targets for flow in flows for source in flow.sources if source.startswith(BALANCER)}
        return tuple(self._judged(flow, behind) for flow in flows)

    def _judged(self, flow: Flow, behind: Mapping[str, tuple[str, ...]]) -> Flow:
        targets = [ref for ref in flow.targets if ref not in self._around.out]
        sources = [ref for ref in flow.sources if ref not in self._around.out]
        if not targets or not sources:
            return replace(flow, verdict="already_broken", reason="One side was not in service when discovered.")
        windows: Windows = {}
        for target in targets:
            callers = [source for source in sources if source != target]  # nobody has to call himself
            if callers:
                self._gone(callers, target, behind.get(target, ()), windows)
                self._left(callers, target, windows)
        for source in sources:
            self._ahead(source, [target for target in targets if target != source], windows)
        return self._interrupted(flow, windows) if windows else flow

    # -- the three ways to break -----------------------------------------------------------------

    def _gone(self, callers: list[str], target: str, members: tuple[str, ...], windows: Windows) -> None:
        window = self._balanced(target, members) or self._absence(target, callers)
        if window is None:
            return
        present = {source for source in callers if not self._away(source, window)}
        if present:
            _add(windows, window, present, {target})

    def _absence(self, target: str, callers: Iterable[str]) -> _Window | None:
        """From the first stop until the last step that puts the counterpart in service."""
        outside = any(source.startswith(OUTSIDE) for source in callers)
        refs = (target, *self._around.doors.get(target, ())) if outside else (target,)
        downs, ups = self._lives.downs(refs), self._lives.ups(refs)
        late = [up for up in ups if not all(self._lives.before(up, down) for down in downs)]
        return _Window((downs[0], "start"), (late[-1], "end"), "gone") if downs and late else None

    def _balanced(self, target: str, members: tuple[str, ...]) -> _Window | None:
        """A load balancer serves while one of its members does: down when all of them are at once."""
        alive = [member for member in members if member not in self._around.out]
        windows = [window for member in alive if (window := self._absence(member, ()))]
        if not windows or len(windows) < len(alive):
            return None
        opens = max((window.opens for window in windows), key=self._lives.time)
        back = min((window.closes for window in windows), key=self._lives.time)
        closes = max([back, *((up, "end") for up in self._lives.ups([target]))], key=self._lives.time)
        return _Window(opens, closes, "gone") if self._seconds(opens, closes) > 0 else None

    def _away(self, source: str, window: _Window) -> bool:
        """Whether a caller has stopped before the window opens and serves again only after it closed."""
        downs, ups = self._lives.downs([source]), self._lives.ups([source])
        opens, closes = window.opens[0], window.closes[0]
        return (
            bool(downs and ups)
            and (downs[0] == opens or self._lives.before(downs[0], opens))
            and (ups[-1] == closes or self._lives.before(closes, ups[-1]))
        )

    def _left(self, callers: list[str], target: str, windows: Windows) -> None:
        if target.startswith(BALANCER):
            return
        for down in self._lives.downs([target])[:1]:
            for source in callers:
                if source.startswith(OUTSIDE) or source in self._around.in_vpc or self._linked_by(source, down):
                    continue
                leaves = self._lives.leaves(source)
                if leaves and (leaves[0] == down or self._lives.before(leaves[0], down)):
                    continue
                closes: Edge = leaves or (self._lives.last, "end")
                _add(windows, _Window((down, "start"), closes, "left"), {source}, {target})

    def _ahead(self, source: str, targets: list[str], windows: Windows) -> None:
        enters = self._lives.enters(source)
        if source.startswith(OUTSIDE) or (enters is None and source not in self._around.in_vpc):
            return
        for target in targets:
            if target.startswith(BALANCER) or target in self._around.in_vpc:
                continue
            if enters is None or self._linked_by(target, enters[0]):
                continue
            ups = self._lives.ups([target])
            if ups and all(up == enters[0] or self._lives.before(up, enters[0]) for up in ups):
                continue
            closes: Edge = (ups[-1], "end") if ups else (self._lives.last, "end")
            _add(windows, _Window(enters, closes, "ahead"), {source}, {target})

    def _linked_by(self, ref: str, step: str) -> bool:
        """Whether ClassicLink has linked `ref` whenever `step` starts."""
        if Ref.parse(ref).kind not in self._around.linkable:
            return False
        links = self._lives.links(ref)
        return ref in self._around.linked or any(self._lives.before(link, step) for link in links)

    # -- what came of it -------------------------------------------------------------------------

    def _interrupted(self, flow: Flow, windows: Windows) -> Flow:
        found = sorted(windows.items(), key=lambda item: (-self._seconds(item[0].opens, item[0].closes), item[0]))
        interruptions = tuple(
            Interruption(
                tuple(sorted(sources)),
                tuple(sorted(targets)),
                window.opens[0],
                window.closes[0],
                round(self._seconds(window.opens, window.closes), 1),
            )
            for window, (sources, targets) in found
        )
        worst, first = found[0][0], interruptions[0]
        until = "has ended" if worst.closes[1] == "end" else "starts"
        since = "starts" if worst.opens[1] == "start" else "has ended"
        reason = (
            f"{first.targets[0]} {WORDS[worst.cause]} from when '{first.from_step}' {since} "
            f"until '{first.to_step}' {until}."
        )
        return replace(
            flow,
            verdict="interrupted",
            reason=reason,
            interruptions=interruptions,
            outage_seconds=round(self._outage(windows), 1),
        )

    def _seconds(self, opens: Edge, closes: Edge) -> float:
        return max(0.0, self._lives.time(closes) - self._lives.time(opens))

    def _outage(self, windows: Windows) -> float:
        """How long the flow is expected to be down: while a window is open and one of its callers is there."""
        spans: list[tuple[float, float]] = []
        for window, (sources, _) in windows.items():
            opens, closes = self._lives.time(window.opens), self._lives.time(window.closes)
            spans += _shared((opens, closes), [span for source in sources for span in self._presence(source)])
        return together(spans)

    def _presence(self, source: str) -> list[tuple[float, float]]:
        """When some stand-in of a caller is in service, by the schedule."""
        leaves, enters = self._lives.leaves(source), self._lives.enters(source)
        if leaves is None or enters is None:
            return [(float("-inf"), float("inf"))]
        return [(float("-inf"), self._lives.time(leaves)), (self._lives.time(enters), float("inf"))]


def _add(windows: Windows, window: _Window, sources: set[str], targets: set[str]) -> None:
    known = windows.setdefault(window, (set(), set()))
    known[0].update(sources)
    known[1].update(targets)


def _shared(span: tuple[float, float], others: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The parts of a span that other spans cover too."""
    start, end = span
    parts = [(max(start, other[0]), min(end, other[1])) for other in others]
    return [(first, last) for first, last in parts if last > first]
