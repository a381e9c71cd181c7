"""A lane: one account of AWS, in which job comes after job."""

import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from landbridge.demo_target import choose_target
from landbridge.dev import REGION
from sandbox.world import ACCOUNT_ID
from tests.soak import checks
from tests.soak.client import Client, Refused, Thing
from tests.soak.driving import Drive, Hands, StuckError
from tests.soak.scripts import GATE, Script

LOOK_EVERY = 0.3
DISCOVERIES = 5
DISCOVERY_SECONDS = 240.0


class UnplannedError(Exception):
    """There is nothing to carry out; the message says why."""


class Lane:
    """A thread that carries out scripts until `until` (monotonic)."""

    def __init__(self, hands: Hands, approver: Client, scripts: Iterator[Script], until: float) -> None:
        self._hands = hands
        self._approver = approver
        self._scripts = scripts
        self._until = until
        self._account: str | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.failure: BaseException | None = None

    def start(self) -> None:
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            for script in self._scripts:
                if time.monotonic() > self._until:
                    return
                self._carry_out(script)
        except BaseException as error:
            self.failure = error
            raise

    def _carry_out(self, script: Script) -> None:
        hands = self._hands
        hands.door.look("begin", application=script.application, seed=script.seed)
        try:
            plan, flows = self._plan(script)
        except UnplannedError as error:
            hands.ledger.job(script.kind, str(error))
            return
        before = hands.door.look("picture")
        hands.door.change("flows", flows=[_declared(flow) for flow in flows if checks.watchable(flow)])
        drive = Drive(hands, script, plan, before, checks.promises_of(flows))
        try:
            outcome = drive.run()
        except (StuckError, Refused) as error:
            hands.ledger.check("I7", script, drive.id, [str(error)])
            outcome = "stuck"
            with suppress(Refused):
                hands.api.post(f"{drive.path}/cancel")
            self._account = None  # it may hold its account for ever
        hands.ledger.job(script.kind, outcome)

    def _plan(self, script: Script) -> tuple[Thing, list[Thing]]:
        """The account discovered, planned and approved. Raises UnplannedError."""
        api = self._hands.api
        inventory = self._inventory(script)
        resources = list(api.all(f"/v1/inventories/{inventory}/resources"))
        wanted: dict[str, Any] = {
            "inventory_id": inventory,
            "name": script.name,
            "strategy": script.strategy,
            "target": choose_target(resources),
        }
        if script.image:
            wanted["overrides"] = {ref: {"image": script.image} for ref in _sources(resources)}
        if script.gate:
            wanted["settings"] = {"gates": [GATE]}
        plan = api.post("/v1/plans", wanted)
        path = f"/v1/plans/{plan['id']}"
        try:
            self._approver.post(f"{path}/approve", if_match=self._approver.etag(path))
        except Refused as refused:
            if refused.code != "plan_blocked":
                raise
            raise UnplannedError("blocked by a finding") from refused
        return plan, list(api.all(f"{path}/flows"))

    def _inventory(self, script: Script) -> str:
        """A discovery that came through: its workers may all have been killed. Raises UnplannedError."""
        for _ in range(DISCOVERIES):
            made = self._hands.api.post("/v1/inventories", {"account_id": self._account_of(script), "region": REGION})
            deadline = time.monotonic() + DISCOVERY_SECONDS
            while not made["done"] and time.monotonic() < deadline:
                time.sleep(LOOK_EVERY)
                made = self._hands.api.get(f"/v1/inventories/{made['id']}")
            if made["status"] == "ready" and not made.get("errors"):
                return str(made["id"])
        raise UnplannedError(f"not planned: {DISCOVERIES} discoveries were given up")

    def _account_of(self, script: Script) -> str:
        if self._account is None:
            body = {
                "name": f"lane {script.lane} {uuid.uuid4().hex[:8]}",
                "aws_account_id": ACCOUNT_ID,
                "role_arn": f"arn:aws:iam::{ACCOUNT_ID}:role/lane-{script.lane}",
                "regions": [REGION],
            }
            self._account = str(self._hands.api.post("/v1/accounts", body)["id"])
        return self._account


def _sources(resources: Iterable[Thing]) -> list[str]:
    """The instances of EC2-Classic, but for the members of groups, which move as their groups do."""
    classic = (one for one in resources if one["kind"] == "instance" and one["platform"] == "classic")
    return [str(one["ref"]) for one in classic if not one["facts"].get("held_by")]


def _declared(flow: Thing) -> Thing:
    wanted = ("id", "sources", "targets", "protocol", "from_port", "to_port")
    return {key: flow[key] for key in wanted if flow.get(key) is not None}
