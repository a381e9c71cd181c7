"""The shop's move as somebody else's program sees it: HTTP to the API, AWS's own calls to the account."""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence, Set
from typing import Any

import boto3
import httpx2
from botocore import xform_name

from landbridge.demo_api import Api, Thing
from landbridge.demo_target import choose_target
from landbridge.dev import REGION, Stack

AWS_ACCOUNT = "123456789012"
JOB, STEP = "landbridge:job", "landbridge:step"
LOOK_EVERY = 0.05
READS = ("Describe", "List", "Get")
GONE = {"shutting-down", "terminated"}
# Not so the parts of these: rules, disks and snapshots are made several by one step.
ONE_PER_STEP = {"instance", "image", "security-group", "load-balancer", "elastic-ip", "vpc", "rds-instance"}
DONE = frozenset({"succeeded"})
MADE_IN_EC2 = ("i-", "ami-", "sg-", "vpc-")  # an Elastic IP is moved, not made


class Mover:
    """One person with every role but the approver's, and that one too."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.api = Api(stack.api, stack.token("mover", "admin"))
        self._approver = Api(stack.api, stack.token("approver", "approver"))
        self._sandbox = httpx2.Client(base_url=stack.aws, timeout=30.0, trust_env=False)

    def plan(self, strategy: str = "incremental", **body: Any) -> Thing:
        """The shop as it was on the first day, discovered, planned and approved."""
        self._sandbox.post("/_sandbox/reset").raise_for_status()
        names = {"name": f"shop {time.monotonic_ns()}", "aws_account_id": AWS_ACCOUNT, "regions": [REGION]}
        account = self.api.post("/v1/accounts", names)
        inventory = self.api.post("/v1/inventories", {"account_id": account["id"], "region": REGION})
        inventory = self.api.finished(f"/v1/inventories/{inventory['id']}")
        assert inventory["status"] == "ready", inventory
        target = choose_target(list(self.api.all(f"/v1/inventories/{inventory['id']}/resources")))
        wanted = {"inventory_id": inventory["id"], "name": "move", "strategy": strategy, "target": target, **body}
        plan = self.api.post("/v1/plans", wanted)
        path = f"/v1/plans/{plan['id']}"
        self._approver.post(f"{path}/approve", if_match=self._approver.etag(path))
        return plan

    def start(self, plan: Thing, action: str = "execute") -> "Watched":
        """Queue a job."""
        return Watched(self, self.api.post("/v1/jobs", {"plan_id": plan["id"], "action": action})["id"])

    def close(self) -> None:
        """Give the connections back."""
        self.api.close()
        self._approver.close()
        self._sandbox.close()

    def changes(self) -> int:
        """How many changing calls the account has been asked for."""
        return self.changes_by_operation().total()

    def changes_by_operation(self) -> Counter[str]:
        """The same by operation, as boto3 names it; throttled ones were rejected unread and do not count."""
        counts = self._sandbox.get("/_sandbox/calls").json()["calls"]
        changes = {name: count for name, count in counts.items() if not name.split(".")[1].startswith(READS)}
        return Counter({_snake(name): count["made"] - count["throttled"] for name, count in changes.items()})


class Watched:
    """A job, and what must be true of it whatever happened to its workers."""

    def __init__(self, mover: Mover, job_id: str) -> None:
        self._mover = mover
        self._before = mover.changes_by_operation()
        self.id = job_id
        self.path = f"/v1/jobs/{job_id}"

    @property
    def status(self) -> str:
        return str(self._mover.api.get(self.path)["status"])

    def steps(self) -> list[Thing]:
        return list(self._mover.api.all(f"{self.path}/steps"))

    def progress(self) -> dict[str, int]:
        counts: dict[str, int] = self._mover.api.get(self.path)["progress"]
        return counts

    def steps_done(self) -> int:
        return self.progress().get("done", 0)

    def wait_until(self, ready: Callable[[], bool], seconds: float = 60.0) -> None:
        """Look until `ready`; fails when the job ends before, or the time is over."""
        deadline = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < deadline, f"{self.status}: {self.unfinished()}"
            time.sleep(LOOK_EVERY)

    def wait_until_done(self, of: int) -> None:
        """Look until so many steps are done, or the job has ended."""
        self.wait_until(lambda: self.steps_done() >= of or self.status not in ("queued", "running"))

    def succeeds(self, seconds: float = 60.0) -> None:
        """Wait for the end, which must be success."""
        self.wait_until(lambda: self.status not in ("queued", "running"), seconds)
        assert self.status == "succeeded", self.unfinished()

    def unfinished(self) -> list[Thing]:
        return [step for step in self.steps() if step["state"] not in ("succeeded", "pending")]

    def wrongs(self) -> list[str]:
        """What is not as it must be: I1, I2, I6 and I8."""
        there = list(tagged(self._session(), self.id))
        return [*made_twice(there), *unaccounted(there, self.steps()), *self._untold(), *gaps(self.events())]

    def _untold(self) -> Iterator[str]:
        """Changing calls without an intent of their own, and a trail that does not verify."""
        verified = self._mover.api.get("/v1/audit/verify")
        if not verified["verified"]:
            yield f"the audit trail is broken: {verified}"
        lines = self._mover.api.all("/v1/audit", job_id=self.id, event="aws.intent")
        meant = Counter(line["data"]["operation"] for line in lines)
        for operation, made in (self._mover.changes_by_operation() - self._before).items():
            if made > meant[operation]:
                yield f"{operation} was called {made} times and meant {meant[operation]} times"

    def events(self) -> list[Thing]:
        return list(self._mover.api.all(f"{self.path}/events"))

    def _session(self) -> Callable[[str], Any]:
        session = boto3.Session("AKIALANDBRIDGETESTER", "test", region_name=REGION)
        make: Any = session.client
        return lambda service: make(service, endpoint_url=self._mover.stack.aws)


Made = tuple[str, str, str]  # type and id of a thing, and the step that its tag names


def tagged(client: Callable[[str], Any], job: str) -> Iterator[Made]:
    """Every live thing in the account that carries this job's tag."""
    yield from _ec2(client, job)
    yield from _services(client, job)


