"""Carries out what the schedules say happens to processes, servers and links."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from tests.soak.house import House
from tests.soak.ledger import Ledger
from tests.soak.nursery import Worker
from tests.soak.scripts import Blow
from tests.soak.watching import Watch

AWAY_SECONDS = 1.0
SPARE = 2
SOON_SECONDS = 2.0
LOOK_EVERY = 0.1


class Chaos:
    """A hand, which is a thread, for each schedule: what one does takes its time and keeps no other from striking.

    It keeps so many workers, one of whom is always ready to take over; and all hands rest while anybody asks for calm.
    """

    def __init__(
        self, house: House, watch: Watch, ledger: Ledger, schedules: Sequence[Iterator[Blow]], crew: int, lease: float
    ) -> None:
        self._house = house
        self._watch = watch
        self._ledger = ledger
        self._crew = crew
        self._lease = lease
        self._stopping = threading.Event()
        self._calm = 0
        self._lock = threading.Lock()
        self._hands = [threading.Thread(target=self._run, args=(each,), daemon=True) for each in schedules]
        self.frozen: set[int] = set()
        self.last_thaw = 0.0
        self.failure: BaseException | None = None

    def start(self) -> None:
        for _ in range(self._crew):
            self._house.add_worker()
        self._until(lambda: len(self._house.ready_workers()) == self._crew, 120)
        for hand in self._hands:
            hand.start()

    def stop(self) -> None:
        """No more of it; whatever is under way is finished."""
        self._stopping.set()
        for hand in self._hands:
            hand.join(120)

    def ask_for_calm(self, wanted: bool) -> None:
        """While anybody asks for it, nothing happens."""
        with self._lock:
            self._calm += 1 if wanted else -1

    def _run(self, schedule: Iterator[Blow]) -> None:
        try:
            for blow in schedule:
                if self._stopping.wait(blow.wait):
                    return
                while self._calm and not self._stopping.wait(LOOK_EVERY):
                    continue
                if not self._stopping.is_set() and HOW[blow.kind](self, blow):
                    self._ledger.fault(blow.kind)
        except BaseException as error:
            self.failure = error
            raise

    def _until(self, ready: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > deadline or self._stopping.wait(LOOK_EVERY):
                return False
        return True

    def _one(self, blow: Blow) -> Worker | None:
        """A worker that is ready, while another one is, too; one with a job in hand, if there is one soon."""
        if not self._until(lambda: len(self._house.ready_workers()) >= SPARE, 60):
            return None
        self._until(lambda: bool(self._busy()), SOON_SECONDS)
        choice = self._busy() or self._house.ready_workers()
        return choice[int(blow.pick * len(choice))]

    def _busy(self) -> list[Worker]:
        return [each for each in self._house.ready_workers() if self._watch.held_by(each.pid)]

    def kill(self, blow: Blow) -> bool:
        worker = self._one(blow)
        if worker is None:
            return False
        self._watch.killed(worker.pid)
        self._house.kill_worker(worker, signal.SIGKILL)
        self._house.add_worker()
        return True

    def send_away(self, blow: Blow) -> bool:
        worker = self._one(blow)
        if worker is None:
            return False
        self._house.kill_worker(worker, signal.SIGTERM)
        self._house.add_worker()
        return True

    def freeze(self, blow: Blow) -> bool:
        worker = self._one(blow)
        if worker is None:
            return False
        self.frozen.add(worker.pid)
        os.kill(worker.pid, signal.SIGSTOP)
        time.sleep(self._lease * 1.5)  # its lease runs out, and others take its jobs
        os.kill(worker.pid, signal.SIGCONT)
        self.last_thaw = time.monotonic()
        self.frozen.discard(worker.pid)
        return True

    def restart_postgres(self, _: Blow) -> bool:
        self._house.stop_postgres()
        time.sleep(AWAY_SECONDS)
        self._house.start_postgres()
        return True

    def cut_postgres(self, _: Blow) -> bool:
        self._house.database_link.cut()
        return True

    def cut_commits(self, blow: Blow) -> bool:
        self._house.database_link.cut_commits(blow.count)
        return True

    def flush_redis(self, _: Blow) -> bool:
        self._house.redis.flush()
        return True

    def restart_redis(self, _: Blow) -> bool:
        self._house.redis.kill()
        time.sleep(AWAY_SECONDS)
        self._house.redis.start()
        return True

    def restart_api(self, _: Blow) -> bool:
        self._house.restart_api()
        return True

    def cut_aws(self, _: Blow) -> bool:
        self._house.aws_link.cut()
        return True


HOW: Mapping[str, Callable[[Chaos, Blow], bool]] = {
    "worker killed": Chaos.kill,
    "worker frozen past its lease": Chaos.freeze,
    "worker sent away": Chaos.send_away,
    "Postgres restarted": Chaos.restart_postgres,
    "Postgres connections cut": Chaos.cut_postgres,
    "Postgres connections cut in mid-commit": Chaos.cut_commits,
    "Redis flushed": Chaos.flush_redis,
    "Redis killed and restarted": Chaos.restart_redis,
    "API killed and restarted": Chaos.restart_api,
    "AWS connections cut": Chaos.cut_aws,
}
