"""Servers that go away and come back: a Redis on one port, and a PostgreSQL that keeps its data."""

import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import URL, make_url

from landbridge.embedded import postgres
from landbridge.processes import end, free_port


class RedisServer:
    """A Redis on one port that can be killed and started again."""

    def __init__(self, program: Path) -> None:
        self._program = program
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [str(self._program), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", "/tmp"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 10
        while not self._answers():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def kill(self) -> None:
        assert self._process is not None
        end(self._process, [signal.SIGKILL])

    def _answers(self) -> bool:
        try:
            with Redis.from_url(self.url) as client:
                return bool(client.ping())
        except RedisError:
            return False

    def flush(self) -> None:
        """Forget everything."""
        with Redis.from_url(self.url) as client:
            client.flushall()


class PostgresServer:
    """A PostgreSQL that starts on another port each time, with the data it had."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._running = ExitStack()

    def start(self) -> URL:
        """Where it is now."""
        return make_url(self._running.enter_context(postgres(self._data)).url)

    def stop(self) -> None:
        """PostgreSQL's fast shutdown: it does not wait for its clients."""
        self._running.close()
