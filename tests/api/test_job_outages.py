"""What somebody measured of a job's outages, told and shown beside what was foretold."""

import json
from typing import Any

import pytest

from app.db import Database
from app.manners.markdown import escaped
from app.manners.principals import Role
from tests.api.conftest import Client, ClientFor
from tests.api.jobs import a_job, an_approved_plan
from tests.api.shop import FLOW, execute

Job = dict[str, Any]

DOWN = {
    "flow": "flow-1",
    "total_seconds": 42.5,
    "down": [
        {
            "from": "2026-01-02T03:04:05+00:00",
            "to": "2026-01-02T03:04:47.5+00:00",
            "seconds": 42.5,
            "why": "instance:i-1 is stopped",
        }
    ],
}


@pytest.fixture
async def job(admin: Client, client_for: ClientFor, database: Database) -> Job:
    """An execute job of a plan with two flows, one of which is to be down for 40 seconds."""
    plan = await an_approved_plan(admin, client_for, database)
    flows = [FLOW | {"verdict": "interrupted", "reason": "stopped", "outage_seconds": 40.0}, FLOW | {"id": "flow-2"}]
    await execute(database, "update plan_documents set flows = cast(:flows as jsonb)", flows=json.dumps(flows))
    return await a_job(admin, plan)


async def tell(client: Client, job: Job, *outages: dict[str, Any]) -> Any:
    return await client.post(f"/v1/jobs/{job['id']}/outages", json={"outages": list(outages)})


async def flows_of(client: Client, job: Job) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(job["links"]["report"])).json()["flows"]
    return found


async def test_predicted_and_measured_stand_beside_each_other(admin: Client, job: Job) -> None:
    answer = await tell(admin, job, DOWN)
    assert (answer.status_code, answer.json()) == (200, {"flows": 1, "interrupted": 1})
    first, second = await flows_of(admin, job)
    assert (first["predicted_seconds"], first["measured_seconds"]) == (40.0, 42.5)
    assert second["predicted_seconds"] == 0
    assert "measured_seconds" not in second  # nobody watched it
    text = await admin.get(job["links"]["report"], headers={"Accept": "text/markdown"})
    assert "1 of 2 flows were watched." in text.text


BALANCED = FLOW | {
    "id": "flow-lb",
    "rule": "load_balancer:front checks and forwards to its members",
    "sources": ["load_balancer:front"],
    "targets": ["instance:i-1", "instance:i-2", "instance:i-3"],
    "outage_seconds": 60.0,
    "least_in_service": 2,
}


async def test_how_many_served_behind_a_load_balancer_stands_beside_how_many_the_plan_allows(
    admin: Client, database: Database, job: Job
) -> None:
    flows = json.dumps([FLOW | {"outage_seconds": 0.0}, BALANCED])
    await execute(database, "update plan_documents set flows = cast(:flows as jsonb)", flows=flows)
    markdown = {"Accept": "text/markdown"}
    assert "| 3 | 2 | not watched |" in (await admin.get(job["links"]["report"], headers=markdown)).text

    told = {"flow": "flow-lb", "total_seconds": 60, "least_in_service": 1}
    assert (await tell(admin, job, told, DOWN)).status_code == 200
    plain, balanced = await flows_of(admin, job)
    assert (balanced["least_in_service"], balanced["measured_least_in_service"]) == (2, 1)
    assert not {"least_in_service", "measured_least_in_service"} & plain.keys()
    text = (await admin.get(job["links"]["report"], headers=markdown)).text
    assert f"| {escaped('load_balancer:front')} | 3 | 2 | 1 |" in text

    runbook = (await admin.get(f"/v1/plans/{job['plan_id']}/runbook")).text
    assert "forwards on port 80 to 3: at every moment at least 2 of them are in service." in runbook
    listed = (await admin.get(f"/v1/plans/{job['plan_id']}/flows")).json()["items"]
    assert [flow.get("least_in_service") for flow in listed] == [None, 2]


@pytest.mark.parametrize("least", [-1, 1.5, "some"])
async def test_what_is_no_number_of_members_is_refused(admin: Client, job: Job, least: object) -> None:
    told = {"flow": "flow-1", "total_seconds": 1, "least_in_service": least}
    assert (await tell(admin, job, told)).status_code == 422


async def test_told_again_the_newest_counts(admin: Client, job: Job) -> None:
    await tell(admin, job, DOWN)
    await tell(admin, job, {"flow": "flow-1", "total_seconds": 50}, {"flow": "flow-2", "total_seconds": 0})
    assert [flow["measured_seconds"] for flow in await flows_of(admin, job)] == [50, 0]
    events = (await admin.get(job["links"]["events"], headers={"Accept": "application/json"})).json()["items"]
    told = [event["data"] for event in events if event["type"] == "outages.measured"]
    assert [(each["flows"], each["down"]) for each in told] == [(1, 1), (2, 1)]


async def test_a_flow_the_plan_has_not_got_is_named_and_nothing_is_kept(admin: Client, job: Job) -> None:
    answer = await tell(admin, job, DOWN, {"flow": "flow-9", "total_seconds": 1}, DOWN)
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/outages/1/flow", "/outages/2/flow"]
    assert "measured_seconds" not in (await flows_of(admin, job))[0]


@pytest.mark.parametrize("seconds", [-1, "NaN", "long"])
async def test_what_is_no_length_of_time_is_refused(admin: Client, job: Job, seconds: object) -> None:
    assert (await tell(admin, job, {"flow": "flow-1", "total_seconds": seconds})).status_code == 422


async def test_only_operators_tell(admin: Client, client_for: ClientFor, job: Job) -> None:
    viewer = await client_for(Role.VIEWER)
    assert (await tell(viewer, job, DOWN)).status_code == 403


async def test_a_dry_run_interrupts_nobody(admin: Client, job: Job) -> None:
    rehearsal = await a_job(admin, {"id": job["plan_id"]}, "dry_run")
    assert (await tell(admin, rehearsal, DOWN)).status_code == 409
