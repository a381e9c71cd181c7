"""The outages as a picture: per application and order a bar for its worst flow, and a tick where that was foretold."""

from collections.abc import Iterator, Mapping, Sequence
from xml.sax.saxutils import escape

from benchmarks.outage.measuring import METHODS, Method, Moved
from benchmarks.outage.table import TITLES

COLOURS: Mapping[Method, str] = {"incremental": "#0072b2", "all_at_once": "#e69f00", "hurried": "#cc3311"}
WIDTH, LEFT, RIGHT, TOP = 900, 120, 150, 92
BAR, GAP, BETWEEN = 18, 5, 26  # heights: a bar, the space after it, the space between applications
INK, FAINT = "#222222", "#d8d8d8"
MOST_TICKS = 8


def picture(moves: Sequence[Moved]) -> str:
    """docs/outage.svg: no scripts, no fonts of its own, on white."""
    names = list(dict.fromkeys(moved.application.name for moved in moves))
    group = len(METHODS) * (BAR + GAP) - GAP + BETWEEN
    height = TOP + group * len(names) + 40
    longest = max((_worst(moved, what) for moved in moves for what in ("foretold", "measured")), default=1.0)
    step = _step(longest)
    most = step * (int(longest / step) + 1)
    scale = (WIDTH - LEFT - RIGHT) / most
    return "\n".join([*_frame(height, step, most, scale), *_groups(moves, names, group, scale), "</svg>"]) + "\n"


def _worst(moved: Moved, what: str) -> float:
    return float(max((getattr(one, what) for one in moved.flows), default=0.0))


def _step(longest: float) -> int:
    return next(step for step in (30, 60, 120, 300, 600, 1_200, 3_600, 86_400) if longest / step <= MOST_TICKS)


def _frame(height: int, step: int, most: int, scale: float) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="Helvetica, Arial, sans-serif" font-size="13" role="img">'
    )
    yield f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    yield _text(20, 28, "The longest outage of any flow, in seconds, by the order of the move", "start", "17", "bold")
    yield from _legend()
    for value in range(0, most + 1, step):
        x = LEFT + value * scale
        yield f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{height - 34}" stroke="{FAINT}"/>'
        yield _text(x, height - 16, f"{value:,} s", "middle", "12")


def _legend() -> Iterator[str]:
    x = 20.0
    for method in METHODS:
        yield f'<rect x="{x}" y="46" width="14" height="14" fill="{COLOURS[method]}"/>'
        yield _text(x + 20, 58, f"{TITLES[method]}, measured", "start", "13")
        x += 190
    yield f'<line x1="{x + 4}" y1="44" x2="{x + 4}" y2="62" stroke="{INK}" stroke-width="3"/>'
    yield _text(x + 14, 58, "foretold by the plan", "start", "13")


def _groups(moves: Sequence[Moved], names: Sequence[str], group: int, scale: float) -> Iterator[str]:
    for place, name in enumerate(names):
        y = TOP + place * group
        middle = y + (group - BETWEEN) / 2 + 5
        yield _text(LEFT - 12, middle, name, "end", "14", "bold")
        for row, moved in enumerate(one for one in moves if one.application.name == name):
            yield from _bar(moved, y + row * (BAR + GAP), scale)


def _bar(moved: Moved, y: int, scale: float) -> Iterator[str]:
    measured, foretold = _worst(moved, "measured"), _worst(moved, "foretold")
    yield f'<rect x="{LEFT}" y="{y}" width="{measured * scale:.1f}" height="{BAR}" fill="{COLOURS[moved.method]}"/>'
    x = LEFT + foretold * scale
    yield f'<line x1="{x:.1f}" y1="{y - 2}" x2="{x:.1f}" y2="{y + BAR + 2}" stroke="{INK}" stroke-width="3"/>'
    down = f"{len(moved.interrupted)} of {len(moved.flows)} flows"
    yield _text(
        LEFT + max(measured, foretold) * scale + 8, y + BAR - 4, f"{round(measured):,} s · {down}", "start", "12"
    )


def _text(x: float, y: float, text: str, anchor: str, size: str, weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{INK}" text-anchor="{anchor}" font-size="{size}" '
        f'font-weight="{weight}">{escape(text)}</text>'
    )