def made_twice(there: Sequence[Made]) -> Iterator[str]:
    """I1: what one step made several of."""
    made: defaultdict[str, list[str]] = defaultdict(list)
    for type_, id_, step in there:
        if type_ in ONE_PER_STEP:
            made[f"{step} made {type_}"].append(id_)
    yield from (f"{what} {ids}" for what, ids in made.items() if len(ids) > 1)


def unaccounted(there: Sequence[Made], all_steps: Sequence[Thing], good: Set[str] = DONE) -> Iterator[str]:
    """I2: what carries the job's tag and is in no result of a step in a `good` state, and the reverse."""
    steps = {step["id"]: step for step in all_steps}
    for type_, id_, step_id in there:
        step = steps.get(step_id, {})
        if step.get("state") not in good:
            yield f"{type_} {id_} is there, and {step_id} is {step.get('state', 'unknown')}"
        elif step["state"] == "succeeded" and type_ in ONE_PER_STEP and f'"{id_}"' not in json.dumps(step["result"]):
            yield f"{type_} {id_} is not in the result of {step_id}: {step.get('result')}"
    ids = {id_ for _, id_, _ in there}
    for step in steps.values():
        result = step.get("result") or {}
        made = str(result.get("counterpart", ""))
        lasts = step["state"] == "succeeded" and made.startswith(MADE_IN_EC2) and not result.get("adopted")
        if lasts and made not in ids:
            yield f"{step['id']} says it made {made}, which is not there or not tagged"


def gaps(events: Sequence[Thing]) -> Iterator[str]:
    """I8: how the events are numbered, unless it is from 1 on without gaps."""
    seen = [event["seq"] for event in events]
    if seen != list(range(1, len(seen) + 1)):
        yield f"the events are numbered {seen}"


def _ec2(client: Callable[[str], Any], job: str) -> Iterator[tuple[str, str, str]]:
    ec2 = client("ec2")
    mine = [{"Name": f"tag:{JOB}", "Values": [job]}]
    reservations = ec2.describe_instances()["Reservations"]
    dead = {one["InstanceId"] for r in reservations for one in r["Instances"] if one["State"]["Name"] in GONE}
    ids = {tag["ResourceId"]: tag["ResourceType"] for tag in ec2.describe_tags(Filters=mine)["Tags"]}
    steps = ec2.describe_tags(Filters=[{"Name": "key", "Values": [STEP]}])["Tags"]
    for tag in steps:
        if (id_ := tag["ResourceId"]) in ids and id_ not in dead:
            yield ids[id_], id_, tag["Value"]


def _services(client: Callable[[str], Any], job: str) -> Iterator[tuple[str, str, str]]:
    elb, rds = client("elb"), client("rds")
    for one in elb.describe_load_balancers()["LoadBalancerDescriptions"]:
        name = one["LoadBalancerName"]
        tags = _pairs(elb.describe_tags(LoadBalancerNames=[name])["TagDescriptions"][0]["Tags"])
        if tags.get(JOB) == job:
            yield "load-balancer", name, tags[STEP]
    for one in rds.describe_db_instances()["DBInstances"]:
        tags = _pairs(rds.list_tags_for_resource(ResourceName=one["DBInstanceArn"])["TagList"])
        if tags.get(JOB) == job:
            yield "rds-instance", one["DBInstanceIdentifier"], tags[STEP]


def _snake(operation: str) -> str:
    service, _, name = operation.partition(".")
    return f"{service}.{xform_name(name)}"


def _pairs(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}
