"""`python -m tests.teeth [names]`: plant all bugs, or those named, one at a time in each of some copies of the tree.
Exit code 1 if one gets through."""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from landbridge import embedded
from tests.teeth.biting import Bite, bite_all
from tests.teeth.ground import Ground
from tests.teeth.plants import PLANTS
from tests.teeth.telling import line, table, write

TREE = Path(__file__).parents[2]
PAGE = TREE / "docs" / "reliability.md"
LANES = min(4, os.cpu_count() or 1)


def main() -> int:
    """0 if every bug was caught."""
    names = [plant.name for plant in PLANTS]
    parser = argparse.ArgumentParser(prog="python -m tests.teeth", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(names)}")
    parser.add_argument("--docs", action="store_true", help=f"write the table to {PAGE.relative_to(TREE)} as well")
    parser.add_argument("--lanes", type=int, default=LANES, help="how many copies, side by side (%(default)s)")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.names) - set(names)):
        parser.error(f"there is no bug called {', '.join(unknown)}")
    if asked.docs and asked.names:
        parser.error("the page shows all bugs: leave out the names, or --docs")
    plants = [plant for plant in PLANTS if plant.name in asked.names or not asked.names]
    began = time.monotonic()
    with embedded.database() as server, tempfile.TemporaryDirectory(prefix="landbridge-teeth-") as folder:
        roots = [Path(folder, str(lane)) for lane in range(max(1, min(asked.lanes, len(plants))))]
        bites = bite_all([Ground(TREE, root, server.url) for root in roots], plants, _tell)
    print(f"\n{table(bites, seconds=True)}\n")
    caught = sum(each.caught for each in bites)
    print(f"{caught} of {len(bites)} bugs caught, in {time.monotonic() - began:.0f} seconds.")
    if asked.docs:
        write(PAGE, bites)
    return 0 if caught == len(bites) else 1


def _tell(bite: Bite) -> None:
    print(line(bite), flush=True)


if __name__ == "__main__":
    sys.exit(main())
