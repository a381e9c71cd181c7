"""`python -m tests.soak`: the long run. It prints its seed first; SOAK_SEED repeats its schedule, SOAK_MINUTES sets
its length. Exit code 1 says that an invariant was violated."""

import argparse
import os
import random
import sys
from pathlib import Path

from landbridge.signals import ending_as_exit
from tests.soak.ledger import ALL_KINDS, KILLS_ALONE, table, write
from tests.soak.running import Options, replay, run


def main() -> int:
    options, page = _options()
    sys.stdout.write(f"seed {options.seed}; again: {replay(options)}\n")
    sys.stdout.flush()
    with ending_as_exit(130):
        outcome = run(options, say)
    text = table(outcome.ledger, outcome.takeovers, options.lease, outcome.failure)
    sys.stdout.write(f"{text}\n")
    if page is not None:
        write(page, text, KILLS_ALONE if options.kills_only else ALL_KINDS)
    return 0 if outcome.good else 1


def say(words: str) -> None:
    """Tell whoever watches."""
    sys.stderr.write(f"{words}\n")


def _options() -> tuple[Options, Path | None]:
    environ = os.environ
    parser = argparse.ArgumentParser(prog="tests.soak", description=__doc__)
    add = parser.add_argument
    add("--seed", default=environ.get("SOAK_SEED") or str(random.SystemRandom().randrange(10**8)))
    add("--minutes", type=float, default=float(environ.get("SOAK_MINUTES") or 60))
    add("--kills-only", action="store_true", help="nothing but dead workers, with production's lease")
    add("--lanes", type=int, default=6, help="accounts with a job each at once (6)")
    add("--every", type=float, default=0.0, help="seconds between two blows on workers, on average (2.1; 6)")
    add("--servers-every", type=float, default=2.0, help="the same of blows on servers and links (2)")
    add("--time-scale", type=float, default=0.0, help="seconds of AWS's time in one of ours (150; 60)")
    add("--logs", type=Path, default=None, help="keep the processes' logs here")
    add("--write", type=Path, default=None, help="put the table into this page, between its markers")
    asked = parser.parse_args()
    gentle = bool(asked.kills_only)
    options = Options(
        seed=asked.seed,
        minutes=asked.minutes,
        kills_only=gentle,
        lanes=asked.lanes,
        crew=3 if gentle else 6,
        every=asked.every or (6.0 if gentle else 2.1),
        servers_every=asked.servers_every,
        time_scale=asked.time_scale or (60.0 if gentle else 150.0),
        lease=15.0 if gentle else 2.0,
        heartbeat=5.0 if gentle else 0.5,
        patience=1_800.0 if gentle else 600.0,  # a job whose workers die all the time takes long
        logs=asked.logs,
    )
    return options, asked.write


if __name__ == "__main__":
    sys.exit(main())
