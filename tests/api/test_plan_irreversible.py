"""What an undo does not put back is told before anybody approves, and is on record afterwards."""

from typing import Any

import pytest

from app.db import Database
from app.manners.principals import Role
from app.plans import irreversible
from tests.api.conftest import Client, ClientFor
from tests.api.jobs import AUTHORIZE_WEB, a_job, an_approved_plan
from tests.api.shop import a_plan, execute

LOST = "An undo of this *loses* what was written."
FINALIZING = [
    "security_group.clear/security_group:sg-db",
    "security_group.clear/security_group:sg-web",
    "security_group.delete/security_group:sg-db",
    "security_group.delete/security_group:sg-web",
]


async def tell(database: Database, plan: dict[str, Any], step: str, text: str) -> None:
    """Have a step of the stored plan say what its undo loses."""
    await execute(
        database,
        """
        update plan_documents set steps = (
            select jsonb_agg(case when e ->> 'id' = :step
                then jsonb_set(e, '{not_undone}', to_jsonb(cast(:text as text))) else e end order by n)
            from jsonb_array_elements(steps) with ordinality as t(e, n))
        where plan_id = :plan
        """,
        plan=plan["id"],
        step=step,
        text=text,
    )


async def test_a_plan_says_what_an_undo_does_not_put_back(admin: Client, database: Database) -> None:
    plan = await a_plan(admin, database)
    assert plan["counts"]["irreversible"] == {"wholly": 4, "partly": 0}
    assert [(each["step"], each["extent"], each["phase"]) for each in plan["irreversible"]] == [
        (step, "wholly", "finalize") for step in FINALIZING
    ]
    assert all(each["explanation"].endswith(".") for each in plan["irreversible"])
    await tell(database, plan, AUTHORIZE_WEB, LOST)
    found = (await admin.get(plan["links"]["self"])).json()["irreversible"]
    assert found[0] == {
        "step": AUTHORIZE_WEB,
        "subject": "security_group:sg-web",
        "phase": "prepare",
        "extent": "partly",
        "explanation": LOST,
    }
    assert found[1:] == plan["irreversible"]
    steps = (await admin.get(plan["links"]["steps"])).json()["items"]
    assert {step["id"]: step.get("not_undone") for step in steps if step["phase"] != "finalize"}[AUTHORIZE_WEB] == LOST
    assert [step["id"] for step in steps if "not_undone" in step] == [AUTHORIZE_WEB]


async def test_all_of_it_comes_in_pages(admin: Client, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = await a_plan(admin, database)
    monkeypatch.setattr(irreversible, "SHOWN", 3)
    assert len((await admin.get(plan["links"]["self"])).json()["irreversible"]) == 3
    first = (await admin.get(plan["links"]["irreversible"], params={"limit": 3})).json()
    rest = await admin.get(plan["links"]["irreversible"], params={"limit": 3, "cursor": first["next_cursor"]})
    assert [each["step"] for each in first["items"] + rest.json()["items"]] == FINALIZING
    assert "next_cursor" not in rest.json()


async def test_a_list_of_plans_leaves_it_out(admin: Client, database: Database) -> None:
    await a_plan(admin, database)
    assert ["irreversible" in plan for plan in (await admin.get("/v1/plans")).json()["items"]] == [False]


async def test_whoever_may_read_plans_may_read_it(admin: Client, client_for: ClientFor, database: Database) -> None:
    plan = await a_plan(admin, database)
    for role in Role:
        assert (await (await client_for(role)).get(plan["links"]["irreversible"])).status_code == 200
    missing = await admin.get("/v1/plans/plan_none/irreversible")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


async def test_who_approves_is_told_and_what_was_told_is_on_record(
    admin: Client, client_for: ClientFor, database: Database
) -> None:
    plan = await a_plan(admin, database)
    await tell(database, plan, AUTHORIZE_WEB, LOST)
    approver = await client_for(Role.APPROVER)
    headers = {"If-Match": plan["etag"], "Idempotency-Key": "once"}
    approved = (await approver.post(plan["links"]["approve"], headers=headers)).json()
    assert [each["step"] for each in approved["irreversible"]] == [AUTHORIZE_WEB, *FINALIZING]
    again = await approver.post(plan["links"]["approve"], headers=headers)
    assert again.json() == approved

    assert (await admin.delete(plan["links"]["self"])).status_code == 204
    [line] = (await admin.get("/v1/audit", params={"event": "api.approve_plan"})).json()["items"]
    assert line["data"]["irreversible"] == approved["irreversible"]
    assert line["data"]["irreversible_counts"] == {"wholly": 4, "partly": 0}
    assert line["data"]["plan_hash"] == approved["approved_hash"]
    assert (await admin.get("/v1/audit/verify")).json()["verified"]


async def test_a_plan_of_an_earlier_release_tells_what_it_can(
    admin: Client, client_for: ClientFor, database: Database
) -> None:
    plan = await an_approved_plan(admin, client_for, database)
    await execute(
        database,
        """
        update plan_documents set steps = (select jsonb_agg((e - 'not_undone') #- '{estimate,undo_seconds}' order by n)
            from jsonb_array_elements(steps) with ordinality as t(e, n))
        """,
    )
    await execute(database, "update plans set counts = counts - 'irreversible'")
    old = (await admin.get(plan["links"]["self"])).json()
    assert [each["step"] for each in old["irreversible"]] == FINALIZING
    assert "irreversible" not in old["counts"]
    text = await admin.get(plan["links"]["self"], headers={"Accept": "text/plain"})
    assert "Undo" not in text.text
    await a_job(admin, plan)


async def test_its_summary_and_its_runbook_say_it_to_a_person(admin: Client, database: Database) -> None:
    plan = await a_plan(admin, database)
    await tell(database, plan, AUTHORIZE_WEB, LOST)
    summary = (await admin.get(plan["links"]["self"], headers={"Accept": "text/plain"})).text
    assert "until finalizing begins: its 4 steps are for good" in summary
    runbook = (await admin.get(plan["links"]["runbook"])).text
    told = runbook.split("## What an undo does not put back")[1].split("## Prepare")[0]
    assert f"`{AUTHORIZE_WEB}`: An undo of this \\*loses\\* what was written." in told
    assert told.index(AUTHORIZE_WEB) < told.index("finalize job") < told.index(FINALIZING[0])
