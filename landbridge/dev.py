"""All of Landbridge on one machine: the servers, a simulated AWS account, the API and a worker."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2

import migrations
from landbridge.admin import create_token, for_service
from landbridge.embedded import EmbeddedError, database
from landbridge.embedded_redis import NOTIFY, redis
from landbridge.processes import Child, ChildDied, free_port
from landbridge.signals import ending_as_exit, ending_ignored

LANDBRIDGE = (sys.executable, "-m", "landbridge")
READY_SECONDS = 60.0
CHECK_EVERY = 0.5
REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class StackOptions:
    """What to start: a port of 0 is any free one; `time_scale` is seconds of AWS's time in one of ours.

    With `use_redis` false the doorbell is PostgreSQL's even where a Redis is to be had.
    """

    api_port: int = 0
    aws_port: int = 0
    scenario: str = "shop"
    time_scale: float = 60.0
    log_dir: Path | None = None
    data_dir: Path | None = None
    workers: int = 1
    use_redis: bool = True


class Stack:
    """Starts everything in order, waits until each is ready, and ends it all in the reverse order."""

    api: str
    aws: str
    database_url: str

    def __init__(
        self,
        options: StackOptions = StackOptions(),
        *,
        environ: Mapping[str, str] = os.environ,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._options = options
        self._environ = environ
        self._say = say
        self._exit = ExitStack()
        self._children: list[Child] = []
        self._for_children: dict[str, str] = {}
        self.logs = options.log_dir or Path(tempfile.mkdtemp(prefix="landbridge-logs-"))

    def __enter__(self) -> Self:
        with self._exit:
            self._exit.push(self._forget_logs)
            self._start()
            # All is up: the exit stack is ours to close from here on.
            self._exit = self._exit.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with ending_ignored():  # an impatient second Ctrl-C must not leave half of it running
            self._exit.__exit__(kind, error, trace)

    def token(self, name: str, role: str) -> str:
        """A new API token of that role, straight from the database."""
        return create_token(self.database_url, name, role)

    def start_worker(self) -> Child:
        """One worker more; its name is "worker", "worker-2" and so on."""
        number = sum(child.name.startswith("worker") for child in self._children) + 1
        name = "worker" if number == 1 else f"worker-{number}"
        return self._child(name, [*LANDBRIDGE, "worker"], self._for_children)

    def check(self) -> None:
        """Return if all runs; raises ChildDied naming what does not."""
        for child in self._children:
            child.check()

    def _start(self) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        self._say(f"logs: {self.logs}")
        environ = self._for_children = self._servers() | self._sandbox()
        port = self._options.api_port or free_port()
        self.api = f"http://127.0.0.1:{port}"
        api = self._child("API", [*LANDBRIDGE, "serve", "--host", "127.0.0.1", "--port", str(port)], environ)
        for _ in range(self._options.workers):
            self.start_worker()
        api.wait_until(lambda: answers(f"{self.api}/readyz"), READY_SECONDS)
        self.check()
        self._say(f"API: {self.api}")

    def _servers(self) -> dict[str, str]:
        """Postgres with its tables and, where one is to be had, Redis; returns the children's environment."""
        postgres = self._exit.enter_context(database(self._environ, self._options.data_dir))
        self._say(f"database: {postgres.description}")
        migrations.upgrade(postgres.url)
        self.database_url = postgres.url
        service_url = for_service(postgres.url) if postgres.pid else postgres.url
        doorbell = self._exit.enter_context(redis(self._environ)) if self._options.use_redis else None
        self._say(f"doorbell: {doorbell.description if doorbell else NOTIFY}")
        environ = {name: value for name, value in self._environ.items() if not name.startswith("AWS_")}
        environ |= {
            "LANDBRIDGE_DATABASE_URL": service_url,
            "LANDBRIDGE_TIME_SCALE": str(self._options.time_scale),
            "NO_PROXY": "127.0.0.1,localhost",
            "PYTHONUNBUFFERED": "1",
        }
        environ.pop("LANDBRIDGE_REDIS_URL", None)
        return environ | ({"LANDBRIDGE_REDIS_URL": doorbell.url} if doorbell else {})

    def _sandbox(self) -> dict[str, str]:
        """A simulated AWS account; returns what makes boto3 talk to it and to nothing else."""
        child = self._child("sandbox", self._sandbox_command(), dict(self._environ))
        child.wait_until(lambda: announced(child.log) is not None, READY_SECONDS)
        self.aws = announced(child.log) or ""
        self._say(f"simulated AWS: {self.aws}")
        return {
            "AWS_ENDPOINT_URL": self.aws,
            "AWS_ACCESS_KEY_ID": "AKIALANDBRIDGESANDBX",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def _sandbox_command(self) -> list[str]:
        options = self._options
        return [
            sys.executable, "-m", "sandbox", "--port", str(options.aws_port),
            "--scenario", options.scenario, "--time-scale", str(options.time_scale),
        ]  # fmt: skip

    def _child(self, name: str, command: Sequence[str], environ: Mapping[str, str]) -> Child:
        child = Child(name, command, environ, self.logs / f"{name.lower()}.log")
        self._children.append(child)
        self._exit.callback(child.end)
        return child

    def _forget_logs(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Logs in a directory of ours go, unless something went wrong."""
        if self._options.log_dir is None and (error is None or isinstance(error, SystemExit)):
            shutil.rmtree(self.logs, ignore_errors=True)
        return False


def run_dev(options: StackOptions, say: Callable[[str], None]) -> int:
    """Keep a stack running until a signal; one JSON line on stdout when it is ready. Returns an exit code."""
    try:
        with ending_as_exit(0), Stack(options, say=say) as stack:
            token = stack.token("dev", "admin")
            print(json.dumps({"api": stack.api, "aws": stack.aws, "token": token}), flush=True)
            say("Ready. Ctrl-C ends it.")
            while True:
                stack.check()
                time.sleep(CHECK_EVERY)
    except (ChildDied, EmbeddedError) as error:
        say(str(error))
        return 1


def announced(log: Path) -> str | None:
    """The address in the JSON line that the sandbox prints when it is ready."""
    for line in log.read_text(errors="replace").splitlines():
        if line.startswith('{"aws"'):
            return str(json.loads(line)["aws"])
    return None


def answers(url: str) -> bool:
    """Whether a GET is answered with 200."""
    try:
        return httpx2.get(url, timeout=2.0, trust_env=False).status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False
