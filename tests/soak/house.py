"""Everything that a long run starts: Postgres and Redis behind links, the accounts, the API and the workers."""

import os
import signal
import sys
import tempfile
from pathlib import Path

from sqlalchemy import URL

from landbridge.admin import for_service
from landbridge.dev import LANDBRIDGE, READY_SECONDS, Stack, StackOptions, answers
from landbridge.embedded import EmbeddedError
from landbridge.embedded_redis import NO_REDIS, find_program
from tests.kit.servers import PostgresServer, RedisServer
from tests.soak.links import Link
from tests.soak.nursery import Worker


class House(Stack):
    """`lease` and `heartbeat` in seconds of ours. Workers come and go through here alone.

    `direct`: where the database is now, past the link.
    """

    direct: URL

    def __init__(self, lanes: int, time_scale: float, lease: float, heartbeat: float, logs: Path | None) -> None:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("LANDBRIDGE_")}
        terms = {"LANDBRIDGE_LEASE_SECONDS": str(lease), "LANDBRIDGE_HEARTBEAT_SECONDS": str(heartbeat)}
        super().__init__(StackOptions(time_scale=time_scale, workers=0, log_dir=logs), environ={**ours, **terms})
        self._lanes = lanes
        self.workers: list[Worker] = []
        self._leaving: list[Worker] = []
        self._born = 0

    def add_worker(self) -> None:
        """One more, which will be ready in a moment."""
        self._born += 1
        name = f"worker-{self._born}"
        worker = Worker(name, self._for_children, self.logs / f"{name}.log")
        self.workers.append(worker)
        self._leaving = [each for each in self._leaving if each.alive]

    def ready_workers(self) -> list[Worker]:
        """Those that can be given work."""
        return [each for each in self.workers if each.ready]

    def kill_worker(self, worker: Worker, sign: signal.Signals) -> None:
        """Kill or send away one of them."""
        os.kill(worker.pid, sign)
        self.workers.remove(worker)
        if sign is signal.SIGKILL:
            worker.end()
        else:
            self._leaving.append(worker)

    def restart_api(self) -> None:
        """kill -9, and another one at the same address."""
        api = next(child for child in reversed(self._children) if child.name.startswith("API"))
        os.kill(api.pid, signal.SIGKILL)
        api.end()
        port = self.api.rpartition(":")[2]
        name = f"API-{sum(child.name.startswith('API') for child in self._children) + 1}"
        command = [*LANDBRIDGE, "serve", "--host", "127.0.0.1", "--port", port]
        fresh = self._child(name, command, self._for_children)
        fresh.wait_until(lambda: answers(f"{self.api}/livez"), READY_SECONDS)

    def stop_postgres(self) -> None:
        """Nobody gets through until it is started again."""
        self.database_link.to = None
        self._postgres.stop()

    def start_postgres(self) -> None:
        self.direct = self._postgres.start()
        self.database_link.to = self.direct.port

    def _start(self) -> None:
        super()._start()
        self._exit.callback(self._end_workers)

    def _end_workers(self) -> None:
        for worker in (*self.workers, *self._leaving):
            worker.end()

    def _servers(self) -> dict[str, str]:
        home = Path(self._exit.enter_context(tempfile.TemporaryDirectory(prefix="landbridge-soak-")))
        home.chmod(0o755)  # as root, PostgreSQL runs as somebody else
        self.database_link = self._exit.enter_context(Link())
        self._postgres = PostgresServer(home / "data")
        self._exit.callback(self._postgres.stop)
        self.start_postgres()
        program = find_program(os.environ.get("PATH"))
        if program is None:
            raise EmbeddedError(NO_REDIS)
        self.redis = RedisServer(program)
        self.redis.start()
        self._exit.callback(self.redis.kill)
        linked = self.direct.set(port=self.database_link.port).render_as_string(hide_password=False)
        self._environ = {
            **self._environ,
            "LANDBRIDGE_DATABASE_URL": linked,
            "LANDBRIDGE_REDIS_URL": self.redis.url,
        }
        return super()._servers() | {"LANDBRIDGE_DATABASE_URL": for_service(linked)}

    def _sandbox(self) -> dict[str, str]:
        environ = super()._sandbox()
        self.aws_link = self._exit.enter_context(Link())
        self.aws_link.to = int(self.aws.rpartition(":")[2])
        return environ | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.aws_link.port}"}

    def _sandbox_command(self) -> list[str]:
        scale = str(self._options.time_scale)
        return [sys.executable, "-m", "tests.soak.accounts", "--lanes", str(self._lanes), "--time-scale", scale]
