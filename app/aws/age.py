"""How old credentials are, whatever becomes of the machine's clock."""

import threading
import time
from datetime import UTC, datetime, timedelta


class Age:
    """A clock that is never slower than the wall's or the monotonic one, and never goes back.

    AWS's moment of expiry means nothing on a clock that is wrong: one that is behind would have expired
    credentials used, one that is ahead would have good ones renewed with each call. The monotonic clock
    does not jump, but stands still while a machine is suspended; then the wall's tells what has passed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = datetime.now(UTC)
        self._wall, self._steady = time.time(), time.monotonic()

    def now(self) -> datetime:
        """Its time; only differences mean anything."""
        with self._lock:
            wall, steady = time.time(), time.monotonic()
            self._now += timedelta(seconds=max(wall - self._wall, steady - self._steady))
            self._wall, self._steady = wall, steady
            return self._now
