"""A plan's graph as SVG: a column for each phase, steps below each other, arrows between the columns."""

from html import escape

from app.manners.markdown import plain
from app.plans.graph import Graph, gathered

# Above this nobody reads boxes: steps of one action share one.
MOST_BOXES = 150

BOX_WIDTH, BOX_HEIGHT = 250, 38
COLUMN, ROW = 330, 52
LEFT, TOP = 20, 50
LETTERS = 38

STYLE = (
    "text{font:11px sans-serif;fill:#222}.phase{font-weight:bold;font-size:13px}.subject{fill:#666}"
    "rect{fill:#fff;stroke:#889;rx:4}path{fill:none;stroke:#99a;stroke-opacity:.6}"
)

Place = tuple[int, int]


def svg(graph: Graph) -> str:
    """The drawing, whole in itself: no scripts, no links, nothing fetched."""
    if len(graph.nodes) > MOST_BOXES:
        graph = gathered(graph)
    places: dict[str, Place] = {}
    parts: list[str] = []
    columns = list(graph.phases())
    for column, (phase, nodes) in enumerate(columns):
        x = LEFT + column * COLUMN
        parts.append(f'<text class="phase" x="{x}" y="{TOP - 18}">{escape(phase.replace("_", " "))}</text>')
        for row, node in enumerate(nodes):
            places[node.id] = (x, TOP + row * ROW)
            parts.append(box(places[node.id], node.action, node.subject))
    arrows = [arrow(places[earlier], places[later]) for earlier, later in graph.edges]
    width = LEFT * 2 + max(len(columns), 1) * COLUMN
    height = TOP * 2 + max((len(nodes) for _, nodes in columns), default=0) * ROW
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
    return "\n".join([head, f"<style>{STYLE}</style>", *arrows, *parts, "</svg>"]) + "\n"


def box(place: Place, action: str, subject: str) -> str:
    """A step; what does not fit is in its tooltip."""
    x, y = place
    title = escape(f"{plain(action)} {plain(subject)}")
    return (
        f'<g><title>{title}</title><rect x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}"/>'
        f'<text x="{x + 8}" y="{y + 15}">{escape(short(action))}</text>'
        f'<text class="subject" x="{x + 8}" y="{y + 30}">{escape(short(subject))}</text></g>'
    )


def arrow(start: Place, end: Place) -> str:
    """From the right side of one box to the left of another; within a column, around its left."""
    if start[0] == end[0]:
        x, first, last = start[0], start[1] + BOX_HEIGHT // 2, end[1] + BOX_HEIGHT // 2
        return f'<path d="M{x},{first} C{x - 18},{first} {x - 18},{last} {x},{last}"/>'
    x1, y1, x2, y2 = start[0] + BOX_WIDTH, start[1] + BOX_HEIGHT // 2, end[0], end[1] + BOX_HEIGHT // 2
    middle = (x1 + x2) // 2
    return f'<path d="M{x1},{y1} C{middle},{y1} {middle},{y2} {x2},{y2}"/>'


def short(text: str) -> str:
    """As much of `text` as a box holds."""
    shown = plain(text)
    return shown if len(shown) <= LETTERS else shown[: LETTERS - 1] + "…"
