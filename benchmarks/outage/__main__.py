"""`make outage`: moves every application in every order, prints the table and writes docs/outage.md and its picture.

Exits with 1 where a flow that was called kept was seen down, or a move did not succeed.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.outage.applications import applications
from benchmarks.outage.measuring import METHODS, Moved, moved
from benchmarks.outage.plot import picture
from benchmarks.outage.table import COLUMNS, page, rows


def main() -> int:
    """Run it all; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where outage.md and outage.svg go")
    parser.add_argument("--only", metavar="APPLICATION", help="one application alone; nothing is written")
    options = parser.parse_args()
    console = Console()
    moves = [
        moved(application, method)
        for application in applications()
        if options.only in (None, application.name)
        for method in METHODS
    ]
    console.print(table(moves))
    if not options.only:
        (options.docs / "outage.md").write_text(page(moves), encoding="utf-8")
        (options.docs / "outage.svg").write_text(picture(moves), encoding="utf-8")
        console.print(f"Written: {options.docs / 'outage.md'}, {options.docs / 'outage.svg'}", highlight=False)
    wrong = list(shortcomings(moves))
    for sentence in wrong:
        console.print(sentence, style="bold red", markup=False, highlight=False)
    return 1 if wrong else 0


def table(moves: Sequence[Moved]) -> Table:
    """The page's table, on a terminal."""
    made = Table(box=None, header_style="dim")
    for place, column in enumerate(COLUMNS):
        made.add_column(column.replace(", ", ",\n"), justify="left" if place < 2 else "right", no_wrap=True)
    for row in rows(moves):
        made.add_row(*row)
    return made


def shortcomings(moves: Sequence[Moved]) -> list[str]:
    """What must not happen, a sentence each."""
    found = []
    for each in moves:
        where = f"{each.application.name}, {each.method}"
        found += [f"{where}: {words}" for words in each.trouble]
        found += [
            f"{where}: {one.flow.rule} was to be kept and was down for {one.measured:.1f} seconds."
            for one in each.broken_promises
        ]
    return found


if __name__ == "__main__":
    sys.exit(main())
