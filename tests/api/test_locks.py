"""Who locks a row so that it stays as it is does not stop those who only refer to it: else they wait for each other."""

import asyncio

from app.accounts import repository as accounts
from app.db import Database
from app.plans import repository as plans
from tests.api.conftest import Client, ClientFor
from tests.api.jobs import a_job, an_approved_plan, set_status
from tests.api.shop import a_plan

SECONDS = 10.0


async def test_planning_anew_does_not_wait_for_a_job_that_is_being_made_in_the_account(
    admin: Client, database: Database
) -> None:
    plan = await a_plan(admin, database)

    async with asyncio.timeout(SECONDS), database.transaction() as session:
        await accounts.find(session, plan["account_id"], lock=True)
        changed = await admin.patch(
            plan["links"]["self"], json={"strategy": "all_at_once", "name": "n"}, headers={"If-Match": plan["etag"]}
        )

    assert changed.status_code == 200, changed.text


async def test_undoing_a_job_does_not_wait_for_another_that_is_being_made_of_its_plan(
    admin: Client, client_for: ClientFor, database: Database
) -> None:
    plan = await an_approved_plan(admin, client_for, database)
    job = await a_job(admin, plan)
    await set_status(database, job, "succeeded")

    async with asyncio.timeout(SECONDS), database.transaction() as session:
        await accounts.find(session, plan["account_id"], lock=True)
        await plans.find(session, plan["id"], lock=True)
        asked = await admin.post(f"/v1/jobs/{job['id']}/undo")

    assert asked.status_code == 202, asked.text
