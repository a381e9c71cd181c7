"""One job from its plan to its end: what people ask of it, what goes wrong meanwhile, and the checks after."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from app.execution.states import WORKING
from app.resources.traffic import QUIET_MINUTES
from tests.kit.shop_over_http import gaps
from tests.soak import checks
from tests.soak.chaos import Chaos
from tests.soak.client import Client, Door, Refused, Thing
from tests.soak.ledger import Ledger
from tests.soak.scripts import Script
from tests.soak.watching import Watch

LOOK_EVERY = 0.3
STANDS_SECONDS = 1.2  # for which nothing may change once a job stands still
GRACE_SECONDS = 180.0  # after faults stopped
HALTS = 4
ALL_SEEN = 700.0  # seconds of AWS's time after which every late request has landed and everything is visible
WOKEN_SECONDS = 10.0
VERIFY_EVERY = 60.0


class StuckError(Exception):
    """The job neither ended nor asked for a person."""


class Hands:
    """What a lane works with. `patience`: seconds that a job may take before its faults stop."""

    def __init__(
        self, api: Client, door: Door, watch: Watch, chaos: Chaos, ledger: Ledger, patience: float = 240.0
    ) -> None:
        self.api = api
        self.door = door
        self.watch = watch
        self.chaos = chaos
        self.ledger = ledger
        self.patience = patience
        self.verified = float("-inf")


class Drive:
    """One plan's job, and its finalize job. `before`: the account as the plan found it."""

    def __init__(self, hands: Hands, script: Script, plan: Thing, before: Thing, promises: checks.Promises) -> None:
        self._hands = hands
        self._script = script
        self._plan = plan
        self._before = before
        self._promises = promises
        self._troubles = list(script.troubles)
        self._pauses = list(script.pauses)
        self._meddle = script.meddle
        self._turned = False
        self._halts = 0
        self._calm = False
        self._deadline = 0.0
        self.touched: set[str] = set()
        self.spoiled = False  # a third party did something: what follows may not be what was planned
        self.id = ""

    @property
    def path(self) -> str:
        return f"/v1/jobs/{self.id}"

    def run(self) -> str:
        """How it ended, in a word or two."""
        if self._meddle and self._meddle[0] < 0:
            self._meddle_now(self._meddle[1])
        try:
            return self._drive("dry_run" if self._script.course == "dry run" else "execute")
        finally:
            if self._calm:
                self._hands.chaos.ask_for_calm(False)

    def _drive(self, action: str) -> str:
        made = self._hands.api.post("/v1/jobs", {"plan_id": self._plan["id"], "action": action})
        self.id, self._action, self._halts = str(made["id"]), action, 0
        self._deadline = time.monotonic() + self._hands.patience
        while True:
            job = self._hands.api.get(self.path)
            if job["status"] in WORKING or job.get("requested"):
                self._meanwhile(job)
                time.sleep(LOOK_EVERY)
                self._hurry(job)
                continue
            outcome = STANDING[job["status"]](self, job)
            if outcome is not None:
                return outcome

    def _ask(self, wish: str) -> bool:
        """Ask it of the job; whether it took it."""
        try:
            self._hands.api.post(f"{self.path}/{wish}")
        except Refused as refused:
            if refused.status != 409:
                raise
            return False
        return True

    def _hurry(self, job: Thing) -> None:
        """I7: faults stop for a job that takes long; then it must come to an end."""
        if time.monotonic() < self._deadline:
            return
        if self._calm:
            words = f"{job['status']} with {job['progress']}, {GRACE_SECONDS:.0f} s after faults stopped"
            raise StuckError(words)
        self._calm, self._deadline = True, time.monotonic() + GRACE_SECONDS
        self._hands.chaos.ask_for_calm(True)
        self._troubles.clear()
        self._clear_faults()

    def _meanwhile(self, job: Thing) -> None:
        """What the script has in store for this moment."""
        progress = job["progress"]
        done = progress["undone"] if job["status"] == "undoing" else progress["done"]
        share = done / max(progress["total"], 1)
        while self._troubles and self._troubles[0].share <= share:
            trouble = self._troubles.pop(0)
            self._hands.door.change("faults", **trouble.rule)
        if job["status"] == "undoing" or job.get("requested") or self._action == "finalize":
            return
        if self._meddle and 0 <= self._meddle[0] <= share:
            self._meddle_now(self._meddle[1])
        if self._pauses and self._pauses[0] <= share:
            self._pauses.pop(0)
            self._ask("pause")
        elif not self._turned and share >= self._script.turn:
            self._turn()

    def _clear_faults(self) -> None:
        for kind, hits in self._hands.door.clear_faults().items():
            self._hands.ledger.fault(f"AWS: {kind.replace('_', ' ')}", hits)

    def _turn(self) -> None:
        self._turned = True
        if self._script.course == "undo midway":
            self._check_flows()
            self._ask("undo")
        elif self._script.course.startswith("cancel"):
            self._ask("cancel")

    def _meddle_now(self, how: str) -> None:
        self._meddle = None
        done = self._hands.door.look("meddle", how=how, seed=self._script.seed)
        if done["touched"]:
            self.spoiled = True
            self.touched |= set(done["touched"])
            self._hands.ledger.fault(f"a third party: {how.replace('_', ' ')}")

    # What is done where it stands still; a word says that this was its end.

    def _paused(self, _: Thing) -> str | None:
        self._check_still()
        if not self._ask("resume"):
            self._try_again()
        return None

    def _at_gate(self, job: Thing) -> str | None:
        for gate in job["gates"]:
            if not gate["approved"]:
                self._hands.api.post(f"{self.path}/gates/{gate['gate']}/approve")
        return None

    def _halted(self, job: Thing) -> str | None:
        self._halts += 1
        error = job.get("error") or {}
        if not error.get("detail"):
            self._wrong("I7", f"it halted and does not say why: {job}")
        self._check_still()
        if error.get("code") == "drifted" and self.spoiled:
            return self._drifted()
        if error.get("code") == "internal_error":
            self._wrong("I7", f"a worker met a bug: {error}")
        self._clear_faults()
        if self._halts <= HALTS and self._try_again():
            return None
        if not self.spoiled:
            self._wrong("I7", f"it halts again and again after faults stopped: {error} {self._failed()}")
        return None if self._action == "execute" and self._ask("undo") else self._given_up("halted for good")

    def _drifted(self) -> str:
        """Somebody changed the account before the first step: nothing may have been touched."""
        changes = self._hands.door.look("changes")["changes"]
        self._check("I3", [f"it drifted, and {changes} were called"] if changes else [])
        return self._given_up("halted, drifted")

    def _given_up(self, words: str) -> str:
        self._ask("cancel")
        self._check_all(ended=False)
        return words

    def _try_again(self) -> bool:
        """Have what failed tried again, and the job go on; whether it does."""
        for step in self._hands.api.all(f"{self.path}/steps", state="failed"):
            self._ask(f"steps/{step['id']}/retry")
        return self._ask("resume")

    def _failed(self) -> list[Any]:
        steps = self._hands.api.all(f"{self.path}/steps")
        return [(step["id"], step.get("error")) for step in steps if step["state"] in ("failed", "undo_failed")]

    def _cancelled(self, _: Thing) -> str | None:
        self._check_flows()
        self._check_all(ended=False)
        if self._script.course == "cancel, undo" and self._ask("undo"):
            return None
        return "cancelled"

    def _succeeded(self, _: Thing) -> str | None:
        if self._action == "dry_run":
            return self._rehearsed()
        self._check_flows()
        self._check_all(ended=True)
        if self._action == "finalize":
            return "finalized"
        if self._script.course == "finalize":
            # Sources that were called just now are not destroyed.
            self._hands.door.change("clock", advance_seconds=(QUIET_MINUTES + 1) * 60)
            return self._drive("finalize")
        if self._script.course.startswith("undo") and self._ask("undo"):
            return None
        return "succeeded"

    def _rehearsed(self) -> str:
        done = self._hands.door.look("changes")["done"]
        self._check("I3", [f"a dry run did {done}"] if done else [])
        after = self._hands.door.look("picture")
        self._check("I3", checks.changed(self._before, after, self.touched))
        self._check_all(ended=True)
        return "succeeded"

    def _undone(self, _: Thing) -> str:
        self._check_all(ended=True)
        if not self.spoiled:
            self._check_members()
        # What lost our tags, and what was ended under our hands, cannot be taken back by undo.
        if not self.spoiled or all(id_ in repr(self._before) for id_ in self.touched):
            after = self._hands.door.look("picture")
            self._check("I4", checks.changed(self._before, after, self.touched))
        return "undone"

    def _undo_failed(self, job: Thing) -> str | None:
        self._halts += 1
        self._check_still()
        self._clear_faults()
        if self._halts <= HALTS and self._ask("undo"):
            return None
        if not self.spoiled:
            self._wrong(
                "I7", f"its undo fails again and again after faults stopped: {job.get('error')} {self._failed()}"
            )
        self._check_all(ended=False)
        return "undo failed"

    # The checks.

    def _check(self, invariant: str, wrongs: list[str]) -> None:
        self._hands.ledger.check(invariant, self._script, self.id, wrongs)

    def _wrong(self, invariant: str, what: str) -> None:
        self._check(invariant, [what])

    def _check_all(self, *, ended: bool) -> None:
        """I1, I2, I3, I6, I7, I8 and I9, once every late request has landed and everything is visible."""
        self._check("I7", [])
        self._check_still()
        door, api = self._hands.door, self._hands.api
        self._clear_faults()
        door.change("clock", advance_seconds=ALL_SEEN)
        made, steps = door.look("made", job=self.id)["made"], list(api.all(f"{self.path}/steps"))
        self._check("I1", checks.twice(made))
        if self._action == "execute":
            self._check("I2", checks.strays(made, steps, self.touched, ended=ended))
        self._check("I8", list(gaps(list(api.all(f"{self.path}/events")))))
        lines = [*api.all("/v1/audit", job_id=self.id, event="aws.intent")]
        lines += api.all("/v1/audit", job_id=self.id, event="aws.result")
        if self._action == "execute":
            self._check("I6", checks.untold(door.look("changes")["changes"], lines))
        self._check("I9", list(checks.usurped(lines, self._hands.watch.holds[self.id])))
        if time.monotonic() > self._hands.verified + VERIFY_EVERY:
            self._hands.verified = time.monotonic()
            verified = api.get("/v1/audit/verify")
            self._check("I6", [] if verified["verified"] else [f"the trail is broken: {verified}"])

    def _check_still(self) -> None:
        """I3: nothing is called and nothing is told any more. A worker that was frozen in mid-call may wake up
        to a call that has left it: what was on its way cannot be held back."""
        first, began = self._state(), time.monotonic()
        time.sleep(STANDS_SECONDS)
        second = self._state()
        chaos = self._hands.chaos
        if not chaos.frozen and chaos.last_thaw < began - WOKEN_SECONDS:
            self._check("I3", [] if first == second else [f"it stood still, and yet: {first} -> {second}"])

    def _state(self) -> Mapping[str, Any]:
        calls = self._hands.door.look("changes")["changes"]
        job = self._hands.api.get(self.path)
        return {"calls": calls, "status": job["status"], "progress": job["progress"]}

    def _check_flows(self) -> None:
        """I10, and I5."""
        if not self.spoiled and self._action == "execute":
            self._check("I10", checks.broken(self._hands.door.outages(), self._promises.kept))
            self._check_members()

    def _check_members(self) -> None:
        """I5, on the way back, too."""
        self._check("I5", checks.short(self._hands.door.outages(), self._promises.least))


STANDING: Mapping[str, Callable[[Drive, Thing], str | None]] = {
    "paused": Drive._paused,
    "waiting_for_approval": Drive._at_gate,
    "halted": Drive._halted,
    "cancelled": Drive._cancelled,
    "succeeded": Drive._succeeded,
    "undone": Drive._undone,
    "undo_failed": Drive._undo_failed,
}
