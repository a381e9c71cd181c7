"""Child processes that we start and end ourselves, always by pid."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LOOK_EVERY = 0.05


class ChildDied(RuntimeError):
    """A child that should run does not; the message names it and shows the end of its log."""


class Child:
    """One named process with a log file; it leads its own session, so Ctrl-C does not end it before us."""

    def __init__(self, name: str, command: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("wb") as output:  # what an earlier process said must not be taken for this one's
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(environ),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.poll()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.code is None

    def check(self) -> None:
        """Return if it runs; raises ChildDied otherwise."""
        if not self.alive:
            raise ChildDied(f"{self.name} ended with exit code {self.code}. The end of {self.log}:\n{tail(self.log)}")

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Look until `ready`; raises ChildDied if it ends before or is not ready after `seconds`."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise ChildDied(
                    f"{self.name} was not ready after {seconds:.0f} seconds. The end of {self.log}:\n{tail(self.log)}"
                )
            time.sleep(LOOK_EVERY)

    def end(self) -> None:
        """Ask it to end, and make it if it does not."""
        end(self._process, [signal.SIGTERM])


def free_port() -> int:
    """A loopback port nobody listens on now; another program may take it before its user does."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def end(process: subprocess.Popen[bytes], signals: Sequence[signal.Signals], patience: float = 10.0) -> int:
    """End a child: each signal in turn, `patience` seconds apart, then SIGKILL. Returns its exit code."""
    for sig in signals:
        if process.poll() is not None:
            break
        process.send_signal(sig)
        try:
            return process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            continue
    if process.poll() is None:
        process.kill()
    return process.wait()


def tail(path: Path, lines: int = 20) -> str:
    """The last lines of a log, or a word saying that there are none."""
    if not path.exists():
        return "(no log)"
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) or "(empty log)"
