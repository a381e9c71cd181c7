"""`python -m tests.journals.record`: record a set of jobs as this release leaves them, for later ones to carry on.

It stands in tests/journals/<release>/ and is never edited or deleted: somebody's job may stand like that.
"""

import argparse
import asyncio
import sys
import tomllib
import uuid
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
from sqlalchemy import make_url

import migrations
from landbridge import embedded
from sandbox.world import World
from tests.conftest import administer
from tests.journals.cuts import CUTS, MOVES, RECORDED, Cut, Fate, Move
from tests.journals.house import House
from tests.journals.standing import standing
from tests.journals.tape import RECORDINGS, Tape, save
from tests.journals.taping import TapingCloud, seconds_in
from tests.kit.bench import Bench
from tests.kit.database_time import run_with_database
from tests.kit.direct_cloud import DirectClients
from tests.kit.killing import Killed
from tests.kit.noted_moves import APPLICATIONS


class Recorder:
    """Records on one server, a database and a world for each recording."""

    def __init__(self, server: str, release: str, folder: Path) -> None:
        self._server = server
        self._release = release
        self._folder = folder

    def record(self, name: str) -> None:
        """Every cut of a move."""
        tapes = {cut: self._tape(MOVES[name], CUTS[cut]) for cut in {*RECORDED[name], "moved", "finalized"}}
        ends = {"execute": tapes["moved"].stands, "finalize": tapes["finalized"].stands}
        for cut in RECORDED[name]:
            path = self._folder / f"{name}-{cut}.json.gz"
            save(Tape(**{**vars(tapes[cut]), "ends": ends}), path)
            states = Counter(line["state"] for line in tapes[cut].lines)
            say(f"{path.name}: {len(tapes[cut].calls)} calls, {path.stat().st_size} bytes, {dict(states)}")

    def _tape(self, move: Move, cut: Cut) -> Tape:
        world = World()
        taping = TapingCloud(world)
        database = f"landbridge_record_{uuid.uuid4().hex[:12]}"
        url = make_url(self._server).set(database=database).render_as_string(hide_password=False)
        asyncio.run(administer(self._server, f'create database "{database}"'))
        migrations.upgrade(url)
        APPLICATIONS[move.application](_session(taping), world)
        built, planned_at = len(taping.calls), seconds_in(world)
        rows = run_with_database(world, url, lambda database: _left(House(world, database), taping, move, cut))
        asyncio.run(administer(self._server, f'drop database "{database}" with (force)'))
        return Tape(
            release=self._release,
            migration=migrations.head(),
            application=move.application,
            strategy=move.strategy,
            cut=cut.says,
            built=built,
            planned_at=planned_at,
            ended_at=seconds_in(world),
            stands=standing(Bench(world).past_the_wire()),
            ends={},
            rows=rows,
            calls=taping.calls,
            appeared=taping.appeared(),
        )


async def _left(house: House, taping: TapingCloud, move: Move, cut: Cut) -> dict[str, list[dict[str, Any]]]:
    """The database's rows when the worker was gone. Raises LookupError where the moment never came."""
    plan = await house.plan(taping, move.strategy, move.create_cidr, cut.gates)
    job = await house.job(plan, "execute")
    if cut.drive != "execute":
        await house.attend(job, taping)
        if cut.drive == "undo":
            await house.ask(job, "undo")
        else:
            job = await house.job(plan, "finalize")
    fate = Fate(taping, cut.moment)
    with suppress(Killed):
        await house.attend(job, fate)
    if not fate.met:
        raise LookupError(f"{cut.moment} never came: choose another in tests/journals/cuts.py")
    return await house.rows()


def _session(taping: TapingCloud) -> boto3.Session:
    """A session whose clients call the tape."""

    class Session(boto3.Session):
        def client(self, service: str, **_: Any) -> Any:  # type: ignore[override]
            return DirectClients(taping)(service)

    return Session(region_name=taping.region)


def release() -> str:
    """The version that records."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    return str(project["version"])


def say(words: str) -> None:
    """Tell whoever records."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.journals.record", description=__doc__)
    parser.add_argument("--into", default=release(), help="the set's folder (the release)")
    options = parser.parse_args()
    folder = RECORDINGS / options.into
    if folder.exists():
        say(f"{folder} is there already, and recordings are never replaced: give another folder with --into.")
        return 1
    with embedded.database() as server:
        recorder = Recorder(server.url, release(), folder)
        for name in RECORDED:
            recorder.record(name)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
