"""Child processes that we start and end ourselves, always by pid."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path


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
