"""Workers that are there at once: forked from a process that has loaded their code.

Loading it takes seconds of a core, and a long run wants more than a thousand of them. Each is a process of its own all
the same: it makes its own connections, and dies alone.
"""

import multiprocessing
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from app.settings import get_settings
from workers.main import run_worker

READY = "worker.ready"
PATIENCE_SECONDS = 10.0

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])


class Worker:
    """One of them, in the shape of a `landbridge.processes.Child`."""

    def __init__(self, name: str, environ: Mapping[str, str], log: Path) -> None:
        self.log = log
        self._ready = False
        log.write_bytes(b"")  # what an earlier process said must not be taken for this one's
        self._process = _FORKS.Process(target=_work, args=(dict(environ), log), name=name, daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.is_alive()

    @property
    def ready(self) -> bool:
        """Whether it can be given work."""
        self._ready = self._ready or READY in self.log.read_text(errors="replace")
        return self._ready and self.alive

    def end(self) -> None:
        """Ask it to end, and make it if it does not."""
        if self.alive:  # else its number may be another's by now
            self._process.terminate()
            self._process.join(PATIENCE_SECONDS)
            self._process.kill()
        self._process.join()


def _work(environ: Mapping[str, str], log: Path) -> None:
    """What `landbridge worker` is in a process started for it: its own session, environment and log."""
    os.setsid()
    os.environ.clear()
    os.environ.update(environ)
    with log.open("ab") as said:
        os.dup2(said.fileno(), sys.stdout.fileno())
        os.dup2(said.fileno(), sys.stderr.fileno())
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    get_settings.cache_clear()  # what was read when the code was loaded is of no environment of ours
    run_worker()
