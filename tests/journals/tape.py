"""A recording: a job's rows as the database held them when its worker was gone, and the calls that made the account."""

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.journals.standing import Standing

RECORDINGS = Path(__file__).parent
FORMAT = 1

Row = Mapping[str, Any]
Names = Mapping[str, str]  # what AWS named, by where its answer holds it


@dataclass(frozen=True)
class Call:
    """One changing call. `at`: seconds since the world began. `names`: what its answer was the first to tell.
    `appeared`, by listing: names that nobody was told, which came into being before the call."""

    at: float
    operation: str
    params: Mapping[str, Any]
    names: Names = field(default_factory=dict)
    appeared: Mapping[str, Names] = field(default_factory=dict)


@dataclass(frozen=True)
class Tape:
    """One recording.

    `built`: so many calls made the application, the rest is the job's; `planned_at`: when it was discovered, and
    `ended_at`: when the worker was gone, in seconds since the world began.
    `rows`, by table, each a row as Postgres shows it in JSON, parents first. `stands`: what the account
    held at that moment; `ends`: what the release left when the job ended, by the job's action.
    """

    release: str
    migration: str
    application: str
    strategy: str
    cut: str
    built: int
    planned_at: float
    ended_at: float
    stands: Standing
    ends: Mapping[str, Standing]
    rows: Mapping[str, Sequence[Row]]
    calls: Sequence[Call]
    appeared: Mapping[str, Names]

    @property
    def lines(self) -> Sequence[Row]:
        """The journals' lines, of all jobs."""
        return self.rows["job_steps"]


def recordings() -> list[Path]:
    """Every recording there is, of every release."""
    return sorted(RECORDINGS.glob("*/*.json.gz"))


def name_of(path: Path) -> str:
    """A recording's name, as tests show it."""
    return f"{path.parent.name}/{path.name.partition('.')[0]}"


def load(path: Path) -> Tape:
    """Raises ValueError for a recording of another format than this code reads."""
    body = json.loads(gzip.decompress(path.read_bytes()), object_hook=_read)
    if body.pop("format") != FORMAT:
        raise ValueError(f"{path} has a format that tests/journals/tape.py no longer reads: have it read that as well.")
    return Tape(**{**body, "calls": [Call(**call) for call in body["calls"]]})


def save(tape: Tape, path: Path) -> None:
    """A line for each row and call, so that `zcat` shows a person what happened. Equal tapes make equal files."""
    body = {"format": FORMAT, **vars(tape), "calls": [vars(call) for call in tape.calls]}
    text = "{\n" + ",\n".join(f"{json.dumps(key)}: {_lines(value)}" for key, value in body.items()) + "\n}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def _lines(value: Any, deep: int = 0) -> str:
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(_one_line(each) for each in value) + "\n]"
    if isinstance(value, dict) and value and deep == 0:
        return "{\n" + ",\n".join(f"{json.dumps(key)}: {_lines(each, 1)}" for key, each in value.items()) + "\n}"
    return _one_line(value)


def _one_line(value: Any) -> str:
    return json.dumps(value, default=_written)


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"$moment": value.isoformat()}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    raise TypeError(f"a recording cannot hold {value!r}")


def _read(value: dict[str, Any]) -> Any:
    if value.keys() == {"$moment"}:
        return datetime.fromisoformat(value["$moment"])
    return base64.b64decode(value["$bytes"]) if value.keys() == {"$bytes"} else value
