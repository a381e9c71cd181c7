"""Windows in which somebody cannot call somebody: what opens and closes them, why, and what they add up to."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from app.planning.ordering import Edge, Ordering
from app.planning.plan import Flow, Interruption

WORDS = {
    "gone": "serves nobody",
    "left": "is in the VPC, where callers that are still in EC2-Classic cannot reach it,",
    "ahead": "is still in EC2-Classic, where callers already in the VPC cannot reach it,",
    "barred": "does not let its callers in",
    "unregistered": "is not behind the load balancer to which callers go",
    "astray": "is called by a name that leads to what serves no more",
}

Span = tuple[float, float]


@dataclass(frozen=True, order=True)
class Window:
    """`detail` says more than the cause can: which rule of which group is missing."""

    opens: Edge
    closes: Edge
    cause: str
    detail: str = ""


class Windows:
    """Of one flow: who is cut off from whom, by window."""

    def __init__(self) -> None:
        self._found: dict[Window, tuple[set[str], set[str]]] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, window: Window, sources: Iterable[str], targets: Iterable[str]) -> None:
        known = self._found.setdefault(window, (set(), set()))
        known[0].update(sources)
        known[1].update(targets)

    def told(self, flow: Flow, order: Ordering, presence: Callable[[str], list[Span]]) -> Flow:
        """The flow, interrupted. `presence`: when some stand-in of a caller is in service."""
        found = sorted(self._found.items(), key=lambda item: (-order.seconds(item[0].opens, item[0].closes), item[0]))
        interruptions = tuple(
            Interruption(
                tuple(sorted(sources)),
                tuple(sorted(targets)),
                window.opens[0],
                window.closes[0],
                round(order.seconds(window.opens, window.closes), 1),
            )
            for window, (sources, targets) in found
        )
        return replace(
            flow,
            verdict="interrupted",
            reason=_reason(found[0][0], interruptions[0].targets[0]),
            interruptions=interruptions,
            outage_seconds=round(self._outage(order, presence), 1),
        )

    def _outage(self, order: Ordering, presence: Callable[[str], list[Span]]) -> float:
        """How long the flow is expected to be down: while a window is open and one of its callers is there."""
        spans: list[Span] = []
        there = {source: presence(source) for sources, _ in self._found.values() for source in sources}
        for window, (sources, _) in self._found.items():
            whole = order.time(window.opens), order.time(window.closes)
            spans += shared(whole, {span for source in sources for span in there[source]})
        return together(spans)


def _reason(window: Window, target: str) -> str:
    since = "starts" if window.opens[1] == "start" else "has ended"
    until = "has ended" if window.closes[1] == "end" else "starts"
    detail = f" ({window.detail})" if window.detail else ""
    return (
        f"{target} {WORDS[window.cause]}{detail} from when '{window.opens[0]}' {since} "
        f"until '{window.closes[0]}' {until}."
    )


def shared(span: Span, others: Iterable[Span]) -> list[Span]:
    """The parts of a span that other spans cover too."""
    start, end = span
    parts = [(max(start, other[0]), min(end, other[1])) for other in others]
    return [(first, last) for first, last in parts if last > first]


def together(spans: Iterable[Span]) -> float:
    """The time that at least one of the spans is open."""
    total, until = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total
