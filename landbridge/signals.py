"""Ending on a signal without leaving anything behind."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# A service manager's, a person's, and a closed terminal's: children in sessions of their own see none of these.
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@contextmanager
def ending_as_exit(code: int) -> Iterator[None]:
    """The signals that end us raise SystemExit(code) in the main thread, so that context managers unwind."""

    def leave(_: int, __: FrameType | None) -> None:
        raise SystemExit(code)

    before = {sig: signal.signal(sig, leave) for sig in ENDING}
    try:
        yield
    finally:
        for sig, handler in before.items():
            signal.signal(sig, handler)


@contextmanager
def ending_ignored() -> Iterator[None]:
    """Ignore the signals that end us meanwhile; only the main thread can, elsewhere nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {sig: signal.signal(sig, signal.SIG_IGN) for sig in ENDING}
    try:
        yield
    finally:
        for sig, handler in before.items():
            signal.signal(sig, handler)
