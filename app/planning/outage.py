"""Judges a plan: which flows stay up in whatever order its concurrent steps may run, and which do not.

Nothing of the planner is in here: it reads the steps' needs and effects, and judges plans however they were
made. A flow is up when every stand-in of a source that is in service can call a stand-in in service of each
target. It breaks in these ways:

gone          the target's source stops before its counterpart serves, while a caller is in service
left          a caller still in EC2-Classic has only the counterpart in the VPC to call, and no link to it
ahead         a caller's counterpart serves in the VPC while the target is still in EC2-Classic, where it
              can be reached over a link alone, and a managed service not at all (aws-facts A1, "Direction")
barred        no rule of a group in the VPC admits the call, where a group of the VPC rules it (aws-facts A2)
unregistered  neither the target nor its counterpart is behind the load balancer to which callers go
astray        the name by which callers go leads to what serves no more

What must be true before is true in every order only if its step is an ancestor of the step that
relies on it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from app.planning.crossings import Crossings
from app.planning.fronts import Fronts
from app.planning.lives import Lives, Surroundings, is_balancer, is_outside
from app.planning.plan import Flow, PlannedStep
from app.planning.rules import Call
from app.planning.windows import Window, Windows


def _unjudged(flow: Flow) -> Flow:
    return replace(flow, verdict="kept", reason="", interruptions=(), outage_seconds=0.0, least_in_service=None)


class Judge:
    """One plan's judge."""

    def __init__(self, steps: Sequence[PlannedStep], around: Surroundings | None = None) -> None:
        self._around = around or Surroundings()
        self._lives = Lives(steps, self._around)
        self._order = self._lives.order

    def judge(self, flows: Iterable[Flow]) -> tuple[Flow, ...]:
        """Each flow with its verdict, reason, interruptions and outage, whatever was said of it before."""
        flows = tuple(map(_unjudged, flows))
        fronts = Fronts(flows, self._lives, self._around.out)
        return tuple(self._judged(flow, fronts) for flow in flows)

    def _judged(self, flow: Flow, fronts: Fronts) -> Flow:
        call = Call.of(flow)
        sources = [ref for ref in flow.sources if ref not in self._around.out]
        targets = [ref for ref in flow.targets if ref not in self._around.out and fronts.alive(ref)]
        if any(map(is_balancer, flow.sources)):
            targets = [ref for ref in targets if any(fronts.lets_in(ref, source, call) for source in flow.sources)]
        if not targets or not sources:
            return replace(flow, verdict="already_broken", reason="One side was not in service when discovered.")
        windows = Windows()
        balancers = list(filter(is_balancer, sources))
        for balancer in balancers:
            for target in targets:
                for window in fronts.windows(balancer, target, call):
                    windows.add(window, {balancer}, {target})
        if balancers:
            flow = replace(flow, least_in_service=min(fronts.least(each, targets, call) for each in balancers))
        callers = [ref for ref in sources if not is_balancer(ref)]
        if callers:
            for target in filter(is_balancer, targets):
                self._balanced(callers, target, fronts, windows)
                Crossings(self._lives, call, windows).at_the_door(callers, target)
            self._among(callers, [ref for ref in targets if not is_balancer(ref)], call, windows)
        return windows.told(flow, self._order, self._lives.presence) if windows else flow

    def _among(self, callers: list[str], targets: list[str], call: Call, windows: Windows) -> None:
        crossings = Crossings(self._lives, call, windows)
        inside = crossings.alike([ref for ref in callers if not is_outside(ref)])
        outside = [ref for ref in callers if is_outside(ref)]
        for target in targets:
            others = [source for source in callers if source != target]  # nobody has to call himself
            if others:
                self._gone(others, target, bool(outside), windows)
                crossings.from_outside(outside, target)
                crossings.left(inside, target)
        called = crossings.alike(targets)
        for alike in inside:
            crossings.ahead(alike, called)
            for other in called:
                crossings.both_moved(alike, other)

    # -- one of the two is not there ---------------------------------------------------------------

    def _gone(self, callers: list[str], target: str, outside: bool, windows: Windows) -> None:
        window = self._absence(target, outside)
        if window:
            present = {source for source in callers if not self._away(source, window)}
            if present:
                windows.add(window, present, {target})

    def _absence(self, target: str, outside: bool) -> Window | None:
        """From the first stop until the last step that puts the counterpart in service."""
        downs, ups = self._lives.downs(target, outside), self._lives.ups(target, outside)
        if not downs:
            return None
        if not ups:
            made = self._lives.made(target)
            return Window((downs[0], "start"), self._order.last, "astray" if made else "gone")
        late = [up for up in ups if not all(self._order.before(up, down) for down in downs)]
        return Window((downs[0], "start"), (late[-1], "end"), "gone") if late else None

    def _balanced(self, callers: list[str], target: str, fronts: Fronts, windows: Windows) -> None:
        if window := fronts.outage(target):
            windows.add(window, (source for source in callers if not self._away(source, window)), {target})

    def _away(self, source: str, window: Window) -> bool:
        """Whether a caller has stopped before the window opens and serves again only after it closed."""
        leaves, enters = self._lives.leaves(source), self._lives.enters(source)
        if leaves is None or enters is None or window.closes == self._order.last:
            return False
        opens, closes = window.opens[0], window.closes[0]
        return (leaves[0] == opens or self._order.before(leaves[0], opens)) and self._order.by(closes, enters[0])
