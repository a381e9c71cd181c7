"""The table of what was planted and who caught it, for a terminal and for the page on reliability."""

from collections.abc import Sequence
from pathlib import Path

from tests.teeth.biting import Bite

BEGIN, END = "<!-- teeth -->", "<!-- /teeth -->"
HEADING = "# Reliability\n\n## Teeth\n\n"


def line(bite: Bite) -> str:
    """One bug, while the others are still to come."""
    return f"{bite.plant.name:28} {bite.seconds:5.1f} s  {bite.test or 'NOT CAUGHT'}{': ' * bool(bite.why)}{bite.why}"


def table(bites: Sequence[Bite], *, seconds: bool) -> str:
    """In Markdown. Without the seconds it changes with the code alone."""
    names = ["Bug", "In", "What the engine does then", "Caught by", *(["Seconds"] if seconds else [])]
    rows = [_row(names), _row(["---"] * len(names))]
    for each in bites:
        caught = _by(each.test) if each.caught else f"**NOT CAUGHT**: {_cell(each.why)}"
        cells = [each.plant.name, f"`{each.plant.file}`", each.plant.sentence, caught]
        rows.append(_row([*cells, *([f"{each.seconds:.1f}"] if seconds else [])]))
    return "\n".join(rows)


def write(page: Path, bites: Sequence[Bite]) -> None:
    """Put the table between its marks on the page; the rest of the page is somebody else's."""
    source = page.read_text() if page.exists() else f"{HEADING}{BEGIN}\n{END}\n"
    before, _, rest = source.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{table(bites, seconds=False)}\n{END}{after}")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _by(test: str) -> str:
    """`file::test`, without what it was run with."""
    return f"`{test.partition('[')[0]}`"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "/").split())
