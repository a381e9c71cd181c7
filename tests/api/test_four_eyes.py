"""Attempts to have a plan carried out that nobody but its author has looked at."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import update

from app.db import Database
from app.errors import Unauthorized
from app.manners.principals import Principal, Role
from app.plans.authors import fold
from app.plans.models import Plan
from app.tokens import service
from app.tokens.models import Token
from app.tokens.schemas import TokenCreate
from tests.api.conftest import Client, ClientFor
from tests.api.jobs import a_job, an_approved_plan
from tests.api.shop import a_plan, an_inventory, plan_body

As = Callable[[Principal], Awaitable[Client]]

# One person reads all of these as the same name.
ANNS = ["ann", "ANN", " Ann\u00a0", "A n n", "Ａｎｎ", "ann.", "a\u200bnn", "-ann-", "ａｎｎ\u202e"]


class Known:
    """Lets in whom it knows, by name: stands for tokens and an issuer at once."""

    def __init__(self) -> None:
        self.principals: dict[str, Principal] = {}

    async def authenticate(self, bearer: str) -> Principal:
        if bearer not in self.principals:
            raise Unauthorized("Nobody knows you.")
        return self.principals[bearer]


@pytest.fixture
def acting(app: FastAPI, anonymous: Client) -> Callable[[Principal], dict[str, str]]:
    """Headers by which a request is made as somebody."""
    known = app.state.authenticator = Known()

    def headers(principal: Principal) -> dict[str, str]:
        bearer = f"bearer{len(known.principals)}"
        known.principals[bearer] = principal
        return {"Authorization": f"Bearer {bearer}"}

    return headers


Acting = Callable[[Principal], dict[str, str]]


async def approve(client: Client, plan: dict[str, Any], etag: str = "", **headers: str) -> httpx2.Response:
    sent = {"If-Match": etag or plan["etag"], **headers}
    return await client.post(f"/v1/plans/{plan['id']}/approve", headers=sent)


async def refused_to_run(client: Client, plan: dict[str, Any]) -> bool:
    answer = await client.post("/v1/jobs", json={"plan_id": plan["id"], "action": "execute"})
    return (answer.status_code, answer.json()["code"]) == (409, "plan_not_approved")


async def test_the_authors_other_tokens_are_the_author(app: FastAPI, database: Database, admin: Client) -> None:
    """Whatever their roles, and however the name is spelled."""
    plan = await a_plan(admin, database)
    async with database.transaction() as session:
        await session.execute(update(Plan).values(authors=[{"id": plan["author"], "name": "Ann"}]))
    for name in ANNS:
        for role in (Role.APPROVER, Role.ADMIN):
            async with database.transaction() as session:
                _, secret = await service.issue(session, TokenCreate(name=name, role=role), "tests")
            answer = await approve(admin, plan, Authorization=f"Bearer {secret}")
            assert (answer.status_code, answer.json()["code"]) == (403, "self_approval"), repr(name)
    assert await refused_to_run(admin, plan)


async def test_a_changed_role_makes_nobody_somebody_else(admin: Client, database: Database) -> None:
    plan = await a_plan(admin, database)
    async with database.transaction() as session:
        await session.execute(update(Token).where(Token.id == plan["author"]).values(role="approver", name="bob"))
    answer = await approve(admin, plan)
    assert (answer.status_code, answer.json()["code"]) == (403, "self_approval")


@pytest.mark.parametrize(
    ("author", "approver", "same"),
    [
        (("oidc:u1", "Ann"), ("oidc:u1", "Somebody Else"), True),  # a display name is the subject's own to change
        (("oidc:u1", "Ann"), ("tok_1", "ann"), True),
        (("oidc:ann@example.com", "Ann B."), ("tok_1", "Ann@Example.com"), True),
        (("tok_1", "u1"), ("oidc:u1", "Ann"), True),
        (("oidc:u1", "John Smith"), ("oidc:u2", "John Smith"), False),  # the issuer says that they are two
        (("tok_1", "Ann"), ("oidc:tok_1", "Bob"), False),  # a subject that looks like a token's id is no token
        (("tok_1", "!"), ("tok_2", "?"), False),
        (("tok_1", "Ann"), ("tok_2", "Anna"), False),
    ],
)
async def test_the_author_is_known_by_id_and_by_name(
    anonymous: Client,
    admin: Client,
    database: Database,
    acting: Acting,
    author: tuple[str, str],
    approver: tuple[str, str],
    same: bool,
) -> None:
    admin.headers.update(acting(Principal("tok_admin", "the admin", Role.ADMIN)))
    inventory = (await a_plan(admin, database))["inventory_id"]
    headers = acting(Principal(*author, Role.PLANNER))
    plan = (await anonymous.post("/v1/plans", json=plan_body(inventory), headers=headers)).json()

    answer = await approve(anonymous, plan, **acting(Principal(*approver, Role.APPROVER)))

    expected = (403, "self_approval") if same else (200, None)
    assert (answer.status_code, answer.json().get("code")) == expected


async def test_whoever_changed_a_plan_and_whoever_made_it_are_both_its_authors(
    anonymous: Client, admin: Client, database: Database, acting: Acting
) -> None:
    """Somebody who only renames a plan does not free its author to approve it."""
    ann, bob, eve = (Principal(f"tok_{name}", name, Role.ADMIN) for name in ("ann", "bob", "eve"))
    admin.headers.update(acting(ann))
    plan = await a_plan(admin, database)
    changed = await anonymous.patch(
        plan["links"]["self"], json={"name": "nicer"}, headers={"If-Match": plan["etag"], **acting(bob)}
    )
    plan = changed.json()
    assert plan["author"] == bob.id
    for author in (ann, bob):
        answer = await approve(anonymous, plan, **acting(author))
        assert answer.json()["code"] == "self_approval", author.name
    assert (await approve(anonymous, plan, **acting(eve))).status_code == 200


async def test_an_approval_is_of_what_was_seen(admin: Client, client_for: ClientFor, database: Database) -> None:
    plan = await a_plan(admin, database)
    approver = await client_for(Role.APPROVER)
    seen = {"If-Match": plan["etag"]}
    changed = (await admin.patch(plan["links"]["self"], json={"strategy": "all_at_once"}, headers=seen)).json()
    assert changed["plan_hash"] != plan["plan_hash"]

    tried = {etag: (await approve(approver, plan, etag)).status_code for etag in (plan["etag"], f"W/{changed['etag']}")}
    missing = await approver.post(f"/v1/plans/{plan['id']}/approve")

    assert tried == dict.fromkeys(tried, 412)
    assert missing.status_code == 428
    assert await refused_to_run(admin, plan)


async def test_a_plan_changed_after_its_approval_runs_only_when_approved_again(
    admin: Client, client_for: ClientFor, database: Database
) -> None:
    plan = await an_approved_plan(admin, client_for, database)
    approver = await client_for(Role.APPROVER)
    current = {"If-Match": plan["etag"]}
    changed = (await admin.patch(plan["links"]["self"], json={"strategy": "all_at_once"}, headers=current)).json()
    assert (changed["status"], "approved_by" in changed, "approved_hash" in changed) == ("draft", False, False)
    assert await refused_to_run(admin, plan)

    # Changed back to what was approved: it is a new version, which nobody has approved.
    back = {"If-Match": changed["etag"]}
    same = (await admin.patch(plan["links"]["self"], json={"strategy": "incremental"}, headers=back)).json()
    assert (same["plan_hash"], same["status"]) == (plan["plan_hash"], "draft")
    assert await refused_to_run(admin, plan)
    assert (await approve(approver, plan)).status_code == 412


async def test_a_repeated_approval_tells_what_was_and_approves_nothing_anew(
    admin: Client, client_for: ClientFor, database: Database
) -> None:
    plan = await a_plan(admin, database)
    approver = await client_for(Role.APPROVER)
    key = {"Idempotency-Key": "once"}
    approved = (await approve(approver, plan, **key)).json()
    await admin.patch(plan["links"]["self"], json={"name": "x"}, headers={"If-Match": approved["etag"]})

    again = await approve(approver, plan, **key)

    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await admin.get(plan["links"]["self"])).json()["status"] == "draft"
    assert await refused_to_run(admin, plan)


async def test_an_approval_does_not_count_for_another_plan_of_the_same_hash(
    admin: Client, client_for: ClientFor, database: Database
) -> None:
    plan = await an_approved_plan(admin, client_for, database)
    twin = (await admin.post("/v1/plans", json=plan_body(plan["inventory_id"]))).json()
    assert twin["plan_hash"] == plan["plan_hash"]
    approver = await client_for(Role.APPROVER)

    assert await refused_to_run(admin, twin)
    assert (await approve(approver, twin, plan["etag"])).status_code == 412

    key = {"Idempotency-Key": "once"}
    await approve(approver, plan, **key)
    assert (await approve(approver, twin, **key)).status_code == 422
    assert await refused_to_run(admin, twin)


async def test_an_approval_does_not_count_for_another_inventory(
    admin: Client, client_for: ClientFor, database: Database
) -> None:
    plan = await an_approved_plan(admin, client_for, database)
    other = await an_inventory(database, plan["account_id"])
    change = {"inventory_id": other}
    changed = await admin.patch(plan["links"]["self"], json=change, headers={"If-Match": plan["etag"]})
    assert changed.json()["status"] == "draft"
    assert await refused_to_run(admin, plan)


async def test_a_plan_that_a_job_runs_by_is_not_changed_under_it(
    admin: Client, client_for: ClientFor, database: Database
) -> None:
    plan = await an_approved_plan(admin, client_for, database)
    await a_job(admin, plan)
    current = {"If-Match": plan["etag"]}
    refused = await admin.patch(plan["links"]["self"], json={"strategy": "all_at_once"}, headers=current)
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
    assert (await admin.get(plan["links"]["self"])).json()["plan_hash"] == plan["plan_hash"]


async def test_nobody_says_of_themselves_who_made_or_approved_a_plan(admin: Client, database: Database) -> None:
    plan = await a_plan(admin, database)
    for field in ("author", "authors", "status", "approved_by", "approved_hash", "approved_at", "plan_hash", "version"):
        made = await admin.post("/v1/plans", json=plan_body(plan["inventory_id"], **{field: "x"}))
        changed = await admin.patch(plan["links"]["self"], json={field: "x"}, headers={"If-Match": plan["etag"]})
        assert (made.status_code, changed.status_code) == (422, 422), field


def test_names_that_differ_to_the_eye_differ() -> None:
    assert len({fold(name) for name in ANNS}) == 1
    assert len({fold(name) for name in ("ann", "anna", "Ann 2", "änn", "")}) == 5
