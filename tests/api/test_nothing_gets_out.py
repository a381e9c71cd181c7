"""A hostile account with secrets in it, moved and moved back: what the service tells of it, to anybody, anywhere."""

from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from fastapi import FastAPI
from markdown_it import MarkdownIt

from app.db import Database
from app.execution.attempts import Control
from app.execution.clock import ScaledClock
from app.execution.pacing import MemoryBudget
from app.inventories.runner import DiscoveryRunner
from app.jobs.runner import JobRunner, Terms
from app.manners.principals import Role
from app.manners.spec import OPEN_PATHS
from landbridge.demo_target import choose_target
from tests.api.conftest import Client, ClientFor
from tests.api.shop import ACCOUNT
from tests.api.test_access import stored
from tests.kit.hostile import unseen
from tests.kit.leaky_account import LeakyAccount, traces

FASTER = 3_000.0  # seconds of AWS's time in one of ours
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
STREAM = "text/event-stream"
TOUCHED = ("<script", "<img", "<a ", 'href="')


class House:
    """The service at work on the account: its API, and a worker that comes when it is called."""

    def __init__(self, api: Client, approver: Client, database: Database) -> None:
        self.api = api
        self.approver = approver
        self.account = LeakyAccount()
        self.things: dict[str, str] = {"gate": "before:link"}
        clock = ScaledClock(FASTER)
        terms = Terms("w", lease_seconds=30.0, heartbeat_seconds=5.0)
        self.discoveries = DiscoveryRunner(database, self.account, MemoryBudget(), clock, "w")
        self.jobs = JobRunner(database, self.account, MemoryBudget(), clock, terms)

    async def plan(self) -> None:
        """Discover the account, plan its move and have it approved."""
        self.account.world.clock.set_scale(FASTER)
        account = (await self.api.post("/v1/accounts", json=ACCOUNT)).json()
        asked = {"account_id": account["id"], "region": "us-east-1"}
        inventory = (await self.api.post("/v1/inventories", json=asked)).json()
        await self.discoveries.attend(inventory["id"])
        found = (await self.api.get(f"/v1/inventories/{inventory['id']}/resources?limit=200")).json()["items"]
        wanted = {"inventory_id": inventory["id"], "name": "x\x9b2J<script>", "strategy": "incremental"}
        plan = (await self.api.post("/v1/plans", json=wanted | {"target": choose_target(found)})).json()
        self.things |= {"account_id": account["id"], "inventory_id": inventory["id"], "plan_id": plan["id"]}
        approved = await self.approver.post(f"/v1/plans/{plan['id']}/approve", headers={"If-Match": plan["etag"]})
        assert approved.status_code == 200, approved.text

    async def run(self, action: str) -> str:
        """A job, as far as it goes."""
        body = {"plan_id": self.things["plan_id"], "action": action}
        made = await self.api.post("/v1/jobs", json=body, headers={"Idempotency-Key": action})
        assert made.status_code == 202, made.text
        self.things["job_id"] = made.json()["id"]
        return await self.drive()

    async def drive(self) -> str:
        await self.jobs.attend(self.things["job_id"], Control())
        return str((await self.api.get(f"/v1/jobs/{self.things['job_id']}")).json()["status"])

    async def ask(self, wish: str) -> str:
        """Something of the job, which is then carried on."""
        answer = await self.api.post(f"/v1/jobs/{self.things['job_id']}/{wish}")
        assert answer.status_code in (200, 202), answer.text
        return await self.drive()

    async def failed(self) -> list[str]:
        steps = (await self.api.get(f"/v1/jobs/{self.things['job_id']}/steps?limit=200")).json()["items"]
        return [step["id"] for step in steps if step["state"] == "failed"]

    async def told(self, app: FastAPI) -> dict[tuple[str, str], str]:
        """All that the API answers to a reader, by path and media type."""
        found: dict[tuple[str, str], str] = {}
        done = (await self.api.get(f"/v1/jobs/{self.things['job_id']}")).json()["done"]
        for path, accept in readings(app, self.things):
            if accept == STREAM and not done:
                continue  # it would not end
            answer = await self.api.get(path, headers={"Accept": accept})
            assert answer.status_code == 200, (path, accept, answer.text)
            assert answer.headers["x-content-type-options"] == "nosniff"
            media_type = answer.headers["content-type"].partition(";")[0]
            found[path, media_type] = f"{answer.headers}\n\n{answer.text}"
        return found


def readings(app: FastAPI, things: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Every address that can be read, with each media type that it comes in."""
    for template, item in app.openapi()["paths"].items():
        names = {part[1:-1] for part in template.split("/") if part.startswith("{")}
        if "get" not in item or template in OPEN_PATHS or not names <= things.keys():
            continue
        path = template.format_map(things)
        if path.endswith("/graph"):
            yield from ((f"{path}?format={name}", "*/*") for name in ("json", "mermaid", "dot", "svg"))
            continue
        parameters = {parameter["name"] for parameter in item["get"].get("parameters", [])}
        query = "?limit=200" if "limit" in parameters else ""
        yield from ((path + query, accept) for accept in item["get"]["responses"]["200"]["content"])


def harm(path: str, media_type: str, answer: str) -> Iterator[str]:
    """What an answer would do to whoever looks at it."""
    body = answer.partition("\n\n")[2]
    if media_type.startswith("text/") or media_type == "image/svg+xml":
        yield from (f"{path} as {media_type} holds {letter}" for letter in unseen(body)[:3])
    if media_type == "text/markdown":
        shown = READER.render(body)
        yield from (f"{path} as Markdown shows {tag}" for tag in TOUCHED if tag in shown)
    if media_type == "image/svg+xml":
        tags = {element.tag.partition("}")[2] for element in ElementTree.fromstring(body).iter()}  # noqa: S314
        yield from (f"{path} draws {tag}" for tag in tags - {"svg", "style", "path", "text", "g", "title", "rect"})
    if media_type == "text/event-stream":
        lines = [line for line in body.splitlines() if line]
        yield from (f"{path} sends {line}" for line in lines if not line.startswith(("id: ", "event: ", "data: {")))


@pytest.fixture
async def house(admin: Client, client_for: ClientFor, database: Database) -> House:
    return House(admin, await client_for(Role.APPROVER), database)


async def test_a_move_and_its_undo_tell_no_secret_and_do_no_harm(
    app: FastAPI, house: House, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    await house.plan()
    assert await house.run("dry_run") == "succeeded"
    house.account.refusal.left = 1
    assert await house.run("execute") == "halted"
    answers = [await house.told(app)]
    [step] = await house.failed()
    assert (await house.api.post(f"/v1/jobs/{house.things['job_id']}/steps/{step}/retry")).status_code < 300
    assert await house.ask("resume") == "succeeded"
    assert await house.ask("undo") == "undone"
    answers.append(await house.told(app))

    logged = capsys.readouterr()
    rows = {name: "\n".join(lines) for name, lines in (await stored(database)).items()}
    everything = {"the log": logged.out + logged.err, **rows}
    everything |= {f"{path} ({media_type})": text for told in answers for (path, media_type), text in told.items()}
    assert house.account.refusal.left == 0
    assert "UserData" in everything["audit_log"]  # the calls are told, and what they sent is not
    assert [where for where, text in everything.items() for trace in traces() if trace in text] == []
    assert [bad for told in answers for (path, kind), text in told.items() for bad in harm(path, kind, text)] == []
    kinds = {media_type for told in answers for _, media_type in told}
    assert kinds >= {"text/plain", "text/markdown", STREAM, "image/svg+xml", "text/vnd.mermaid"}
