"""The demo: a Classic application moves into a VPC, told by a program that only speaks HTTP to /v1."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console

from landbridge.demo_api import Api, DemoFailed, SandboxDoor, Thing
from landbridge.demo_progress import ProgressView
from landbridge.demo_target import NEW_VPC, choose_target
from landbridge.demo_verdict import Shown, measurable, shortcomings
from landbridge.demo_view import View
from landbridge.dev import REGION, Stack, StackOptions
from landbridge.embedded import EmbeddedError
from landbridge.processes import ChildDied
from landbridge.signals import ending_as_exit

AWS_ACCOUNT = "123456789012"
ACCOUNT_NAME = "demo"
LOOK_EVERY = 0.5
# In these a job goes on by itself; in any other it ended or waits for a person.
MOVING = frozenset({"queued", "running", "undoing"})
INTERRUPTED = 130
PLAIN_WIDTH = 100


@dataclass(frozen=True, slots=True)
class People:
    """Four eyes and then some: each does only what its role may."""

    admin: Api
    planner: Api
    approver: Api
    operator: Api


def run_demo(options: StackOptions, strategy: str) -> int:
    """Start everything, tell the story, end everything. Returns 0 only if all was shown that should be."""
    view = View(Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH))
    try:
        with ending_as_exit(INTERRUPTED):
            view.heading("Starting")
            with Stack(options, say=lambda text: view.say(f"  {text}")) as stack:
                people = people_of(stack)
                story = Story(people, SandboxDoor(stack.aws), view, options.time_scale, stack.check)
                story.tell(strategy)
    except (DemoFailed, ChildDied, EmbeddedError) as error:
        view.say(str(error))
        return 1
    return 0


def people_of(stack: Stack) -> People:
    """A token for each role."""

    def api(role: str) -> Api:
        return Api(stack.api, stack.token(f"demo {role}", role))

    return People(api("admin"), api("planner"), api("approver"), api("operator"))


class Story:
    """Register, discover, plan, approve, execute, report."""

    def __init__(
        self, people: People, sandbox: SandboxDoor, view: View, time_scale: float, check: Callable[[], None]
    ) -> None:
        self._people = people
        self._sandbox = sandbox
        self._view = view
        self._time_scale = time_scale
        self._check = check

    def tell(self, strategy: str) -> None:
        """The whole story; raises DemoFailed saying what fell short."""
        began = time.monotonic()
        inventory = self._discover()
        resources = list(self._people.planner.all(f"/v1/inventories/{inventory['id']}/resources"))
        self._view.resources(resources)
        plan = self._plan(inventory, strategy, self._target(resources))
        path = f"/v1/plans/{plan['id']}"
        findings = list(self._people.planner.all(f"{path}/findings"))
        flows = list(self._people.planner.all(f"{path}/flows"))
        self._view.heading("What to know before approving")
        self._view.findings(findings)
        self._view.heading("Who calls whom, and what becomes of it (AWS's seconds)")
        self._view.flows(flows)
        self._approve(plan)
        self._sandbox.declare([flow for flow in flows if measurable(flow)])
        planned = list(self._people.planner.all(f"{path}/steps"))
        job, steps = self._execute(plan, planned)
        outages = self._sandbox.outages()
        self._people.operator.post(f"/v1/jobs/{job['id']}/outages", {"outages": outages})
        report = self._people.operator.get(f"/v1/jobs/{job['id']}/report")
        self._report(report, planned, steps)
        short = shortcomings(Shown(resources, findings, flows, job, steps, report, outages))
        if short:
            raise DemoFailed("\n".join(["", "This is not what was promised:", *(f"  {line}" for line in short)]))
        self._view.heading(f"The application lives in the VPC. {time.monotonic() - began:.0f} seconds.")

    def _discover(self) -> Thing:
        self._view.heading("Discovering what the account holds")
        inventory = self._people.admin.post("/v1/inventories", {"account_id": self._account()["id"], "region": REGION})
        inventory = self._people.admin.finished(f"/v1/inventories/{inventory['id']}")
        if inventory["status"] != "ready":
            raise DemoFailed(f"The inventory is {inventory['status']}: {inventory.get('error')}")
        return inventory

    def _account(self) -> Thing:
        """The demo's account; it is there already where a database of one's own was used before."""
        admin = self._people.admin
        for account in admin.all("/v1/accounts"):
            if account["name"] == ACCOUNT_NAME:
                return account
        body = {"name": ACCOUNT_NAME, "aws_account_id": AWS_ACCOUNT, "regions": [REGION]}
        return admin.post("/v1/accounts", body)

    def _target(self, resources: list[Thing]) -> Thing:
        target = choose_target(resources)
        if target == NEW_VPC:
            self._view.say(f"  No VPC here is ready for it: one is made, {target['create']['cidr']}.")
        else:
            self._view.say(f"  It moves into the VPC that is there, {target['vpc_id']}.")
        return target

    def _plan(self, inventory: Thing, strategy: str, target: Thing) -> Thing:
        self._view.heading(f"Planning the move, {strategy.replace('_', ' ')}")
        body = {
            "inventory_id": inventory["id"],
            "name": f"demo, {strategy}",
            "strategy": strategy,
            "target": target,
        }
        plan = self._people.planner.post("/v1/plans", body)
        estimate = plan["estimate"]
        self._view.say(
            f"  {plan['counts']['steps']} steps, about {estimate['seconds'] / 60:.0f} minutes of AWS's time, "
            f"{estimate['aws_calls']} AWS calls; the longest interruption {estimate['outage_seconds']:.0f} seconds"
        )
        return plan

    def _approve(self, plan: Thing) -> None:
        path = f"/v1/plans/{plan['id']}"
        approver = self._people.approver
        approver.post(f"{path}/approve", if_match=approver.etag(path))
        self._view.heading("Approved by somebody other than the author")

    def _execute(self, plan: Thing, planned: list[Thing]) -> tuple[Thing, list[Thing]]:
        self._view.heading(f"Executing, with AWS's clock {self._time_scale:.0f} times as fast")
        operator = self._people.operator
        phases = {step["id"]: step["phase"] for step in planned}
        path = f"/v1/jobs/{operator.post('/v1/jobs', {'plan_id': plan['id'], 'action': 'execute'})['id']}"
        estimated = plan["estimate"]["seconds"] / self._time_scale
        with ProgressView(self._view.console, phases, estimated) as progress:
            while True:
                self._check()
                job = operator.get(path)
                steps = list(operator.all(f"{path}/steps"))
                progress.show(job["status"], steps)
                if job["status"] not in MOVING:
                    return job, steps
                time.sleep(LOOK_EVERY)

    def _report(self, report: Thing, planned: list[Thing], steps: list[Thing]) -> None:
        self._view.heading("What moved")
        self._view.counterparts(report)
        self._view.groups(planned, steps, self._time_scale)
        self._view.heading("Who could not call whom, and for how long (AWS's seconds)")
        self._view.outages(report["flows"])
        self._view.heading("AWS calls")
        self._view.say(f"  {calls(report['aws_calls'])}")


def calls(counted: object) -> str:
    """The report's count of AWS calls in words, the most frequent first."""
    if not isinstance(counted, dict):
        return str(counted)
    numbers = {name: count for name, count in counted.items() if isinstance(count, int)}
    return ", ".join(f"{count} {name}" for name, count in sorted(numbers.items(), key=lambda item: -item[1]))
